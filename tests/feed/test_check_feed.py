"""The suite itself: each of these feeds is wrong in one way, and is caught for it."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from fanout.errors import FanoutError
from fanout.feed.moderated_feed import ModeratedFeed
from fanout.testing.check_feed import FEED_CHECKS
from fanout.testing.feed_under_test import FeedContractBroken, FeedUnderTest, MakeFeed
from tests.feed.houses import in_process
from tests.feed.wrong_feeds import Right

pytestmark = pytest.mark.xdist_group("wrong feeds")  # so that what was found is there for the last test

WRONG = Right.__subclasses__()

_found: dict[type[Right], list[str]] = {}


def _made(kind: type[Right]) -> MakeFeed:
    @asynccontextmanager
    async def make(feed: ModeratedFeed):
        async with in_process(feed) as given:
            yield FeedUnderTest(kind(feed), given.settle)  # type: ignore[arg-type]

    return make


async def _breaks(kind: type[Right]) -> list[str]:
    """The checks that find something in it."""
    if kind in _found:
        return _found[kind]
    found = []
    for check in FEED_CHECKS:
        try:
            await check(_made(kind))
        except* (FeedContractBroken, FanoutError):
            found.append(check.__name__)
    return _found.setdefault(kind, found)


async def test_a_right_feed_passes() -> None:
    """Nothing is found where nothing is wrong."""
    assert await _breaks(Right) == []


@pytest.mark.parametrize("kind", WRONG, ids=lambda kind: kind.__name__)
async def test_a_wrong_feed_is_caught(kind: type[Right]) -> None:
    """At least one check names it."""
    assert await _breaks(kind) != []


async def test_no_check_is_idle() -> None:
    """Each check catches at least one of them; one that catches none would hold nothing."""
    caught = {name for kind in WRONG for name in await _breaks(kind)}
    assert {check.__name__ for check in FEED_CHECKS} - caught == set()
