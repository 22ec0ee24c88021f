"""What the checks of a feed are made of: a house with an engine and a desk, a feed of it, somebody who follows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

import trio

from fanout.core.cursor import Extent
from fanout.core.message import Entry, Message
from fanout.core.principal import Principal, Role
from fanout.core.room import RoomSettings
from fanout.engine.engine import Engine, open_engine_on
from fanout.errors import FanoutError
from fanout.feed.moderated_feed import ModeratedFeed
from fanout.feed.port import Feed
from fanout.log.memory import MemoryLog
from fanout.moderation.hooks.hooks import Hooks
from fanout.moderation.hooks.plugin import as_plugin
from fanout.moderation.moderation import Moderation, open_moderation
from fanout.plugins.interface import Refuse, Visitor, refuse
from fanout.store.memory import MemoryStore

SECONDS: Final = 20
"""How long one check may take."""


@dataclass(frozen=True)
class FeedUnderTest:
    """A feed, and what makes it certain that both ends know what the other has said.

    Args:
        settle: Returns when everything that was said or published before has arrived, and who is here is counted.
    """

    feed: Feed
    settle: Callable[[], Awaitable[None]]


MakeFeed = Callable[[ModeratedFeed], AbstractAsyncContextManager[FeedUnderTest]]
"""Gives a feed of the house whose own feed this is."""


Check = Callable[[MakeFeed], Awaitable[None]]
"""One promise. It raises `FeedContractBroken`."""


class FeedContractBroken(AssertionError):
    """The feed under test breaks its contract; the text says where."""


def expect(what: str, found: object, expected: object) -> None:
    """Raise unless both are equal."""
    if found != expected:
        raise FeedContractBroken(f"{what}: expected {expected!r}, found {found!r}")


class Doorman:
    """A plug-in: it lets nobody into the closed room, and nobody in now who is called early."""

    name = "doorman"

    async def admit_visitor(self, visitor: Visitor) -> Refuse | None:
        if "closed" in visitor.rooms:
            return refuse("Only those who are invited.")
        if visitor.subject == "early":
            return refuse("Later.", retry_after_s=3.0)
        return None


@dataclass(frozen=True)
class House:
    """An engine with the rooms `a` (moderated), `b` (a stage) and `closed`, its desk, and a feed of them."""

    engine: Engine
    moderation: Moderation
    feed: Feed
    settle: Callable[[], Awaitable[None]]


@asynccontextmanager
async def opened(make: MakeFeed) -> AsyncIterator[House]:
    """A house of its own for one check."""
    hooks = Hooks([as_plugin(Doorman())])
    with trio.fail_after(SECONDS):
        async with open_engine_on(MemoryLog()) as engine, open_engine_on(MemoryLog()) as desk_engine:
            await engine.open_room("a", mode="moderated", capacity=50)
            await engine.open_room("b", mode="stage")
            await engine.open_room("closed", mode="open")
            async with open_moderation(engine, desk_engine, MemoryStore(), hooks) as it:
                own = ModeratedFeed(engine, desk_engine, it.intake, it.changes, it.bans, it.hooks, it.typing)
                async with make(own) as given:
                    await given.settle()
                    yield House(engine, it, given.feed, given.settle)


class Heard:
    """A follower that keeps what it hears, and sees to it that it is in order."""

    def __init__(self) -> None:
        self.begun = 0
        self.extent = Extent("", 0, 1, 1)
        self.settings: Callable[[], RoomSettings] = self._nothing_yet
        self.entries: list[Entry] = []
        """All of the room that it has, oldest first."""
        self.error: FanoutError | None = None

    def begin(self, settings: Callable[[], RoomSettings], extent: Extent, entries: Sequence[Entry]) -> None:
        self.begun += 1
        self.settings, self.extent, self.entries = settings, extent, list(entries)
        numbers = [entry.position.seq for entry in entries]
        expect("numbers that a room begins with", numbers, [*range(extent.recent, extent.head + 1)])

    def heard(self, entries: Sequence[Entry]) -> None:
        expect("beginnings before the first entry", self.begun, 1)
        expect("a refusal before an entry", self.error, None)
        first = self.extent.head + 1
        numbers = [entry.position.seq for entry in entries]
        expect("numbers that are heard next", numbers, [*range(first, first + len(entries))])
        self.extent = replace(self.extent, head=first + len(entries) - 1)
        self.entries += entries

    def refused(self, error: FanoutError) -> None:
        self.error = error

    def _nothing_yet(self) -> RoomSettings:
        raise FeedContractBroken("a room that is there does not begin")

    @property
    def texts(self) -> list[str]:
        """Of the messages."""
        return [entry.text for entry in self.entries if isinstance(entry, Message)]


def staff(role: Role = Role.MODERATOR) -> Principal:
    """Somebody of the house."""
    return Principal(role, "Ann", frozenset({"*"}))


def visitor(subject: str = "v1") -> Principal:
    """Somebody from outside."""
    return Principal(Role.VISITOR, "Samira", frozenset({"*"}), subject)


async def refused(what: str, wanted: type[FanoutError], asked: Callable[[], Awaitable[object]]) -> FanoutError:
    """Ask, and expect this refusal."""
    try:
        found = await asked()
    except FanoutError as error:
        expect(f"{what} is refused", type(error), wanted)
        return error
    raise FeedContractBroken(f"{what}: expected {wanted.__name__}, found {found!r}")
