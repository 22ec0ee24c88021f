"""Sites for the tests of ordinary HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trio

from fanout.engine.engine import open_engine_on
from fanout.errors import StoreUnavailable
from fanout.log.memory import MemoryLog
from fanout.log.opening import open_engine
from fanout.moderation.hooks.hooks import Hooks
from fanout.moderation.hooks.plugin import as_plugin
from fanout.moderation.moderation import open_moderation
from fanout.plugins import hold, reject
from fanout.plugins.rate import RateLimit
from fanout.store.memory import MemoryStore
from fanout.store.sqlite import DESK_FILE, open_sqlite_store
from fanout.web.tokens import Tokens
from tests.web.site import SECONDS, SECRET, Site


@pytest.fixture
async def bare_site(nursery: trio.Nursery) -> AsyncIterator[Site]:
    """A site that does not listen yet: the test says which application."""
    with trio.fail_after(SECONDS * 60):
        async with open_engine() as engine:
            await engine.open_room("stage", mode="stage", title="The stage")
            site = Site(engine, Tokens(SECRET), nursery)
            try:
                yield site
            finally:
                nursery.cancel_scope.cancel()
                for stream in site.streams:
                    stream.socket.close()


@pytest.fixture
async def site(bare_site: Site) -> Site:
    await bare_site.listen()
    return bare_site


class NoShouting:
    """The plug-in of these tests' house."""

    name = "no-shouting"

    async def review_submission(self, submission, room):
        if submission.text.isupper():
            return reject("Please do not shout.")
        if submission.text == "a crash":
            raise ZeroDivisionError
        if submission.text == "too fast":
            return reject("Not so fast.", retry_after_s=2.5)
        return hold("Who is that?", rule="bob") if submission.name == "Bob" else None


class FailingStore(MemoryStore):
    """A store whose disk can be taken away."""

    broken = False

    async def receive(self, arrivals):
        if self.broken:
            raise StoreUnavailable("The disk is full.")
        return await super().receive(arrivals)


@pytest.fixture
async def desk(bare_site: Site, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    """A site with moderation: the rooms `hall` (moderated), `foyer` (open) and `stage`. With the parameter `sqlite`, on
    the durable store."""
    durable = getattr(request, "param", "memory") == "sqlite"
    store = await open_sqlite_store(tmp_path / DESK_FILE) if durable else FailingStore()
    engine = bare_site.engine
    await engine.open_room("hall", mode="moderated")
    await engine.open_room("foyer", mode="open")
    hooks = Hooks([as_plugin(NoShouting()), as_plugin(RateLimit(burst=100))])
    async with (
        open_engine_on(MemoryLog()) as desk_engine,
        open_moderation(engine, desk_engine, store, hooks, protected_names=["Ann Moreau"]) as moderation,
    ):
        bare_site.moderation = moderation
        await bare_site.listen()
        yield bare_site
    await store.aclose()
