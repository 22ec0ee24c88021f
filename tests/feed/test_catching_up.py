"""An edge that is to send everybody away first hears what has been acknowledged: nobody leaves without it."""

from __future__ import annotations

import trio

from fanout.core.say import Say
from fanout.feed.remote_feed import RemoteFeed
from fanout.testing.feed_under_test import Heard, opened
from tests.feed.houses import over_a_socket


async def test_who_has_caught_up_has_heard_all_that_was_published_before():
    """Two megabytes, in a room and one that follows it: several times what goes to the socket at once."""
    texts = [f"{number} " + "x" * 10_000 for number in range(100)]
    async with opened(over_a_socket) as house:
        feed = house.feed
        assert isinstance(feed, RemoteFeed)
        await house.engine.open_room("b-too", follows=("b",))
        followers = {room: Heard() for room in ("b", "b-too")}
        for room, follower in followers.items():
            feed.follow(room, follower)
        await house.settle()
        await house.engine.room("b").publish_all([Say(text) for text in texts])
        with trio.fail_after(10):
            await feed.catch_up()
        assert [follower.texts for follower in followers.values()] == [texts, texts]
