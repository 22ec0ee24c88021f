"""An edge can't tell whether the engine is in its process or behind a Unix socket: both feeds pass the suite."""

from __future__ import annotations

import pytest

from fanout.testing.check_feed import FEED_CHECKS
from fanout.testing.feed_under_test import Check, MakeFeed
from tests.feed.houses import in_process, over_a_socket


@pytest.mark.parametrize("make", [in_process, over_a_socket], ids=["in process", "over a socket"])
@pytest.mark.parametrize("check", FEED_CHECKS, ids=lambda check: check.__name__)
async def test_the_feed_keeps_the_contract(check: Check, make: MakeFeed):
    await check(make)
