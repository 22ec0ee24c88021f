"""The engine: the rooms, what follows what, and the one way from the log into the rings."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import perf_counter
from types import MappingProxyType

import trio

from fanout.core.histogram import Histogram
from fanout.core.limits import MAX_HISTORY_PAGE, MAX_ROOMS
from fanout.core.message import Entry
from fanout.core.room import RoomSettings, reached_from, room_name, room_settings
from fanout.engine.ports import Appended, Log, Publication, Stream
from fanout.engine.room import Room
from fanout.errors import EngineClosed, InvalidInput, RoomNotFound


@dataclass(frozen=True, slots=True)
class EngineStatistics:
    """What the engine has done since it was opened. By room: entries that entered it, and its library listeners."""

    entered: Mapping[str, int]
    listeners: Mapping[str, int]
    append_seconds: Histogram
    """How long the log took for each publication, until it was durable; failures are not in it."""
    append_failures: int
    log_available: bool


class Engine:
    """Rooms on one log. Made by `open_engine_on` (or `fanout.open_engine`)."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.closed = False
        """Nothing more will enter any room: listeners end."""
        self._closing = False
        self._rooms: dict[str, Room] = {}
        self._reached: dict[str, tuple[str, ...]] = {}
        self._changing = trio.Lock()
        self._append_seconds = Histogram()
        self._append_failures = 0

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
        return not self._closing and self.log.available

    def statistics(self) -> EngineStatistics:
        return EngineStatistics(
            entered={name: room.entered for name, room in self._rooms.items()},
            listeners={name: room.listeners for name, room in self._rooms.items()},
            append_seconds=self._append_seconds,
            append_failures=self._append_failures,
            log_available=self.log.available,
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
            self.check_open()
            settings = self._settings(
                name, mode=mode, capacity=capacity, overflow=overflow, follows=follows, title=title
            )
            room = self._rooms.get(name)
            if room is not None and room.settings == settings:
                return room
            with trio.CancelScope(shield=True):  # or the log might have the change and the engine not
                stream = await self.log.save_room(settings)
                if room is None:
                    self._rooms[name] = await self._opened(stream)
                else:
                    room.change(settings)
            self._reached.clear()
            return self._rooms[name]

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

    async def _opened(self, stream: Stream) -> Room:
        """The room of a stream, its ring filled with the newest entries that the log has."""
        cursor = max(stream.head - stream.settings.capacity, stream.oldest - 1)
        recent: list[Entry] = []
        while cursor < stream.head:
            batch = await self.log.read(stream.settings.name, cursor, MAX_HISTORY_PAGE)
            if not batch:
                break
            recent += batch
            cursor = batch[-1].position.seq
        return Room(self, stream, recent)

    # --- for the rooms -----------------------------------------------------------------------------------------------

    def check_open(self) -> None:
        """Raise EngineClosed when nothing new is taken any more."""
        if self._closing:
            raise EngineClosed("The engine is shutting down and takes nothing new.")

    def check_readable(self) -> None:
        """Raise EngineClosed when the log is closed."""
        if self.closed:
            raise EngineClosed("The engine has closed; what is not in memory can't be read any more.")

    def reached_from(self, name: str) -> tuple[str, ...]:
        """The room itself and every room that follows it, directly or through others."""
        if name not in self._reached:
            self._reached[name] = reached_from(name, {key: room.settings for key, room in self._rooms.items()})
        return self._reached[name]

    async def append(self, publication: Publication) -> Appended:
        """Give a publication to the log and note how long it took. Errors and cancelling are the log's."""
        began = perf_counter()
        try:
            appended = await self.log.append(publication)
        except Exception:
            self._append_failures += 1
            raise
        self._append_seconds.observe(perf_counter() - began)
        return appended

    def _commit(self, entries: Sequence[Entry]) -> None:
        """What the log calls: every ring first, then whoever watches, so that nobody sees a publication in halves."""
        by_room: dict[str, list[Entry]] = {}
        for entry in entries:
            by_room.setdefault(entry.room, []).append(entry)
        shown = [(self._rooms[name], self._rooms[name].take(part)) for name, part in by_room.items()]
        for room, part in shown:
            room.tell(part)

    async def _start(self) -> None:
        self.log.start(self._commit)
        for stream in await self.log.streams():
            self._rooms[stream.settings.name] = await self._opened(stream)

    async def _close(self) -> None:
        self._closing = True
        with trio.CancelScope(shield=True):  # what was begun must end well, also when everything is being cancelled
            await self.log.aclose()
        self.closed = True
        for room in self._rooms.values():
            room.wake()


@asynccontextmanager
async def open_engine_on(log: Log) -> AsyncIterator[Engine]:
    """Open an engine on a log that nobody else uses, with every room that the log has; close both at the end.

    Closing: first nothing new is taken, then the log finishes what was begun, then listeners get the rest and end.

    Raises:
        LogUnavailable: The log can't be read.
    """
    engine = Engine(log)
    try:
        await engine._start()
        yield engine
    finally:
        await engine._close()
