"""Bans as staff make and lift them: durable, audited, and in force at once."""

import json

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from fanout.core.ban import Ban, Effect
from fanout.core.principal import Action, Principal, Role
from fanout.errors import Banned, InvalidInput, NotAllowed, RecordNotFound, StoreUnavailable
from fanout.moderation.bans import MAX_BAN_SECONDS, MAX_REASON_CHARACTERS, Bans
from fanout.moderation.ports import Kind
from fanout.store.memory import MemoryStore

MO = Principal(Role.MODERATOR, "Mo", frozenset({"stage", "hall"}), "mo")
CHIEF = Principal(Role.MODERATOR, "Chief", frozenset({"*"}), "chief")
ANN = "visitor:ann"


class Clock:
    """Milliseconds, set by hand."""

    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now


class StubbornStore(MemoryStore):
    """Refuses to write while `full`, and waits for `gate` before it does."""

    full = False
    gate: trio.Event | None = None

    async def put(self, documents, audit=()):
        if self.gate is not None:
            await self.gate.wait()
        if self.full:
            raise StoreUnavailable("The disk is full.")
        await super().put(documents, audit)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> StubbornStore:
    return StubbornStore()


@pytest.fixture
async def bans(store, clock) -> Bans:
    made = Bans(store, clock)
    await made.load()
    return made


async def test_who_is_banned_neither_speaks_nor_listens_and_reads_why(bans):
    await bans.ban(MO, "stage", ANN, reason="  Insults\tagain. ")
    for check in (bans.check, bans.check_listening):
        with pytest.raises(Banned, match=r"^Insults again\.$") as caught:
            check("stage", ANN, "192.0.2.1")
        assert caught.value.code == "banned"
    bans.check("hall", ANN, "192.0.2.1")
    bans.check("stage", "visitor:bob", "192.0.2.1")


async def test_who_is_muted_still_listens(bans):
    await bans.ban(MO, "stage", ANN, reason="Too loud.", effect="mute")
    bans.check_listening("stage", ANN, "")
    with pytest.raises(Banned, match="Too loud") as caught:
        bans.check("stage", ANN, "")
    assert caught.value.code == "muted"


async def test_a_range_meets_all_its_addresses_also_those_written_as_ipv6(bans):
    await bans.ban(MO, "stage", "address:192.0.2.0/24", reason="A script.")
    for address in ("192.0.2.1", "::ffff:192.0.2.255"):
        assert bans.covering("stage", "", address) is not None
    assert bans.covering("stage", "", "192.0.3.1") is None


async def test_a_time_out_ends_by_itself_and_leaves_nothing_behind(bans, store, clock):
    await bans.ban(MO, "stage", ANN, reason="Calm down.", duration_s=600)
    clock.now += 599_999
    assert bans.covering("stage", ANN, "") is not None
    clock.now += 1
    assert bans.covering("stage", ANN, "") is None
    assert bans.bans("stage") == []
    await Bans(store, clock).load()
    assert await store.documents(Kind.BAN) == []


async def test_a_lifted_ban_holds_no_longer(bans):
    ban = await bans.ban(MO, "stage", ANN, reason="A mistake.")
    assert bans.bans("stage") == [ban]
    assert await bans.lift(MO, ban.id) == ban
    bans.check("stage", ANN, "")
    with pytest.raises(RecordNotFound) as caught:
        await bans.lift(MO, ban.id)
    assert caught.value.code == "ban_not_found"


async def test_a_second_ban_of_the_same_takes_the_place_of_the_first(bans, clock):
    first = await bans.ban(MO, "stage", ANN, reason="Calm down.", duration_s=60, effect="mute")
    second = await bans.ban(CHIEF, "stage", ANN, reason="Enough.")
    assert second.id == first.id
    [ban] = bans.bans("stage")
    assert (ban.effect, ban.until, ban.reason, ban.by) == (Effect.BAN, None, "Enough.", "Chief (moderator)")
    await bans.lift(MO, ban.id)
    assert bans.covering("stage", ANN, "") is None


async def test_a_telephone_is_banned_in_one_room_or_in_all_of_them(bans):
    phone = "phone:" + "a" * 64
    here = await bans.ban(CHIEF, "stage", phone, reason="Here.")
    assert (bans.covering("stage", phone, ""), bans.covering("hall", phone, "")) == (here, None)
    everywhere = await bans.ban(CHIEF, "*", phone, reason="Everywhere.", effect="mute")
    assert (bans.covering("stage", phone, ""), bans.covering("hall", phone, "")) == (here, everywhere)


async def test_bans_survive_a_restart(bans, store, clock):
    kept = [
        await bans.ban(MO, "stage", ANN, reason="One.", duration_s=60),
        await bans.ban(CHIEF, "*", "address:2001:db8::/48", reason="Two.", effect="mute"),
    ]
    again = Bans(store, clock)
    await again.load()
    assert again.bans("stage") == kept
    assert again.bans("hall") == kept[1:]


async def test_every_ban_and_lift_is_audited_without_a_word_on_who_it_was(bans, store):
    ban = await bans.ban(MO, "stage", "address:192.0.2.7", reason="A script.", duration_s=60)
    await bans.lift(CHIEF, ban.id)
    made, lifted = [entry.draft for entry in await store.audit(subject=ban.id)]
    assert (made.action, made.by, made.room) == ("ban", "Mo (moderator)", "stage")
    assert made.detail == {
        "of": "address",
        "effect": "ban",
        "until": "1970-01-01T00:17:40.000Z",
        "reason": "A script.",
    }
    assert (lifted.action, lifted.by) == ("lift_ban", "Chief (moderator)")
    assert "192.0.2.7" not in json.dumps([dict(made.detail), dict(lifted.detail)])


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.MODERATOR])
async def test_only_moderators_ban(bans, role):
    with pytest.raises(NotAllowed):
        await bans.ban(Principal(role, rooms=frozenset({"*"})), "stage", ANN, reason="No.")
    assert not Principal(role, rooms=frozenset({"*"})).may(Action.BAN, "stage")


async def test_a_ban_of_every_room_takes_a_token_for_every_room_also_to_lift_it(bans):
    with pytest.raises(NotAllowed, match="not good for the room"):
        await bans.ban(MO, "*", ANN, reason="Everywhere.")
    ban = await bans.ban(CHIEF, "*", ANN, reason="Everywhere.")
    with pytest.raises(NotAllowed):
        await bans.lift(MO, ban.id)
    with pytest.raises(NotAllowed):
        await bans.lift(Principal(), ban.id)
    assert bans.covering("hall", ANN, "") == ban


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"reason": ""}, "reason_missing"),
        ({"reason": " \u200b"}, "reason_missing"),
        ({"reason": None}, "reason_missing"),
        ({"reason": "x" * (MAX_REASON_CHARACTERS + 1)}, "reason_too_long"),
        ({"reason": "a\x00b"}, "bad_reason"),
        ({"effect": "shadow"}, "bad_effect"),
        ({"duration_s": 0}, "bad_duration"),
        ({"duration_s": MAX_BAN_SECONDS + 1}, "bad_duration"),
        ({"duration_s": float("nan")}, "bad_duration"),
        ({"duration_s": "60"}, "bad_duration"),
        ({"duration_s": True}, "bad_duration"),
        ({"target": "ann"}, "bad_target"),
        ({"target": "address:0.0.0.0/0"}, "address_range_too_wide"),
    ],
)
async def test_what_makes_no_ban_is_refused_and_changes_nothing(bans, store, wrong, code):
    given = {"target": ANN, "reason": "Insults.", **wrong}
    with pytest.raises(InvalidInput) as caught:
        await bans.ban(MO, "stage", given.pop("target"), **given)
    assert caught.value.code == code
    assert bans.bans("stage") == []
    assert await store.audit() == []


async def test_there_is_an_end_to_bans_and_those_that_ended_do_not_count(bans, clock, monkeypatch):
    monkeypatch.setattr("fanout.moderation.bans.MAX_BANS", 2)
    await bans.ban(MO, "stage", ANN, reason="One.", duration_s=60)
    await bans.ban(MO, "stage", "visitor:bob", reason="Two.")
    with pytest.raises(InvalidInput) as caught:
        await bans.ban(MO, "stage", "visitor:cid", reason="Three.")
    assert caught.value.code == "too_many_bans"
    await bans.ban(MO, "stage", ANN, reason="Longer.", duration_s=60)
    clock.now += 60_000
    await bans.ban(MO, "stage", "visitor:cid", reason="Three.")


async def test_a_ban_that_could_not_be_kept_does_not_hold(bans, store):
    heard: list[Ban] = []
    bans.observe(heard.append, lambda id: None)
    store.full = True
    with pytest.raises(StoreUnavailable):
        await bans.ban(MO, "stage", ANN, reason="Insults.")
    bans.check("stage", ANN, "")
    store.full = False
    ban = await bans.ban(MO, "stage", ANN, reason="Insults.")
    assert heard == [ban]
    store.full = True
    with pytest.raises(StoreUnavailable):
        await bans.lift(MO, ban.id)
    assert bans.covering("stage", ANN, "") == ban


async def test_a_ban_that_was_begun_is_finished_whoever_waits(bans, store):
    heard: list[Ban] = []
    bans.observe(heard.append, lambda id: None)
    store.gate = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: bans.ban(MO, "stage", ANN, reason="Insults."))
        await wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
        store.gate.set()
    assert heard == bans.bans("stage") != []


async def test_a_ban_in_a_room_holds_in_those_that_belong_to_it_over_a_restart_too_and_is_lifted_from_both(
    store, clock
):
    bans = Bans(store, clock, {"hall": ("foyer",)})
    await bans.load()
    made = await bans.ban(MO, "hall", ANN, reason="Enough.")
    in_the_chat = await bans.ban(CHIEF, "foyer", "visitor:bob", reason="Enough.")
    again = Bans(store, clock, {"hall": ("foyer",)})
    await again.load()
    for known in (bans, again):
        assert [known.covering(room, ANN, "") for room in ("hall", "foyer", "stage")] == [made, made, None]
        assert [known.covering(room, "visitor:bob", "") for room in ("hall", "foyer")] == [None, in_the_chat]
        assert known.bans("foyer") == [made, in_the_chat]
    with pytest.raises(Banned):
        again.check("foyer", ANN, "")
    await again.lift(MO, made.id)
    again.check("foyer", ANN, "")
    again.check("hall", ANN, "")
