"""Sites for the tests of ordinary HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import trio

from fanout.log.opening import open_engine
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
