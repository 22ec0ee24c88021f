"""The feed of an edge in a process of its own: everything goes over one Unix socket to the process with the engine.

When that process is gone, those who listen stay, and hear nothing new; what is asked of it fails with `EngineAway`; who
comes is let into rooms that are followed already. When it is back, each room goes on where it was left, and who is here
is reported anew.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

import msgspec
import structlog
import trio

from fanout.core.admission import Admission
from fanout.core.ban import Ban, BanIndex, Effect
from fanout.core.message import Entry, Message
from fanout.core.presence import Presence
from fanout.core.principal import Principal
from fanout.core.room import STAFF_ROOM_PREFIX
from fanout.core.submission import Submission
from fanout.errors import Banned, EngineAway
from fanout.feed.port import Banned as HearBan
from fanout.feed.port import Follower, Lifted, Told, Typed
from fanout.feed.remote_rooms import RemoteRooms
from fanout.feed.shared_admission import SharedAdmission
from fanout.feed.shared_presence import SharedPresence
from fanout.feed.statistics import EdgeStatistics, packed
from fanout.moderation.people import visitor
from fanout.wire import feed_messages as said
from fanout.wire.commands import Publish, Submit
from fanout.wire.feed_frames import MessageReader, entries_of, error_of, framed, read_to_edge

log = structlog.get_logger()

REPORT_SECONDS: Final = 0.25
"""How often it is reported who has come and gone: rooms are told once a second."""

RETRY_SECONDS: Final = 0.1
"""Before the next try to reach the engine's process. Its socket is there all the time, so this is for what nobody
expects."""

RECEIVE_BYTES: Final = 256 * 1024
"""One read of the socket."""


class CallFailed(Exception):
    """A fault of ours, in the other process."""


@dataclass(slots=True, eq=False)
class _Call:
    """Something that was asked; `answer` or `failure` once `done`."""

    done: trio.Event = field(default_factory=trio.Event)
    answer: Any = None
    failure: Exception | None = None


class RemoteFeed:
    """An edge's end of the socket. `run` has to run.

    Args:
        process: What this process is called in logs and metrics.
        connect: Opens the socket to the engine's process.
        on_away: Told when the engine's process is gone (True) and when it is back.
        count_all: What this edge has counted, for whoever sums it up.
    """

    def __init__(
        self,
        process: str,
        connect: Callable[[], Awaitable[trio.abc.Stream]],
        count_all: Callable[[], EdgeStatistics],
        on_away: Callable[[bool], None] = lambda away: None,
    ) -> None:
        self.process = process
        self.admits = False
        self.away = True
        """Whether there is nobody to ask."""
        self._connect = connect
        self._first_answer: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
        self._count_all = count_all
        self._on_away = on_away
        self._numbers = count(1)
        self._calls: dict[int, _Call] = {}
        self._outbox: deque[bytes] = deque()
        self._news = trio.Event()
        self._rooms = RemoteRooms(self._say)
        self._presences: dict[str, SharedPresence] = {}
        self._to_report: dict[str, SharedPresence] = {}
        self._authors: set[str] = set()
        self._moved: dict[str, bool] = {}
        """Identities that have arrived (or departed) since it was last said."""
        self._bans = BanIndex()
        self._admission: SharedAdmission | None = None
        self._watching: list[tuple[Told, HearBan, Lifted, Typed]] = []

    # --- what the edge asks -------------------------------------------------------------------------------------------

    def follow(self, room: str, follower: Follower) -> Callable[[], None]:
        return self._rooms.follow(room, follower, away=self.away)

    async def read(self, room: str, after: int, limit: int) -> Sequence[Entry]:
        answer: said.Entries = await self._ask(lambda call: said.Read(call, room, after, limit))
        return entries_of(answer.room, answer.epoch, answer.items)

    async def publish(self, principal: Principal, command: Publish) -> Message:
        answer: said.Published = await self._ask(lambda call: said.PublishFor(call, principal, command))
        return answer.message

    async def submit(self, principal: Principal, command: Submit, address: str) -> Submission:
        answer: said.Submitted = await self._ask(lambda call: said.SubmitFor(call, principal, command, address))
        return answer.submission

    async def admit(self, principal: Principal, address: str, rooms: Sequence[str]) -> Principal:
        answer: said.Admitted = await self._ask(lambda call: said.Admit(call, principal, address, tuple(rooms)))
        return answer.principal

    async def catch_up(self) -> None:
        """Return when all that has been published until now, in rooms that are followed here, has been heard.

        Raises:
            EngineAway: Nothing more can be heard.
        """
        await self._ask(said.CatchUp)

    def check_listening(self, room: str, principal: Principal, address: str) -> None:
        if not self._bans:
            return
        ban = self._bans.covering(visitor(principal.subject), address, room, time.time_ns() // 1_000_000)
        if ban is not None and ban.effect is Effect.BAN:
            raise Banned(ban.reason)

    def admission(self, max_connections: int, max_per_address: int, full_retry_seconds: float) -> Admission:
        self._admission = SharedAdmission(max_connections, max_per_address, full_retry_seconds)
        return self._admission

    def presence(self, room: str) -> Presence:
        if room.startswith(STAFF_ROOM_PREFIX):
            return Presence()

        def changed() -> None:
            self._presences[room] = self._to_report[room] = presence

        presence = SharedPresence(changed)
        return presence

    def arrived(self, subject: str) -> None:
        self._authors.add(subject)
        self._move(subject, True)

    def departed(self, subject: str) -> None:
        self._authors.discard(subject)
        self._move(subject, False)

    def _move(self, subject: str, here: bool) -> None:
        self._moved[subject] = here
        self._news.set()

    def missed(self, submission: Submission) -> None:
        self._say(said.Missed(submission))

    def bans(self) -> Sequence[Ban]:
        return list(self._bans)

    def watch(self, told: Told, banned: HearBan, lifted: Lifted, typed: Typed) -> Callable[[], None]:
        heard = (told, banned, lifted, typed)
        self._watching.append(heard)
        return lambda: self._watching.remove(heard)

    async def _ask(self, asked: Callable[[int], said.FromEdge]) -> Any:
        if self.away:
            raise EngineAway()
        number = next(self._numbers)
        call = self._calls[number] = _Call()
        self._say(asked(number))
        try:
            await call.done.wait()
        finally:
            self._calls.pop(number, None)
        if call.failure is not None:
            raise call.failure
        return call.answer

    # --- the socket ---------------------------------------------------------------------------------------------------

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep in touch with the engine's process, for ever. Started when it has answered for the first time."""
        self._first_answer = task_status
        while True:
            with trio.CancelScope() as link:
                try:
                    stream = await self._connect()
                except OSError as error:
                    log.warning("engine_unreachable", process=self.process, reason=str(error))
                else:
                    async with stream, trio.open_nursery() as nursery:
                        nursery.start_soon(self._send, stream, link)
                        nursery.start_soon(self._keep_reporting)
                        await self._receive(stream)
                        link.cancel()
            if not self.away:
                log.error("engine_lost", process=self.process)
                self._on_away(True)
            self._lost()
            await trio.sleep(RETRY_SECONDS)

    async def _receive(self, stream: trio.abc.Stream) -> None:
        reader = MessageReader()
        try:
            await stream.send_all(framed(said.Hello(self.process, os.getpid())))
            while data := await stream.receive_some(RECEIVE_BYTES):
                for message in reader.feed(data):
                    heard = read_to_edge(message)
                    if isinstance(heard, said.Welcome):
                        self._welcomed(heard)
                        self._first_answer.started()
                        self._first_answer = trio.TASK_STATUS_IGNORED
                    else:
                        self._hear(heard)
        except trio.BrokenResourceError:
            return
        except (ValueError, msgspec.MsgspecError):
            log.exception("engine_not_understood", process=self.process)

    async def _send(self, stream: trio.abc.Stream, link: trio.CancelScope) -> None:
        try:
            while True:
                if self.away or not (self._outbox or self._moved):
                    await self._news.wait()
                    self._news = trio.Event()
                    continue
                if self._moved:
                    moved, self._moved = self._moved, {}
                    arrived = tuple(subject for subject, here in moved.items() if here)
                    departed = tuple(subject for subject, here in moved.items() if not here)
                    self._outbox.append(framed(said.Authors(arrived, departed)))
                data = b"".join(self._outbox)
                self._outbox.clear()
                await stream.send_all(data)
        except trio.BrokenResourceError:
            link.cancel()

    async def _keep_reporting(self) -> None:
        while True:
            await trio.sleep(REPORT_SECONDS)
            self.report()

    def report(self) -> None:
        """Say who has come and gone, unless what was said before is still on its way."""
        if self._outbox or self.away:
            return
        if self._admission is not None and (moved := self._admission.report()):
            self._say(said.Admitting(moved))
        reported, self._to_report = self._to_report, {}
        for room, presence in reported.items():
            self._say(said.Present(room, *presence.report()))

    def _say(self, message: said.FromEdge) -> None:
        if not self.away:
            self._outbox.append(framed(message))
            self._news.set()

    # --- what it says -------------------------------------------------------------------------------------------------

    def _welcomed(self, welcome: said.Welcome) -> None:
        self.away = False
        self.admits = welcome.admits
        self._catch_up_with_bans(welcome.bans)
        self._rooms.resume()
        if self._admission is not None:
            self._admission.begin_anew()
            self._admission.full, self._admission.full_addresses = False, set()
        for presence in self._presences.values():
            presence.begin_anew()
        self._moved = dict.fromkeys(self._authors, True)
        self._news.set()
        log.info("engine_found", process=self.process)
        self._on_away(False)

    def _catch_up_with_bans(self, bans: Sequence[Ban]) -> None:
        """What has been banned and lifted while nobody could say so holds for those who are here already, too."""
        known, self._bans = {ban.id: ban for ban in self._bans}, BanIndex()
        for ban in bans:
            self._bans.add(ban)
        for _, banned, lifted, _ in self._watching:
            for ban in bans:
                if known.get(ban.id) != ban:
                    banned(ban)
            for ban_id in known.keys() - {ban.id for ban in bans}:
                lifted(ban_id)

    def _hear(self, heard: said.ToEdge) -> None:
        match heard:
            case said.Heard() | said.Begin() | said.Changed() | said.Refused():
                self._rooms.hear(heard)
            case said.Presence(room, listeners, visitors):
                if (presence := self._presences.get(room)) is not None:
                    presence.told(listeners, visitors)
            case said.Full(everywhere, addresses, no_longer) if self._admission is not None:
                self._admission.full = everywhere
                self._admission.full_addresses.update(addresses)
                self._admission.full_addresses.difference_update(no_longer)
            case said.Told(submission):
                for told, *_ in self._watching:
                    told(submission)
            case said.Banned(ban):
                self._bans.add(ban)
                for _, banned, *_ in self._watching:
                    banned(ban)
            case said.Lifted(ban_id):
                self._bans.remove(ban_id)
                for _, _, lifted, _ in self._watching:
                    lifted(ban_id)
            case said.Typed(room, lines):
                for *_, typed in self._watching:
                    typed(room, lines)
            case said.Count(number):
                self._say(said.Counted(number, packed(self._count_all())))
            case said.Failed(number, fault):
                self._answered(number, failure=error_of(fault) if fault.kind else CallFailed(fault.detail))
            case said.Entries() | said.Published() | said.Submitted() | said.Admitted() | said.CaughtUp():
                self._answered(heard.call, answer=heard)

    def _answered(self, number: int, *, answer: object = None, failure: Exception | None = None) -> None:
        if (call := self._calls.get(number)) is not None:
            call.answer, call.failure = answer, failure
            call.done.set()

    def _lost(self) -> None:
        self.away = True
        self._outbox.clear()
        self._rooms.lost()
        for call in self._calls.values():
            if not call.done.is_set():
                call.failure = EngineAway()
                call.done.set()
