"""The part of the suite `fanout.testing.check_feed` that is about rooms: following them, reading what was before."""

from __future__ import annotations

from typing import Final

import trio

from fanout.core.message import Author, Message, Retraction
from fanout.errors import RoomNotFound
from fanout.testing.feed_under_test import Check, Heard, MakeFeed, expect, opened, refused


async def a_room_begins_as_it_stands(make: MakeFeed) -> None:
    """Its settings, how far it reaches, and what it holds, once; also a room that is empty."""
    async with opened(make) as house:
        room = house.engine.room("a")
        for number in range(70):  # more than the ring holds
            await room.publish(str(number))
        full, empty = Heard(), Heard()
        house.feed.follow("a", full)
        house.feed.follow("b", empty)
        await house.settle()
        expect("beginnings", (full.begun, empty.begun), (1, 1))
        expect("extent", (full.extent, empty.extent), (room.extent, house.engine.room("b").extent))
        expect("entries", (full.entries, empty.entries), (room.recent, []))
        expect("settings", (full.settings(), empty.settings().name), (room.settings, "b"))


async def a_room_that_is_not_there_is_refused(make: MakeFeed) -> None:
    """And followed when it is asked for once more and there."""
    async with opened(make) as house:
        missing, there = Heard(), Heard()
        stop = house.feed.follow("c", missing)
        await house.settle()
        expect("the error of an unknown room", (type(missing.error), missing.begun), (RoomNotFound, 0))
        stop()
        await house.engine.open_room("c")
        house.feed.follow("c", there)
        await house.settle()
        expect("beginnings once it is there", (there.begun, there.error), (1, None))


async def everything_is_heard_once_and_in_order(make: MakeFeed) -> None:
    """Whoever publishes it, one or many at once; retractions too. Each entry as the room has it."""
    async with opened(make) as house:
        follower = Heard()
        house.feed.follow("a", follower)
        await house.settle()
        room = house.engine.room("a")
        author = Author("Zoë Ångström", "guest")
        first = await room.publish(
            "\u2028\U0001f3a4" * 100, author=author, re="abcdefgh1234", data={"deep": [{"é": 1.5}, None]}
        )

        async def publish(number: int) -> None:
            await room.publish(str(number))

        async with trio.open_nursery() as nursery:
            for number in range(40):
                nursery.start_soon(publish, number)
        retraction = await room.retract(first.id)
        await house.settle()
        expect("all that was heard", follower.entries[1:], (await room.read(0, 1000))[1:])
        expect("the first as it was", follower.entries[:1], [first])
        expect("the last", follower.entries[-1:], [retraction])


async def whoever_begins_while_much_is_said_misses_nothing(make: MakeFeed) -> None:
    """Nor hears anything twice: what a room begins with and what is heard of it join without a seam. Somebody may
    stop and begin again at once."""
    async with opened(make) as house:
        room = house.engine.room("a")
        over = trio.Event()

        async def publish() -> None:
            for number in range(400):
                await room.publish(str(number))
            over.set()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(publish)
            while not over.is_set():
                follower = Heard()
                stop = house.feed.follow("a", follower)
                for _ in range(5):
                    await trio.lowlevel.checkpoint()
                stop()
            last = Heard()
            house.feed.follow("a", last)
        await house.settle()
        everything = await room.read(0, 1000)
        expect("all since it began", last.entries, everything[len(everything) - len(last.entries) :])
        expect("the newest", last.extent.head, room.position.seq)


async def whoever_has_caught_up_has_heard_everything(make: MakeFeed) -> None:
    """All that was published before, in every room that is followed."""
    async with opened(make) as house:
        followers = {room: Heard() for room in ("a", "b")}
        for room, follower in followers.items():
            house.feed.follow(room, follower)
        await house.settle()
        for room in followers:
            await house.engine.room(room).publish("just now")
        await house.feed.catch_up()
        expect("what was heard", [follower.texts for follower in followers.values()], [["just now"], ["just now"]])


async def nothing_comes_after_the_end(make: MakeFeed) -> None:
    """Of a room that is followed no longer; of others it does."""
    async with opened(make) as house:
        followers = {room: Heard() for room in ("a", "b")}
        stops = {room: house.feed.follow(room, follower) for room, follower in followers.items()}
        await house.settle()
        stops["a"]()
        for room in followers:
            await house.engine.room(room).publish("late")
        await house.settle()
        expect("what was heard", [follower.texts for follower in followers.values()], [[], ["late"]])


async def what_was_taken_back_can_be_had_nowhere(make: MakeFeed) -> None:
    """Not where the room begins, and not where it is read."""
    async with opened(make) as house:
        room = house.engine.room("b")
        first = await room.publish("a secret")
        before = Heard()
        stop = house.feed.follow("b", before)
        await house.settle()
        await room.retract(first.id)
        await house.settle()
        expect("the last that is heard", [type(entry) for entry in before.entries[-1:]], [Retraction])
        stop()
        after = Heard()
        house.feed.follow("b", after)
        await house.settle()
        read = await house.feed.read("b", 0, 10)
        expect("texts of the room", (after.texts, [one.text for one in read if isinstance(one, Message)]), ([""], [""]))


async def settings_are_those_of_now(make: MakeFeed) -> None:
    """A follower that asks for a room's settings gets them as they are, and those of its beginning no more."""
    async with opened(make) as house:
        follower = Heard()
        house.feed.follow("b", follower)
        await house.settle()
        await house.engine.open_room("b", mode="stage", title="Autre", capacity=70)
        await house.settle()
        expect("settings", follower.settings(), house.engine.room("b").settings)
        expect("beginnings", follower.begun, 1)


async def a_room_is_read_from_anywhere(make: MakeFeed) -> None:
    """A page after a number, further back than is followed; an empty one at the end."""
    async with opened(make) as house:
        room = house.engine.room("a")
        for number in range(80):
            await room.publish(str(number))
        expect("a page", await house.feed.read("a", 10, 5), await room.read(10, 5))
        expect("the rest", await house.feed.read("a", 70, 50), await room.read(70, 50))
        expect("after the end", list(await house.feed.read("a", 80, 50)), [])
        await refused("reading no room", RoomNotFound, lambda: house.feed.read("c", 0, 5))


FOLLOWING_CHECKS: Final[list[Check]] = [
    a_room_begins_as_it_stands,
    a_room_that_is_not_there_is_refused,
    everything_is_heard_once_and_in_order,
    whoever_begins_while_much_is_said_misses_nothing,
    whoever_has_caught_up_has_heard_everything,
    nothing_comes_after_the_end,
    what_was_taken_back_can_be_had_nowhere,
    settings_are_those_of_now,
    a_room_is_read_from_anywhere,
]
"""What every feed does with a room."""
