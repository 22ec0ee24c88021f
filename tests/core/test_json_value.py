"""A message's data: what passes can be written as JSON and as MessagePack and read back the same."""

import json
import time
from types import MappingProxyType

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.core.json_value import json_object
from fanout.core.limits import MAX_DATA_BYTES, MAX_DATA_DEPTH
from fanout.errors import InvalidInput

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=3) | st.dates(),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(max_size=5) | st.integers(), inner),
    max_leaves=30,
)


@given(st.dictionaries(st.text(max_size=5), ANYTHING, max_size=5) | ANYTHING)
def test_what_passes_survives_both_encodings_and_fits_and_the_rest_is_refused(value):
    try:
        data = json_object(value)
    except InvalidInput as refused:
        problem = refused
    else:
        problem = None
    if problem is not None:
        assert problem.code in {"bad_data", "data_too_deep", "data_too_long"}
        problem.detail.encode()
        return
    written = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    assert len(written) <= MAX_DATA_BYTES + 2
    assert json.loads(written) == data
    assert msgpack.unpackb(msgpack.packb(data)) == data


@given(st.dictionaries(st.text(max_size=50), st.lists(st.text(max_size=50) | st.floats() | st.integers())))
def test_nothing_passes_that_takes_more_bytes_than_it_may(value):
    """The size is counted as it is written, so that a limit on one is a limit on the other."""
    value = {key * 20: [item * 20 if isinstance(item, str) else item for item in items] for key, items in value.items()}
    try:
        data = json_object(value)
    except InvalidInput:
        return
    assert len(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()) <= MAX_DATA_BYTES + 2


def nested(depth: int):
    value: dict = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("value", "code", "says"),
    [
        ([1], "bad_data", "is a JSON object, not list"),
        (None, "bad_data", "not NoneType"),
        ({1: 2}, "bad_data", "a key of type int"),
        ({"a": {"b": [0, b"x"]}}, "bad_data", r"data.a.b\[1\] is of type bytes"),
        ({"a": float("nan")}, "bad_data", "data.a is not a finite number"),
        ({"a": float("-inf")}, "bad_data", "not a finite number"),
        ({"a": 2**53}, "bad_data", "write it as text"),
        ({"a": -(10**400)}, "bad_data", "browsers can't hold"),
        ({"a": "\ud800"}, "bad_data", "lone surrogate"),
        ({"\ud800": 1}, "bad_data", "lone surrogate"),
        ({"a": {1, 2}}, "bad_data", "type set"),
        (nested(MAX_DATA_DEPTH + 1), "data_too_deep", str(MAX_DATA_DEPTH)),
        ({"a": "x" * MAX_DATA_BYTES}, "data_too_long", str(MAX_DATA_BYTES)),
        ({"a": "\x00" * (MAX_DATA_BYTES // 3)}, "data_too_long", "JSON"),
        ({"a": [0] * MAX_DATA_BYTES}, "data_too_long", "JSON"),
        ({"k" * MAX_DATA_BYTES: 0}, "data_too_long", "JSON"),
    ],
)
def test_what_json_does_not_have_is_refused_and_the_place_is_named(value, code, says):
    with pytest.raises(InvalidInput, match=says) as caught:
        json_object(value)
    assert caught.value.code == code
    caught.value.detail.encode()


def test_what_is_as_deep_and_as_long_as_it_may_be_passes():
    assert json_object(nested(MAX_DATA_DEPTH)) == nested(MAX_DATA_DEPTH)
    longest = {"a": "x" * (MAX_DATA_BYTES - 20)}
    assert json_object(longest) == longest


def test_any_mapping_becomes_a_plain_dict_and_a_tuple_a_list():
    assert json_object(MappingProxyType({"a": (1, 2)})) == {"a": [1, 2]}


def test_a_bomb_is_refused_before_it_is_unpacked():
    """Ten lists of ten of the same lists, nine times over: 10**9 members in a few hundred bytes of memory."""
    bomb: list = [0] * 10
    for _ in range(8):
        bomb = [bomb] * 10
    circle: dict = {}
    circle["again"] = circle
    began = time.process_time()
    for value in ({"a": bomb}, circle, {"a": [[]] * 10**6}):
        with pytest.raises(InvalidInput):
            json_object(value)
    assert time.process_time() - began < 0.5
