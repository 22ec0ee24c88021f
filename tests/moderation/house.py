"""A house for moderation tests: real engines, a real store, moderation open on them, and a clock that is set."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import trio

from fanout.core.principal import Principal, Role
from fanout.core.submission import Source, State, Step, Submission
from fanout.engine.engine import Engine, open_engine_on
from fanout.log.memory import MemoryLog
from fanout.moderation.changes import Change
from fanout.moderation.hooks.hooks import Hooks
from fanout.moderation.hooks.plugin import as_plugin
from fanout.moderation.intake import NewSubmission
from fanout.moderation.moderation import Moderation, open_moderation
from fanout.moderation.ports import Store
from fanout.store.memory import MemoryStore


def staff(role: Role, name: str = "Ann", room: str = "*") -> Principal:
    return Principal(role, name, frozenset({room}), f"{name}-subject")


ANN = staff(Role.MODERATOR)
BOB = staff(Role.MODERATOR, "Bob")
EVE = staff(Role.ANIMATOR, "Eve")


class Clock:
    """Milliseconds since 1970, as somebody has set them; or, after `go`, going on with trio's clock."""

    def __init__(self, now: int = 1_000_000) -> None:
        self.now = now
        self._since: float | None = None

    def go(self) -> None:
        self._since = trio.current_time()

    def __call__(self) -> int:
        return self.now if self._since is None else self.now + round((trio.current_time() - self._since) * 1000)


class House:
    """What is open, and every change that was told."""

    def __init__(self, moderation: Moderation, clock: Clock) -> None:
        self.moderation = moderation
        self.desk, self.store, self.engine = moderation.desk, moderation.store, moderation.engine
        self.clock = clock
        self.told: list[Change] = []
        moderation.changes.subscribe(self.told.append)

    async def ask(
        self, text: str = "When?", *, room: str = "hall", person: str = "visitor:v1", **more: Any
    ) -> Submission:
        return await self.moderation.intake.submit(NewSubmission(room, text, "Zoe", person, **more))

    async def approved(self, text: str = "When?", **more: Any) -> Submission:
        return await self.do((await self.ask(text, **more)).id, Step.APPROVE)

    async def do(self, submission_id: str, step: Step, by: Principal = ANN, **more: Any) -> Submission:
        return await self.desk.decide(by, submission_id, step, **more)

    async def hand_in(self, *texts: str, room: str = "hall", source: Source = Source.SMS) -> list[Submission]:
        items = [NewSubmission(room, text) for text in texts]
        return [receipt.submission for receipt in await self.moderation.intake.receive(room, source, items)]

    async def until(self, submission_id: str, state: State) -> Submission:
        """Wait until it has come so far."""
        news = trio.Event()
        end = self.moderation.changes.subscribe(lambda _: news.set())
        with trio.fail_after(10):
            while (found := await self.store.find(submission_id)) is None or found.state is not state:
                await news.wait()
                news = trio.Event()
        end()
        return found

    def on_air(self, room: str = "hall") -> list[str]:
        return [getattr(entry, "text", "") for entry in self.engine.room(room).recent]

    def heard(self, submission_id: str) -> list[str]:
        """The states that the author was told of, in order."""
        return [str(change.told.state) for change in self.told if change.submission.id == submission_id]


@asynccontextmanager
async def open_house(
    store: Store | None = None, engine: Engine | None = None, plugins: Sequence[type] = (), **more: Any
) -> AsyncIterator[House]:
    """Rooms `hall` (moderated), `chat` (open) and `stage`."""
    clock = Clock()
    async with open_engine_on(MemoryLog()) as made, open_engine_on(MemoryLog()) as desk_engine:
        engine = engine or made
        for name, mode in (("hall", "moderated"), ("chat", "open"), ("stage", "stage")):
            await engine.open_room(name, mode=mode)
        hooks = Hooks([as_plugin(plugin()) for plugin in plugins]) if plugins else Hooks()
        store = MemoryStore() if store is None else store
        async with open_moderation(engine, desk_engine, store, hooks, clock=clock, **more) as moderation:
            yield House(moderation, clock)
