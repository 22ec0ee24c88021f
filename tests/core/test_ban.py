"""Whom a ban keeps away, and that the index answers as looking at every ban would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.core.ban import Ban, BanIndex, Effect, ban_target, known_address, network_of
from fanout.errors import InvalidInput

HASH = "0123456789abcdef" * 4
PEOPLE = ["visitor:ann", "visitor:bob", f"phone:{HASH}"]
ADDRESSES = ["192.0.2.1", "192.0.2.200", "::ffff:192.0.2.1", "198.51.100.7", "2001:db8::1", "2001:db8:1::1", ""]
RANGES = ["192.0.2.0/24", "192.0.2.1", "192.0.2.128/25", "2001:db8::/48", "2001:db8::1", "198.51.0.0/16"]


def ban(target="visitor:ann", effect=Effect.BAN, room="stage", until=None, id="b1") -> Ban:
    return Ban(id, ban_target(target), effect, room, until, "Insults.", "Mo (moderator)", 0)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("visitor:ann", "visitor:ann"),
        ("visitor:Hélène d'Aix:2", "visitor:Hélène d'Aix:2"),
        (f"phone:{HASH}", f"phone:{HASH}"),
        ("address:192.0.2.7", "address:192.0.2.7/32"),
        ("address:192.0.2.7/24", "address:192.0.2.0/24"),
        ("address:::ffff:192.0.2.7", "address:192.0.2.7/32"),
        ("address:::ffff:192.0.2.0/120", "address:192.0.2.0/24"),
        ("address:2001:DB8::1/64", "address:2001:db8::/64"),
        ("address:10.0.0.0/16", "address:10.0.0.0/16"),
    ],
)
def test_a_target_is_kept_in_one_way_of_writing(written, kept):
    assert ban_target(written) == kept
    assert ban_target(kept) == kept


@pytest.mark.parametrize(
    "written",
    [
        "", "ann", "visitor:", "visitor:a\nb", "phone:+33612345678", "phone:" + HASH.upper(), "address:", "address:x",
        "address:192.0.2.1/33", "address:192.0.2", "address:fe80::1%eth0", "visitor:" + "x" * 300, 7, None,
    ],
)  # fmt: skip
def test_what_is_no_target_is_refused(written):
    with pytest.raises(InvalidInput) as caught:
        ban_target(written)
    assert caught.value.code == "bad_target"


@pytest.mark.parametrize("range_", ["0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/15", "::/0", "2001::/31", "::ffff:0:0/96"])
def test_a_range_that_would_send_whole_networks_away_is_refused(range_):
    with pytest.raises(InvalidInput, match="too many") as caught:
        ban_target(f"address:{range_}")
    assert caught.value.code == "address_range_too_wide"


def test_addresses_are_read_the_same_however_the_socket_writes_them():
    assert known_address("::ffff:192.0.2.1") == known_address("192.0.2.1")
    assert str(known_address("fe80::1%eth0")) == "fe80::1"
    assert known_address("") is None
    assert known_address("/run/fanout.sock") is None


def test_a_ban_holds_in_its_room_until_it_ends():
    timed = ban(until=1000)
    assert timed.matches("visitor:ann", "", "stage", 999)
    assert not timed.matches("visitor:ann", "", "stage", 1000)
    assert not timed.matches("visitor:ann", "", "hall", 999)
    assert not timed.matches("visitor:anne", "", "stage", 999)
    assert ban(room="*").matches("visitor:ann", "", "hall", 10**15)


def test_who_is_unknown_is_met_by_no_ban():
    index = BanIndex()
    index.add(ban())
    index.add(ban("address:192.0.2.0/24", id="b2"))
    assert index.covering("", "", "stage", 0) is None


def test_a_ban_goes_before_a_mute_and_the_longest_before_the_others():
    index = BanIndex()
    index.add(ban(effect=Effect.MUTE, id="mute"))
    index.add(ban(until=10, id="short", room="*"))
    assert index.covering("visitor:ann", "", "stage", 5).id == "short"
    index.add(ban("address:192.0.2.0/24", until=20, id="longer"))
    assert index.covering("visitor:ann", "192.0.2.9", "stage", 5).id == "longer"
    assert index.covering("visitor:ann", "192.0.2.9", "stage", 20).id == "mute"


bans = st.builds(
    ban,
    target=st.sampled_from(PEOPLE) | st.sampled_from(RANGES).map("address:{}".format),
    effect=st.sampled_from(Effect),
    room=st.sampled_from(["stage", "hall", "*"]),
    until=st.none() | st.integers(0, 10),
    id=st.sampled_from("abcdef"),
)


@given(
    st.lists(bans, max_size=12),
    st.sets(st.sampled_from("abcdef")),
    st.sampled_from([*PEOPLE, ""]),
    st.sampled_from(ADDRESSES),
    st.integers(0, 11),
)
def test_the_index_answers_as_looking_at_every_ban_would(made, lifted, person, address, now):
    index, kept = BanIndex(), {}
    for each in made:
        index.add(each)
        kept[each.id] = each
    for id in lifted:
        index.remove(id)
        kept.pop(id, None)
    matching = [each for each in kept.values() if each.matches(person, address, "stage", now)]
    found = index.covering(person, address, "stage", now)
    assert (found is None) == (not matching)
    if found is not None:
        assert found in matching
        assert found.effect is Effect.BAN or all(each.effect is Effect.MUTE for each in matching)
    assert sorted(each.id for each in index) == sorted(kept)
    assert {each.id for each in index.ended(now)} == {
        each.id for each in kept.values() if each.until is not None and each.until <= now
    }


def test_an_index_that_was_emptied_holds_nothing_back():
    index = BanIndex()
    for number, range_ in enumerate(RANGES):
        index.add(ban(f"address:{range_}", id=str(number)))
    index.add(ban())
    for each in index:
        index.remove(each.id)
    assert len(index) == 0
    assert (index._by_person, index._by_range) == ({}, {})


@pytest.mark.parametrize(
    ("written", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("@a socket", ""),
    ],
)
def test_a_network_is_a_household(written: str, network: str):
    assert network_of(written) == network
