"""The engine: the rooms, what follows what, and the one way from the log into the rings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from types import MappingProxyType

import trio

from fanout.core.histogram import Histogram
from fanout.core.limits import MAX_HISTORY_PAGE, MAX_ROOMS
from fanout.core.message import Entry
from fanout.core.room import RoomSettings, reached_from, room_name, room_settings
from fanout.engine.log_access import LogAccess
from fanout.engine.ports import Log, Stream
from fanout.engine.room import Room
from fanout.engine.tail import Tail
from fanout.errors import InvalidInput, RoomNotFound


@dataclass(frozen=True, slots=True)
class EngineStatistics:
    """What the engine has done since it was opened. By room: messages that entered it, and its library listeners."""

    messages: Mapping[str, int]
    listeners: Mapping[str, int]
    append_seconds: Histogram
    """How long the log took for each publication, until it was durable; failures are not in it."""
    append_failures: int


class Engine:
    """Rooms on one log. Made by `open_engine_on` (or `fanout.open_engine`)."""

    def __init__(self, log: Log) -> None:
        self._log = LogAccess(log)
        self._rooms: dict[str, Room] = {}
        self._reached: dict[str, tuple[Room, ...]] = {}
        self._changing = trio.Lock()
        self._heard: list[Callable[[Room], None]] = []

    @property
    def rooms(self) -> Mapping[str, Room]:
        """Every room by name; a view that changes as rooms are opened."""
        return MappingProxyType(self._rooms)

    def room(self, name: str) -> Room:
        """The room of that name.

        Raises:
            RoomNotFound: There is none.
        """
        try:
            return self._rooms[name]
        except KeyError:
            raise RoomNotFound(f"There is no room called {str(name)[:80]!r}.") from None

    @property
    def available(self) -> bool:
        """Whether publishing is possible: what readiness reports."""
        return self._log.available

    def statistics(self) -> EngineStatistics:
        """The counts at this moment; the histogram is the engine's own and goes on counting."""
        return EngineStatistics(
            messages={name: room.tail.messages for name, room in self._rooms.items()},
            listeners={name: room.listeners for name, room in self._rooms.items()},
            append_seconds=self._log.append_seconds,
            append_failures=self._log.append_failures,
        )

    async def open_room(
        self,
        name: str,
        *,
        mode: str | None = None,
        capacity: int | None = None,
        overflow: str | None = None,
        follows: Sequence[str] | None = None,
        title: str | None = None,
    ) -> Room:
        """The room of that name: made if it is not there, changed in what is given if it is. Durable when it returns.

        A room that is made is `moderated` unless `mode` says otherwise, and overflows by its mode (`open` rooms skip,
        the others close). Changes hold at once for those who listen, publications that have begun finish as they were.

        Args:
            capacity: Messages kept in memory. In a smaller ring, listeners that are far behind are overtaken.
            follows: Rooms whose publications enter this one too. They must be there already; they may follow back.
        Raises:
            InvalidInput: `fanout.core.room.room_settings` lists the codes; also `unknown_follow`, `follows_itself` and
                `too_many_rooms`.
            LogUnavailable: Nothing was changed.
            EngineClosed: The engine is shutting down.
        Cancellation: takes effect before the log is asked, or after it has answered.
        """
        async with self._changing:
            self._log.check_open()
            settings = self._settings(
                name, mode=mode, capacity=capacity, overflow=overflow, follows=follows, title=title
            )
            room = self._rooms.get(name)
            if room is not None and room.settings == settings:
                return room
            with trio.CancelScope(shield=True), self._log.use() as log:  # or the log might have it and the engine not
                stream = await log.save_room(settings)
                if room is None:
                    self._rooms[name] = await self._opened(stream, log)
                else:
                    room.change(settings)
            self._reached.clear()
            if room is None:
                for heard in self._heard:
                    heard(self._rooms[name])
            return self._rooms[name]

    @contextmanager
    def on_room(self, heard: Callable[[Room], None]) -> Iterator[None]:
        """Have `heard` called with every room that there is, and during the block with every one that is made.

        It is called in the event loop; it must be quick and must not raise.
        """
        for room in list(self._rooms.values()):
            heard(room)
        self._heard = [*self._heard, heard]
        try:
            yield
        finally:
            self._heard = [kept for kept in self._heard if kept is not heard]

    def _settings(self, name: str, *, follows: Sequence[str] | None, **given: object) -> RoomSettings:
        wanted = {key: value for key, value in given.items() if value is not None}
        if follows is not None:
            self._check_follows(name, follows)
            wanted["follows"] = tuple(follows)
        if (room := self._rooms.get(room_name(name))) is not None:
            now = room.settings
            kept = {key: getattr(now, key) for key in ("mode", "capacity", "overflow", "follows", "title")}
            wanted = kept | wanted
        elif len(self._rooms) >= MAX_ROOMS:
            raise InvalidInput(f"An engine has at most {MAX_ROOMS} rooms.", code="too_many_rooms")
        return room_settings(name, **wanted)  # type: ignore[arg-type]  # room_settings checks them

    def _check_follows(self, name: str, follows: Sequence[str]) -> None:
        if isinstance(follows, str):
            raise InvalidInput("follows is a list of rooms.", code="unknown_follow")
        for followed in follows:
            if followed == name:
                raise InvalidInput("A room can't follow itself.", code="follows_itself")
            if followed not in self._rooms:
                raise InvalidInput(
                    f"follows names {str(followed)[:80]!r}, and there is no such room.", code="unknown_follow"
                )

    async def _opened(self, stream: Stream, log: Log) -> Room:
        """The room of a stream, with the newest entries that the log has."""
        settings = stream.settings
        cursor = max(stream.head - settings.capacity, stream.oldest - 1)
        recent: list[Entry] = []
        while batch := await log.read(settings.name, cursor, MAX_HISTORY_PAGE):
            recent += batch
            cursor = batch[-1].position.seq
        return Room(settings, self._log, Tail(self._log, stream, recent), self._reached_from)

    def _reached_from(self, name: str) -> tuple[Room, ...]:
        """The room itself and every room that follows it, directly or through others. Kept until a room changes."""
        if name not in self._reached:
            settings = {key: room.settings for key, room in self._rooms.items()}
            self._reached[name] = tuple(self._rooms[key] for key in reached_from(name, settings))
        return self._reached[name]

    def _commit(self, entries: Sequence[Entry]) -> None:
        """What the log calls: every room first, then whoever watches, so that nobody sees a publication in halves."""
        by_room: dict[str, list[Entry]] = {}
        for entry in entries:
            by_room.setdefault(entry.room, []).append(entry)
        tails = [self._rooms[name].tail for name in by_room]
        shown = [tail.take(part) for tail, part in zip(tails, by_room.values(), strict=True)]
        for tail, part in zip(tails, shown, strict=True):
            tail.tell(part)

    async def start(self, log: Log) -> None:
        """Called by `open_engine_on`: open every room that the log has."""
        log.start(self._commit)
        for stream in await log.streams():
            self._rooms[stream.settings.name] = await self._opened(stream, log)

    async def aclose(self) -> None:
        """Called by `open_engine_on`: close the log, then let the listeners end."""
        await self._log.aclose()
        for room in self._rooms.values():
            room.tail.end()


@asynccontextmanager
async def open_engine_on(log: Log) -> AsyncIterator[Engine]:
    """Open an engine on a log that nobody else uses, with every room that the log has; close both at the end.

    Closing: first nothing new is taken, then the log finishes what was begun, then listeners get the rest and end.

    Raises:
        LogUnavailable: The log can't be read.
    """
    engine = Engine(log)
    try:
        await engine.start(log)
        yield engine
    finally:
        await engine.aclose()
