"""The engine's end of one edge's socket: carries out what the edge asks, and sends it what it has not had.

Nobody waits for an edge. What it asked for is answered in tasks of its own; what is new in a room waits in the room's
ring, and only as much of it is taken as the socket has just taken.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, Protocol

import msgspec
import structlog
import trio

from fanout.core.position import Position
from fanout.core.submission import Submission
from fanout.errors import FanoutError, RoomNotFound
from fanout.feed.engine_feed import EngineFeed
from fanout.feed.followed_room import FollowedRoom, Frames
from fanout.feed.statistics import EdgeStatistics, unpacked
from fanout.wire import feed_messages as said
from fanout.wire.feed_frames import MessageReader, fault_of, framed, items_of, read_from_edge

log = structlog.get_logger()

SEND_BYTES: Final = 256 * 1024
"""About what is handed to the socket at a time."""

MAX_WAITING: Final = 20_000
"""Messages beside the rooms' that may wait for an edge: answers and private news. One that takes none of them any more
is cut off; when it comes back it is told everything anew."""

RECEIVE_BYTES: Final = 256 * 1024
"""One read of the socket."""

FAILED: Final = said.Fault("", "internal_error", "The server failed at this; it has been noted.")


class AllEdges(Protocol):
    """What a link says of its edge, to whoever knows all of them."""

    feed: EngineFeed
    frames: Frames

    def joined(self, link: EdgeLink) -> None:
        """This edge has said who it is."""

    def present(self, link: EdgeLink, room: str, joined: Mapping[str, int], left: Mapping[str, int]) -> None:
        """So many have joined a room there, by identity, and left it."""

    def admitting(self, link: EdgeLink, moved: Mapping[str, int]) -> None:
        """By how many listeners each address has more there than before, or fewer."""

    def authors_moved(self, link: EdgeLink, arrived: Sequence[str], departed: Sequence[str]) -> None:
        """These identities listen there now and did not, and the other way round."""

    def told(self, submission: Submission, but: EdgeLink | None = None) -> None:
        """The author of this is not there any more: tell them elsewhere, or keep it for them."""


class EdgeLink:
    """One edge, as long as its socket lives. `run` ends with it."""

    def __init__(self, edges: AllEdges, stream: trio.abc.Stream) -> None:
        self.process = ""
        """What the edge calls itself; empty until it has said so."""
        self.pid = 0
        self.authors: set[str] = set()
        """Identities that listen there."""
        self.present: dict[str, Counter[str]] = {}
        """Connections there, by room and identity."""
        self.admitted: Counter[str] = Counter()
        """Listeners there, by address."""
        self.statistics: EdgeStatistics | None = None
        """What it had counted when it was last asked."""
        self.overtaken = 0
        """How often it fell out of a room's ring."""
        self._edges = edges
        self._stream = stream
        self._rooms: dict[str, FollowedRoom] = {}
        self._stops: dict[str, Callable[[], None]] = {}
        self._outbox: deque[bytes] = deque()
        self._catching_up: list[int] = []
        """Calls that are answered when there is no news of any room."""
        self._news = trio.Event()
        self._counted = trio.Event()
        self._counted.set()
        self._scope = trio.CancelScope()

    @property
    def behind(self) -> int:
        """How far behind it is in the room where it is furthest, in entries."""
        return max((room.behind for room in self._rooms.values()), default=0)

    def follows(self, room: str) -> bool:
        return room in self._rooms

    async def run(self) -> None:
        """Serve the edge until it is gone. Never raises for what it sends."""
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._send)
                    await self._receive(nursery)
                    nursery.cancel_scope.cancel()
        finally:
            for stop in self._stops.values():
                stop()
            self._counted.set()

    def say(self, message: said.ToEdge) -> None:
        """Send this, after what waits already."""
        self.pass_on(framed(message))

    def pass_on(self, frame: bytes) -> None:
        """Send a message that was written for several edges at once, after what waits already."""
        if len(self._outbox) >= MAX_WAITING:
            log.error("edge_cut_off", process=self.process, waiting=len(self._outbox))
            self._scope.cancel()
            return
        self._outbox.append(frame)
        self._news.set()

    def look(self) -> None:
        """Something may be different in a room: its settings tell nobody."""
        self._news.set()

    async def count(self, seconds: float) -> None:
        """Have `statistics` brought up to date, if the edge answers within so long."""
        if self._counted.is_set():  # else it has been asked already
            self._counted = trio.Event()
            self.say(said.Count(0))
        with trio.move_on_after(seconds):
            await self._counted.wait()

    # --- out ----------------------------------------------------------------------------------------------------------

    async def _send(self) -> None:
        try:
            while True:
                await self._news.wait()
                self._news = trio.Event()
                while data := self._next():
                    await self._stream.send_all(data)
        except trio.BrokenResourceError:
            self._scope.cancel()

    def _next(self) -> bytes:
        """What goes out next; nothing when all is said."""
        parts: list[bytes] = []
        size = 0
        while self._outbox and size < SEND_BYTES:
            parts.append(self._outbox.popleft())
            size += len(parts[-1])
        for name, room in list(self._rooms.items()):
            while room.has_news and size < SEND_BYTES:
                before = room.overtaken
                parts.append(room.next())
                size += len(parts[-1])
                if room.overtaken > before:
                    self.overtaken += 1
                    log.warning("edge_too_slow", process=self.process, room=name)
            if size >= SEND_BYTES:
                self._rooms[name] = self._rooms.pop(name)  # the next time it is the others' turn first
                break
        if self._catching_up and size < SEND_BYTES:
            parts += [framed(said.CaughtUp(call)) for call in self._catching_up]
            self._catching_up.clear()
        return b"".join(parts)

    # --- in -----------------------------------------------------------------------------------------------------------

    async def _receive(self, nursery: trio.Nursery) -> None:
        reader = MessageReader()
        try:
            while data := await self._stream.receive_some(RECEIVE_BYTES):
                for message in reader.feed(data):
                    self._take(read_from_edge(message), nursery)
        except trio.BrokenResourceError:
            return
        except (ValueError, msgspec.MsgspecError):
            log.exception("edge_not_understood", process=self.process)

    def _take(self, heard: said.FromEdge, nursery: trio.Nursery) -> None:
        feed = self._edges.feed
        match heard:
            case said.Hello(process, pid):
                self.process, self.pid = process, pid
                self._edges.joined(self)
            case said.Follow(room, after):
                self._follow(room, after)
            case said.Unfollow(room):
                self._unfollow(room)
            case said.Present(room, joined, left):
                self._edges.present(self, room, joined, left)
            case said.Admitting(moved):
                self._edges.admitting(self, moved)
            case said.Authors(arrived, departed):
                self._edges.authors_moved(self, arrived, departed)
            case said.CatchUp(call):
                self._catching_up.append(call)
                self._news.set()
            case said.Missed(submission):
                self._edges.told(submission, but=self)
            case said.Counted(_, statistics):
                self.statistics = unpacked(statistics)
                self._counted.set()
            case said.Read(call, room, after, limit):

                async def read() -> said.ToEdge:
                    entries = await feed.read(room, after, limit)
                    epoch = entries[0].position.epoch if entries else ""
                    return said.Entries(call, room, epoch, items_of(entries))

                nursery.start_soon(self._answer, call, read)
            case said.PublishFor(call, principal, publish):

                async def published() -> said.ToEdge:
                    return said.Published(call, await feed.publish(principal, publish))

                nursery.start_soon(self._answer, call, published)
            case said.SubmitFor(call, principal, submit, address):

                async def submitted() -> said.ToEdge:
                    return said.Submitted(call, await feed.submit(principal, submit, address))

                nursery.start_soon(self._answer, call, submitted)
            case said.Admit(call, principal, address, rooms):

                async def admitted() -> said.ToEdge:
                    return said.Admitted(call, await feed.admit(principal, address, rooms))

                nursery.start_soon(self._answer, call, admitted)

    async def _answer(self, call: int, carry_out: Callable[[], Awaitable[said.ToEdge]]) -> None:
        try:
            self.say(await carry_out())
        except FanoutError as error:
            self.say(said.Failed(call, fault_of(error)))
        except Exception:
            log.exception("call_failed", process=self.process)
            self.say(said.Failed(call, FAILED))

    def _follow(self, name: str, after: str | None) -> None:
        self._unfollow(name)
        try:
            room = self._edges.feed.room(name)
        except RoomNotFound as error:
            self.say(said.Refused(name, fault_of(error)))
            return
        place = None if after is None else Position.parse(after)
        self._rooms[name] = FollowedRoom(room, self._edges.frames, place)
        self._stops[name] = room.observe(lambda entries: self._news.set())
        self._news.set()

    def _unfollow(self, name: str) -> None:
        if name in self._rooms:
            del self._rooms[name]
            self._stops.pop(name)()
