"""All of moderation put together: opened on an engine, a store and the plug-ins, running until it is left."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import time_ns
from types import MappingProxyType

import trio

from fanout.core.message import Entry, Message
from fanout.core.submission import Decision, Submission
from fanout.engine.engine import Engine
from fanout.engine.room import Room
from fanout.errors import FanoutError
from fanout.moderation.airing import Airing
from fanout.moderation.bans import Bans
from fanout.moderation.changes import Change, Changes
from fanout.moderation.desk import Desk
from fanout.moderation.desk_room import DeskRooms
from fanout.moderation.hooks.hooks import Hooks
from fanout.moderation.intake import Intake, view_of
from fanout.moderation.live_typing import LiveTyping
from fanout.moderation.merging import Merging
from fanout.moderation.names import Names
from fanout.moderation.people import People
from fanout.moderation.plugin_switches import PluginSwitches
from fanout.moderation.ports import Store
from fanout.moderation.prepared import PreparedAnswers
from fanout.moderation.recent import MAX_RECENT, recent
from fanout.moderation.register import Register
from fanout.moderation.rules import Rules
from fanout.moderation.scribe import Scribe
from fanout.plugins.interface import RoomView


@dataclass(frozen=True, slots=True)
class Moderation:
    """The parts, for whoever answers requests. Made by `open_moderation`."""

    engine: Engine
    desk_engine: Engine
    store: Store
    changes: Changes
    hooks: Hooks
    rules: Rules
    bans: Bans
    names: Names
    people: People
    intake: Intake
    desk: Desk
    scribe: Scribe
    typing: LiveTyping
    prepared: PreparedAnswers
    switches: PluginSwitches


def utc_milliseconds() -> int:
    """Now, in milliseconds since 1970, UTC."""
    return time_ns() // 1_000_000


@asynccontextmanager
async def open_moderation(
    engine: Engine,
    desk_engine: Engine,
    store: Store,
    hooks: Hooks,
    *,
    protected_names: Sequence[str] = (),
    country: str = "",
    belonging: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    clock: Callable[[], int] = utc_milliseconds,
) -> AsyncIterator[Moderation]:
    """Take up what the store has, publish what was decided and not published, and run until the block ends.

    The engines and the store stay the caller's, and open until the block has ended.

    Args:
        desk_engine: For the desk rooms; used by nobody else, and on a log that need not keep anything.
        protected_names: Names that no visitor may take in any room.
        country: As in `fanout.moderation.people.People`.
        belonging: As in `fanout.moderation.bans.Bans`.
    Raises:
        StoreUnavailable, LogUnavailable: What there is can't be read.
        InvalidInput: `bad_rule` (a protected name can't be one), `bad_country`.
    """
    changes, rules, bans = Changes(), Rules(store, clock, hooks.keeps_slow_mode), Bans(store, clock, belonging)
    scribe, prepared = Scribe(engine, store, clock), PreparedAnswers(store, clock)
    typing = LiveTyping(engine, rules)
    names, people = Names(rules, protected_names), People(store, country)
    airing = Airing(engine, store)
    register = Register(engine, store, rules, airing, changes, clock)
    intake = Intake(engine, store, hooks, register, changes, rules, bans, names, clock)
    merging = Merging(store, changes)
    desk = Desk(engine, store, changes, airing, rules, scribe, prepared, merging, clock)
    switches = PluginSwitches(hooks, store, clock)
    for loads in (rules.load, bans.load, prepared.load, switches.load):
        await loads()
    await airing.recover()

    def answered(submission: Submission, decision: Decision) -> None:
        changes.tell(Change(submission, decision))
        merging.tell(submission, decision)

    scribe.on_answered(answered)
    changes.subscribe(_notifying(hooks))
    changes.subscribe(typing.changed)
    rules.on_change(typing.ruled)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(airing.run)
        nursery.start_soon(merging.run)
        await airing.all_landed()
        await scribe.load()
        desk_rooms = DeskRooms(desk_engine, nursery)
        changes.subscribe(desk_rooms.changed)
        desk.hands.on_lease(desk_rooms.leased)
        nursery.start_soon(desk.hands.run)
        scribe.on_line(typing.drafted)
        nursery.start_soon(typing.run)
        scribe.on_line(desk_rooms.drafted)
        for name in list(engine.rooms):  # whoever comes first may already want to follow one
            await desk_rooms.open(name)
        await nursery.start(hooks.run, _Rooms(engine, store))
        with engine.on_room(_welcoming(desk_rooms, hooks, nursery)):
            await nursery.start(intake.run)
            yield Moderation(
                engine,
                desk_engine,
                store,
                changes,
                hooks,
                rules,
                bans,
                names,
                people,
                intake,
                desk,
                scribe,
                typing,
                prepared,
                switches,
            )
            for room in engine.rooms.values():
                hooks.notify("room_closed", view_of(room))
        nursery.cancel_scope.cancel()
    with trio.CancelScope(shield=True):
        await _note(airing)


async def _note(airing: Airing) -> None:
    try:
        await airing.settle()
    except FanoutError:  # then the next start has more to check
        return


def _notifying(hooks: Hooks) -> Callable[[Change], None]:
    def heard(change: Change) -> None:
        if change.leader is not None:
            return
        if change.decision is None:
            hooks.notify("submission_received", change.submission)
        else:
            hooks.notify("submission_decided", change.submission, change.decision)

    return heard


def _welcoming(desk_rooms: DeskRooms, hooks: Hooks, nursery: trio.Nursery) -> Callable[[Room], None]:
    """What is done with every room, those that are there and those that will be made."""

    def published(entries: Sequence[Entry]) -> None:
        for entry in entries:
            hooks.notify("message_published" if isinstance(entry, Message) else "message_retracted", entry)

    def welcome(room: Room) -> None:
        nursery.start_soon(desk_rooms.open, room.name)
        hooks.notify("room_opened", view_of(room))
        if hooks.hears("message_published") or hooks.hears("message_retracted"):
            room.observe(published)

    return welcome


class _Rooms:
    """The server, as a plug-in's `run` sees it."""

    def __init__(self, engine: Engine, store: Store) -> None:
        self._engine = engine
        self._store = store

    def rooms(self) -> Sequence[RoomView]:
        return [view_of(room) for room in self._engine.rooms.values()]

    async def recent_submissions(self, room: str, limit: int) -> Sequence[Submission]:
        return await recent(self._store, room, min(limit, MAX_RECENT))
