"""What the checks of a log are made of: opening it, publishing to it, and saying what was wrong."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from fanout.core.message import Author, Draft, Entry
from fanout.core.room import room_settings
from fanout.engine.ports import Log, Publication
from fanout.errors import FanoutError

OpenLog = Callable[[], Awaitable[Log]]
"""Opens the log in one place: empty at first; after `aclose`, once more, with what it kept."""

MakeLog = Callable[[], OpenLog]
"""Gives a new, empty place for a log."""


class LogContractBroken(AssertionError):
    """The log under test breaks its contract; the text says where."""


def expect(what: str, found: object, expected: object) -> None:
    """Raise unless both are equal."""
    if found != expected:
        raise LogContractBroken(f"{what}: expected {expected!r}, found {found!r}")


class Told:
    """What `on_commit` was told, in order, and whether from the right thread."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._thread = threading.get_ident()

    def __call__(self, entries: Sequence[Entry]) -> None:
        expect("on_commit is called in the event loop's thread", threading.get_ident(), self._thread)
        self.entries += entries

    def of(self, room: str) -> list[Entry]:
        """The entries of one room."""
        return [entry for entry in self.entries if entry.room == room]


@asynccontextmanager
async def opened(open_log: OpenLog, *rooms: str) -> AsyncIterator[tuple[Log, Told]]:
    """A started log with these rooms, closed at the end."""
    log, told = await open_log(), Told()
    log.start(told)
    try:
        for room in rooms:
            await log.save_room(room_settings(room))
        yield log, told
    finally:
        await log.aclose()


def said(room: str, text: str, message_id: str = "") -> Draft:
    """A draft with everything in it."""
    author = Author("Zoë Ångström", "guest")
    return Draft(room, 1_700_000_000_123, message_id or f"id-{text}", "answer", author, text, "re1", {"n": [1, None]})


def taken_back(room: str, message_id: str) -> Draft:
    """A draft that retracts."""
    return Draft(room, 1_700_000_000_456, target=message_id)


def publication(*drafts: Draft, key: str | None = None, fingerprint: bytes = b"same") -> Publication:
    """These drafts as one publication."""
    return Publication(drafts, key, fingerprint)


async def refused(log: Log, wanted: type[FanoutError], asked: Publication) -> None:
    """Append, and expect this refusal."""
    found: object = None
    try:
        found = await log.append(asked)
    except FanoutError as error:
        found = type(error)
    expect(f"append of {asked} is refused", found, wanted)


async def everything(log: Log, room: str) -> list[Entry]:
    """All that the room has."""
    return await log.read(room, 0, 100_000)


def numbers(entries: Sequence[Entry]) -> list[int]:
    """Their sequence numbers."""
    return [entry.position.seq for entry in entries]
