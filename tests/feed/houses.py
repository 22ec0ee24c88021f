"""The two feeds there are, for the suite: the one of the engine's process, and one at the end of a real Unix socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import trio

from fanout.core.admission import Ledger
from fanout.core.histogram import Histogram
from fanout.feed.moderated_feed import ModeratedFeed
from fanout.feed.remote_feed import RemoteFeed
from fanout.feed.serving import FeedServer
from fanout.feed.statistics import EdgeStatistics
from fanout.testing.feed_under_test import FeedUnderTest


def counted(**more: Any) -> EdgeStatistics:
    """An edge that has done nothing, but for this."""
    nothing: dict[str, Any] = {name: {} for name in ("listeners", "gaps", "closes", "handshakes", "errors", "rooms")}
    nothing |= dict.fromkeys(("slow", "arriving", "visiting", "deliveries", "sends"), 0)
    return EdgeStatistics(**nothing | {"passes": Histogram(), "delivery": Histogram()} | more)


@asynccontextmanager
async def in_process(feed: ModeratedFeed) -> AsyncIterator[FeedUnderTest]:
    """The house's own."""

    async def settle() -> None:
        for _ in range(3):
            await trio.lowlevel.checkpoint()

    yield FeedUnderTest(feed, settle)


@asynccontextmanager
async def over_a_socket(feed: ModeratedFeed, kind: type[RemoteFeed] = RemoteFeed) -> AsyncIterator[FeedUnderTest]:
    """What an edge has."""
    async with trio.open_nursery() as nursery:
        server = FeedServer(feed, Ledger(None, None))
        await nursery.start(server.run)

        async def connect() -> trio.abc.Stream:
            ours, theirs = trio.socket.socketpair()
            nursery.start_soon(server.serve, trio.SocketStream(theirs))
            return trio.SocketStream(ours)

        remote = kind("edge-1", connect, counted)
        await nursery.start(remote.run)

        async def settle() -> None:
            for _ in range(2):  # what comes of what has come
                with trio.fail_after(10):
                    while remote._outbox or remote._moved:
                        await trio.lowlevel.checkpoint()
                remote.report()
                await server.statistics()
                server._second += 5  # a second for each of five thousand listeners
                server.look()
                await server.statistics()

        yield FeedUnderTest(remote, settle)
        nursery.cancel_scope.cancel()
