"""Rules switched while a room is live: by whom, to what, and that they last."""

import pytest

from fanout.core.principal import Principal, Role
from fanout.errors import InvalidInput, NotAllowed, SubmissionRefused
from fanout.moderation.rules import MAX_PROTECTED_NAMES, MAX_SLOW_SECONDS, RoomRules, Rules
from fanout.store.memory import MemoryStore

MO = Principal(Role.MODERATOR, "Mo", frozenset({"stage"}))


def now() -> int:
    return 7


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def rules(store) -> Rules:
    return Rules(store, now)


async def test_a_new_room_restricts_nothing(rules):
    assert rules.of("stage") == RoomRules()
    rules.of("stage").check_taking()


async def test_what_is_not_named_stays(rules):
    await rules.set(MO, "stage", slow_s=10, protected_names=["Ann Martin", "Ann Martin"])
    await rules.set(MO, "stage", paused=True)
    assert rules.of("stage") == RoomRules(slow_s=10, paused=True, protected_names=("Ann Martin",))
    assert rules.of("hall") == RoomRules()


@pytest.mark.parametrize(
    ("change", "code"), [({"paused": True}, "paused"), ({"announce_only": True}, "announcements_only")]
)
async def test_a_room_that_takes_nothing_says_so(rules, change, code):
    changed = await rules.set(MO, "stage", **change)
    with pytest.raises(SubmissionRefused) as caught:
        changed.check_taking()
    assert caught.value.code == code
    (await rules.set(MO, "stage", **dict.fromkeys(change, False))).check_taking()


async def test_rules_survive_a_restart(rules, store):
    kept = await rules.set(MO, "stage", muted=True, auto_air=True, slow_s=5, protected_names=("Ann",))
    again = Rules(store, now)
    await again.load()
    assert again.of("stage") == kept


async def test_a_change_is_audited_and_told_and_no_change_is_neither(rules, store):
    heard: list[tuple[str, RoomRules]] = []
    rules.on_change(lambda room, changed: heard.append((room, changed)))
    await rules.set(MO, "stage", paused=False, slow_s=0)
    assert (heard, await store.audit()) == ([], [])
    await rules.set(MO, "stage", paused=True, slow_s=30)
    assert heard == [("stage", RoomRules(slow_s=30, paused=True))]
    [entry] = await store.audit()
    assert (entry.draft.action, entry.draft.by, entry.draft.room, entry.draft.at) == (
        "set_rules",
        "Mo (moderator)",
        "stage",
        7,
    )
    assert entry.draft.detail == {"slow_s": "30", "paused": "True"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"colour": "red"}, "unknown_rule"),
        ({"paused": "yes"}, "bad_rule"),
        ({"paused": 1}, "bad_rule"),
        ({"muted": None}, "bad_rule"),
        ({"slow_s": -1}, "bad_rule"),
        ({"slow_s": MAX_SLOW_SECONDS + 1}, "bad_rule"),
        ({"slow_s": True}, "bad_rule"),
        ({"slow_s": 1.5}, "bad_rule"),
        ({"protected_names": "Ann"}, "bad_rule"),
        ({"protected_names": ["Ann", 7]}, "bad_rule"),
        ({"protected_names": [""]}, "bad_rule"),
        ({"protected_names": ["a\nb\x00"]}, "bad_rule"),
        ({"protected_names": ["x" * 81]}, "bad_rule"),
        ({"protected_names": [str(n) for n in range(MAX_PROTECTED_NAMES + 1)]}, "bad_rule"),
    ],
)
async def test_what_is_no_rule_is_refused_and_changes_nothing(rules, store, change, code):
    with pytest.raises(InvalidInput) as caught:
        await rules.set(MO, "stage", announce_only=True, **change)
    assert caught.value.code == code
    assert rules.of("stage") == RoomRules()
    assert await store.audit() == []


@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.MODERATOR, Role.OPERATOR)])
async def test_only_moderators_and_operators_set_rules(rules, role):
    with pytest.raises(NotAllowed):
        await rules.set(Principal(role, rooms=frozenset({"*"})), "stage", paused=True)


async def test_rules_of_another_room_are_not_ones_own(rules):
    with pytest.raises(NotAllowed, match="not good for the room"):
        await rules.set(MO, "hall", paused=True)


async def test_one_stop_for_every_room_and_lifted_each_is_as_it_was(rules, store):
    boss = Principal(Role.OPERATOR, "Ops", frozenset({"*"}))
    await rules.set(MO, "stage", paused=True, slow_s=10)
    everywhere = await rules.set(boss, "*", paused=True, muted=True)
    assert everywhere == RoomRules(paused=True, muted=True)
    assert rules.of("stage") == RoomRules(paused=True, muted=True, slow_s=10)
    assert rules.of("made later") == RoomRules(paused=True, muted=True)
    assert rules.everywhere() == ["paused", "muted"]
    again = Rules(store, now)
    await again.load()
    assert again.of("hall") == RoomRules(paused=True, muted=True), "it survives a restart"
    # What is set in a room meanwhile is its own.
    assert (await rules.set(MO, "stage", announce_only=True)).muted
    await rules.set(boss, "*", paused=False, muted=False)
    assert rules.of("stage") == RoomRules(paused=True, announce_only=True, slow_s=10)
    assert rules.of("hall") == RoomRules()
    assert [entry.draft.room for entry in await store.audit()] == ["stage", "*", "stage", "*"]


@pytest.mark.parametrize("change", [{"slow_s": 5}, {"auto_air": True}, {"protected_names": ["Ann"]}])
async def test_only_stops_are_for_every_room(rules, change):
    with pytest.raises(InvalidInput, match="paused, muted, announce_only") as caught:
        await rules.set(Principal(Role.OPERATOR, "Ops", frozenset({"*"})), "*", **change)
    assert caught.value.code == "bad_rule"


async def test_who_may_in_one_room_may_not_in_every_room(rules):
    with pytest.raises(NotAllowed):
        await rules.set(MO, "*", paused=True)
