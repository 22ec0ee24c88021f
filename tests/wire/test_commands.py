"""What clients may say, and that nothing they say is more than a refusal."""

from __future__ import annotations

import json
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.core.position import Position
from fanout.wire.commands import BadCommand, Command, Ping, Publish, Submit, Subscribe, Unsubscribe, read_command
from fanout.wire.rendered import Format

COMMANDS: list[tuple[dict[str, Any], Command]] = [
    ({"type": "subscribe", "room": "stage"}, Subscribe("stage")),
    (
        {"type": "subscribe", "room": "stage", "after": "k3f9:18", "last": 5},
        Subscribe("stage", Position("k3f9", 18), 5),
    ),
    ({"type": "subscribe", "room": "stage", "after": None, "last": None}, Subscribe("stage")),
    ({"type": "unsubscribe", "room": "@desk/stage"}, Unsubscribe("@desk/stage")),
    ({"type": "ping"}, Ping()),
    ({"type": "ping", "unknown": [{"room": 1}]}, Ping()),
    ({"type": "submit", "room": "a", "text": "Why?", "name": "Zoé", "ref": "1"}, Submit("a", "Why?", "Zoé", "1")),
    ({"type": "publish", "room": "a", "text": "é\n\u2028"}, Publish("a", "é\n\u2028")),
    (
        {"type": "publish", "room": "a", "text": "", "kind": "answer", "ref": "r", "re": "m", "data": {"a": [1, None]}},
        Publish("a", "", "answer", "r", "m", {"a": [1, None]}),
    ),
]


@pytest.mark.parametrize(("said", "meant"), COMMANDS)
def test_every_command_is_read_from_either_format(said: dict[str, Any], meant: Command) -> None:
    assert read_command(json.dumps(said), Format.JSON) == meant
    assert read_command(msgpack.packb(said), Format.MSGPACK) == meant


def refusal(payload: str | bytes, format: Format = Format.JSON) -> BadCommand:
    with pytest.raises(BadCommand) as caught:
        read_command(payload, format)
    return caught.value


REFUSED: list[tuple[Any, str]] = [
    ({}, "unknown_type"),
    ({"type": "dance"}, "unknown_type"),
    ({"type": 1}, "unknown_type"),
    ({"type": None}, "unknown_type"),
    ({"room": "a"}, "unknown_type"),
    ({"type": "subscribe"}, "missing_field"),
    ({"type": "publish", "room": "a"}, "missing_field"),
    ({"type": "submit", "text": "a"}, "missing_field"),
    ({"type": "subscribe", "room": 1}, "bad_field"),
    ({"type": "subscribe", "room": None}, "bad_field"),
    ({"type": "subscribe", "room": "a", "last": -1}, "bad_field"),
    ({"type": "subscribe", "room": "a", "last": "5"}, "bad_field"),
    ({"type": "subscribe", "room": "a", "last": 1.5}, "bad_field"),
    ({"type": "subscribe", "room": "a", "after": 18}, "bad_field"),
    ({"type": "subscribe", "room": "a", "after": {"type": 1}}, "bad_field"),
    ({"type": "publish", "room": "a", "text": "a", "data": [1]}, "bad_field"),
    ({"type": "publish", "room": "a", "text": "a", "data": "type"}, "bad_field"),
    ({"type": "publish", "room": "a", "text": "a", "ref": "x" * 201}, "bad_field"),
    ({"type": "subscribe", "room": "a", "after": "18"}, "bad_position"),
    ({"type": "subscribe", "room": "a", "after": "k3f9:99999999999999999999"}, "bad_position"),
    ({"type": "subscribe", "room": ""}, "bad_room_name"),
    ({"type": "unsubscribe", "room": "a/../b"}, "bad_room_name"),
    ([], "bad_field"),
    ([[[[1]]]], "bad_field"),
    ("ping", "bad_field"),
    (1, "bad_field"),
    (None, "bad_field"),
]


@pytest.mark.parametrize(("said", "code"), REFUSED)
def test_what_is_no_command_is_refused_with_the_same_code_in_either_format(said: Any, code: str) -> None:
    for error in (refusal(json.dumps(said)), refusal(msgpack.packb(said), Format.MSGPACK)):
        assert error.code == code
        assert error.ref is None
        assert error.detail.endswith(".")


@pytest.mark.parametrize(
    "said", [{"type": "dance"}, {"type": "publish"}, {"type": "publish", "room": "!", "text": "a"}]
)
def test_a_refusal_carries_the_ref_of_the_command(said: dict[str, Any]) -> None:
    assert refusal(json.dumps({**said, "ref": "r7"})).ref == "r7"
    assert refusal(msgpack.packb({**said, "ref": "r7"}), Format.MSGPACK).ref == "r7"
    assert refusal(json.dumps({**said, "ref": 7})).ref is None
    assert refusal(json.dumps({**said, "ref": "x" * 201})).ref is None


@pytest.mark.parametrize(
    "payload",
    [
        "",
        "{",
        "{'type':'ping'}",
        '{"type":"ping"} x',
        '{"type":"ping","x":' * 5_000,
        '{"type":"publish","room":"a","text":"a","data":{"a":' + "[" * 30_000 + "]" * 30_000 + "}}",
        '{"type":"ping","x":"\\ud800"}',
        '{"type":"ping","x":"\x01"}',
        '{"type":"ping","x":NaN}',
    ],
)
def test_what_is_not_json_or_a_bomb_is_refused(payload: str) -> None:
    assert refusal(payload).code == "bad_json"


def test_a_bomb_that_is_no_object_is_refused_at_its_first_byte() -> None:
    assert refusal("[" * 60_000).code == "bad_field"


def test_enormous_numbers_are_refused_or_ignored_and_never_cost_more_than_their_length() -> None:
    for number in ("9" * 60_000, "1e999999999", "-" + "9" * 5_000, "0." + "9" * 5_000):
        assert refusal(f'{{"type":"subscribe","room":"a","last":{number}}}').code in ("bad_field", "bad_json")
        try:
            read_command(f'{{"type":"publish","room":"a","text":"a","data":{{"n":{number}}}}}', Format.JSON)
        except BadCommand as caught:
            error = caught
        else:
            continue
        assert error.code in ("bad_field", "bad_json")


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc1",
        b"\x81",
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        b"\xdb\xff\xff\xff\xff",
        b"\x91" * 60_000,
        b"\x81\xa1x" * 20_000,
        b"\x81\xa4type\xa4ping\x00",
        b"\x81\x01\x02",
        b"\x81\xa4type\xa2\xff\xfe",
        b"\x82\xa4type\xa4ping\xa1x\xc4\x01a",
        b"\x82\xa4type\xa4ping\xa1x\xd6\xff\x00\x00\x00\x00",
        b"\x82\xa4type\xa4ping\xa1x\xd4\x01a",
    ],
)
def test_what_is_not_messagepack_or_has_no_place_in_json_is_refused(payload: bytes) -> None:
    assert refusal(payload, Format.MSGPACK).code == "bad_msgpack"


def test_each_format_has_its_kind_of_message() -> None:
    assert refusal(b'{"type":"ping"}', Format.JSON).code == "wrong_frame"
    assert refusal('{"type":"ping"}', Format.MSGPACK).code == "wrong_frame"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["ping", "publish"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["type", "room", "text", "after", "last", "data", "ref", "x"]), inner, max_size=5
        )
    ),
    max_leaves=12,
)


@given(
    json_values
    | st.fixed_dictionaries({"type": st.sampled_from(["subscribe", "publish", "submit"]), "room": json_values})
)
def test_any_json_is_a_command_or_a_refusal(said: Any) -> None:
    try:
        read_command(json.dumps(said), Format.JSON)
    except BadCommand as caught:
        assert caught.code  # noqa: PT017  # either outcome is right; any other exception is not


@given(st.text(max_size=60))
def test_any_text_is_a_command_or_a_refusal(payload: str) -> None:
    assert refusal(payload).code in ("bad_json", "bad_field", "unknown_type")


@given(
    st.binary(max_size=60)
    | st.builds(bytes.__add__, st.just(b"\x82\xa4type\xa9subscribe\xa4room"), st.binary(max_size=9))
)
def test_any_bytes_are_a_command_or_a_refusal(payload: bytes) -> None:
    try:
        read_command(payload, Format.MSGPACK)
    except BadCommand as caught:
        assert caught.code  # noqa: PT017  # either outcome is right; any other exception is not
