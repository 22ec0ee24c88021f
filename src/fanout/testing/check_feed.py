"""The conformance suite of the port `fanout.feed.port.Feed`: what an edge may rely on, wherever the engine lives.

    @pytest.mark.parametrize("check", FEED_CHECKS, ids=lambda check: check.__name__)
    async def test_my_feed_keeps_the_contract(check):
        await check(make_my_feed)

`make_my_feed` opens a feed of a house whose own feed it is given. Each check is an async function to be run on trio; it
raises `FeedContractBroken`, which says in a sentence what was expected and what was found. What a feed does when the
engine's process is gone, and when it falls behind, only its own tests can know.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import trio

from fanout.core.ban import Ban
from fanout.core.message import Author, Message, Retraction
from fanout.core.principal import Role
from fanout.core.submission import State, Step, Submission
from fanout.errors import Banned, InvalidInput, NotAllowed, RoomNotFound, TooSoon
from fanout.testing.feed_under_test import (
    FeedContractBroken,
    Heard,
    House,
    MakeFeed,
    expect,
    opened,
    refused,
    staff,
    visitor,
)
from fanout.wire.commands import Publish, Submit

Check = Callable[[MakeFeed], Awaitable[None]]

SHARE: Final = 2
"""Of one address, in the check of admission."""


# --- following -------------------------------------------------------------------------------------------------------


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


# --- what is handed up -----------------------------------------------------------------------------------------------


async def publishing_is_for_those_who_may(make: MakeFeed) -> None:
    """It is durable when that returns, as it was said and under the name of whoever said it."""
    async with opened(make) as house:
        command = Publish("b", "Good evening", kind="answer", re="abcdefgh1234", data={"n": 1})
        message = await house.feed.publish(staff(Role.ANIMATOR), command)
        said = (message.text, message.kind, message.re, message.data, message.author)
        expect("the message", said, ("Good evening", "answer", "abcdefgh1234", {"n": 1}, Author("Ann", "animator")))
        expect("what the room has", house.engine.room("b").recent, [message])
        await refused("a visitor's", NotAllowed, lambda: house.feed.publish(visitor(), command))
        await refused("one to no room", RoomNotFound, lambda: house.feed.publish(staff(), Publish("c", "x")))
        error = await refused("an empty one", InvalidInput, lambda: house.feed.publish(staff(), Publish("b", "")))
        expect("that it says why", bool(error.code and error.detail), True)


async def a_submission_is_taken_once(make: MakeFeed) -> None:
    """From whoever has an identity; or it is said why not."""
    async with opened(make) as house:
        command = Submit("a", "When?", "Samira", "1")
        taken = await house.feed.submit(visitor(), command, "192.0.2.1")
        expect("its state, room and author", (taken.state, taken.room, taken.person), (State.HELD, "a", "visitor:v1"))
        again = await house.feed.submit(visitor(), command, "192.0.2.1")
        expect("the same once more", again.id, taken.id)
        await refused("one to no room", RoomNotFound, lambda: house.feed.submit(visitor(), Submit("c", "x", "S"), ""))
        await refused("an empty one", InvalidInput, lambda: house.feed.submit(visitor(), Submit("a", "", "S"), ""))


async def authors_are_told_what_becomes_of_theirs(make: MakeFeed) -> None:
    """Those who are here; and those who were not, when they come, once."""
    async with opened(make) as house:
        told = _watched(house)
        feed = house.feed
        feed.arrived("v1")
        held = await feed.submit(visitor("v1"), Submit("a", "When?", "Samira"), "")
        await house.settle()
        told.clear()
        rejected = await _reject(house, held)
        await house.settle()
        expect("what an author who is here is told", told, [rejected])
        told.clear()
        feed.departed("v1")
        await house.settle()
        other = await _reject(house, await feed.submit(visitor("v1"), Submit("a", "And now?", "Samira"), ""))
        await house.settle()
        _miss(house, told)
        await house.settle()
        told.clear()
        feed.arrived("v1")
        await house.settle()
        expect("the last that an author hears who comes back", told[-1:], [other])
        told.clear()
        feed.departed("v1")
        feed.arrived("v1")
        await house.settle()
        expect("what they hear when they come once more", told, [])


def _watched(house: House) -> list[Submission]:
    told: list[Submission] = []
    house.feed.watch(told.append, lambda ban: None, lambda ban: None)
    return told


def _miss(house: House, told: list[Submission]) -> None:
    """As an edge does with news for somebody who is not here."""
    for submission in told:
        house.feed.missed(submission)


async def _reject(house: House, submission: Submission) -> Submission:
    return await house.moderation.desk.decide(staff(), submission.id, Step.REJECT, reason="No.")


# --- who listens -----------------------------------------------------------------------------------------------------


async def a_ban_is_heard_of_and_holds_until_it_is_lifted(make: MakeFeed) -> None:
    """Also one that was made before anybody watched."""
    async with opened(make) as house:
        banned: list[Ban] = []
        lifted: list[str] = []
        bans, feed = house.moderation.bans, house.feed
        early = await bans.ban(staff(), "*", "address:192.0.2.0/24", reason="Noise.")
        await house.settle()
        end = feed.watch(lambda submission: None, banned.append, lifted.append)
        expect("bans that are known", list(feed.bans()), [early])
        _kept_away(house, "b", "v2", "192.0.2.7")
        ban = await bans.ban(staff(), "b", "visitor:v1", reason="Enough.")
        await house.settle()
        expect("bans that are heard of", banned, [ban])
        expect("the reason", _kept_away(house, "b", "v1", ""), "Enough.")
        feed.check_listening("a", visitor("v1"), "")
        feed.check_listening("b", visitor("v2"), "198.51.100.1")
        await bans.lift(staff(), ban.id)
        await house.settle()
        expect("bans that are lifted", lifted, [ban.id])
        feed.check_listening("b", visitor("v1"), "")
        end()
        await bans.lift(staff(), early.id)
        await house.settle()
        expect("what is heard after the end", (banned, lifted), ([ban], [ban.id]))
        expect("bans in the end", list(feed.bans()), [])


def _kept_away(house: House, room: str, subject: str, address: str) -> str:
    try:
        house.feed.check_listening(room, visitor(subject), address)
    except Banned as error:
        return error.detail
    raise FeedContractBroken(f"{subject} at {address!r} may listen in {room} in spite of a ban")


async def plugins_are_asked_who_is_let_in(make: MakeFeed) -> None:
    """They let in, send away, or put off."""
    async with opened(make) as house:
        feed = house.feed
        expect("whether there is somebody to ask", feed.admits, True)
        expect("whom a visitor is taken for", await feed.admit(visitor(), "192.0.2.1", ["a"]), visitor())
        error = await refused("a closed room", Banned, lambda: feed.admit(visitor(), "", ["a", "closed"]))
        expect("why", (error.code, error.detail), ("not_admitted", "Only those who are invited."))
        later = await refused("an early visitor", TooSoon, lambda: feed.admit(visitor("early"), "", ["a"]))
        assert isinstance(later, TooSoon)
        expect("when to come", later.after_s, 3.0)


async def presence_counts_connections_and_people(make: MakeFeed) -> None:
    """News once they have changed, and none when they have not."""
    async with opened(make) as house:
        presence = house.feed.presence("b")
        house.feed.follow("b", Heard())
        for identity in ("v1", "v1", "v2", "", ""):
            presence.join(identity)
        await house.settle()
        expect("who is here", presence.news(1.0), (5, 4))
        expect("news when nothing has changed", presence.news(3.0), None)
        presence.leave("v1")
        presence.leave("")
        await house.settle()
        expect("who is here then", presence.news(5.0), (3, 3))
        expect("this edge's own", (presence.listeners, presence.visitors), (3, 3))
        for identity in ("v1", "v2", ""):
            presence.leave(identity)
        presence.join("v3")
        await house.settle()
        expect("who is here in the end", presence.news(7.0), (1, 1))


async def admission_has_its_limits(make: MakeFeed) -> None:
    """In all and by address; who goes makes room."""
    async with opened(make) as house:
        admission = house.feed.admission(3, SHARE, 30.0)
        letting_in = [admission.admit("192.0.2.1", 0.5) for _ in range(SHARE)]
        expect("the first", letting_in, [None] * SHARE)
        await house.settle()
        expect("one more of the address", _code(admission.admit("192.0.2.1", 0.5)), "address_full")
        expect("another address", admission.admit("192.0.2.2", 0.5), None)
        await house.settle()
        expect("one more than all", _code(admission.admit("192.0.2.3", 0.5)), "full")
        admission.release("192.0.2.1")
        await house.settle()
        expect("one who takes a place that is free", admission.admit("192.0.2.1", 0.5), None)


def _code(refusal: object) -> str:
    return getattr(refusal, "code", "let in")


FEED_CHECKS: Final[list[Check]] = [
    a_room_begins_as_it_stands,
    a_room_that_is_not_there_is_refused,
    everything_is_heard_once_and_in_order,
    whoever_begins_while_much_is_said_misses_nothing,
    nothing_comes_after_the_end,
    what_was_taken_back_can_be_had_nowhere,
    settings_are_those_of_now,
    a_room_is_read_from_anywhere,
    publishing_is_for_those_who_may,
    a_submission_is_taken_once,
    authors_are_told_what_becomes_of_theirs,
    a_ban_is_heard_of_and_holds_until_it_is_lifted,
    plugins_are_asked_who_is_let_in,
    presence_counts_connections_and_people,
    admission_has_its_limits,
]
"""What every feed does."""
