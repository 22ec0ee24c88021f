"""Room settings, and where a publication goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.core.cursor import Overflow
from fanout.core.limits import MAX_FOLLOWS, MAX_RING_CAPACITY, RING_CAPACITY
from fanout.core.room import Mode, RoomSettings, reached_from, room_name, room_settings
from fanout.errors import InvalidInput


def test_a_room_is_moderated_and_loses_nothing_unless_it_says_otherwise():
    assert room_settings("stage") == RoomSettings("stage", Mode.MODERATED, RING_CAPACITY, Overflow.CLOSE, (), "")


def test_an_open_room_skips_unless_it_says_otherwise():
    assert room_settings("chat", mode="open").overflow is Overflow.SKIP
    assert room_settings("chat", mode="open", overflow="close").overflow is Overflow.CLOSE


@pytest.mark.parametrize("name", ["stage", "Stage-2", "a", "9", "a.b_c-d", "@x/room", "x" * 64])
def test_a_name_that_fits_into_a_url_and_a_file_name_is_accepted(name):
    assert room_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", " ", ".", "..", ".a", "-a", "_a", "a b", "a/b", "../a", "é", "a\n", "a\x00", "x" * 65, "@/a", "@X/a", 7],
)
def test_any_other_name_is_refused(name):
    with pytest.raises(InvalidInput) as caught:
        room_name(name)
    assert caught.value.code == "bad_room_name"


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"mode": "loud"}, "bad_mode"),
        ({"capacity": 0}, "bad_capacity"),
        ({"capacity": MAX_RING_CAPACITY + 1}, "bad_capacity"),
        ({"overflow": "wait"}, "bad_overflow"),
        ({"follows": [f"r{n}" for n in range(MAX_FOLLOWS + 1)]}, "too_many_follows"),
        ({"follows": ["no good"]}, "bad_room_name"),
        ({"title": "x" * 201}, "title_too_long"),
    ],
)
def test_a_setting_that_is_not_accepted_is_named_by_its_code(given, code):
    with pytest.raises(InvalidInput) as caught:
        room_settings("stage", **given)
    assert caught.value.code == code


def test_a_room_that_is_followed_twice_is_followed_once():
    assert room_settings("hall", follows=["a", "b", "a"]).follows == ("a", "b")


NAMES = [f"r{n}" for n in range(8)]


@given(st.lists(st.lists(st.sampled_from(NAMES), max_size=3), min_size=8, max_size=8))
def test_a_publication_reaches_every_room_that_follows_once_also_in_circles(follows):
    rooms = {name: RoomSettings(name, follows=tuple(wanted)) for name, wanted in zip(NAMES, follows, strict=True)}
    reached = reached_from("r0", rooms)
    assert reached[0] == "r0"
    assert len(set(reached)) == len(reached)
    assert {name for name in NAMES if set(rooms[name].follows) & set(reached)} | {"r0"} == set(reached)
