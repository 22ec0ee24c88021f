"""The conformance suite of the port `fanout.feed.port.Feed`: what an edge may rely on, wherever the engine lives.

    @pytest.mark.parametrize("check", FEED_CHECKS, ids=lambda check: check.__name__)
    async def test_my_feed_keeps_the_contract(check):
        await check(make_my_feed)

`make_my_feed` opens a feed of a house whose own feed it is given. Each check is an async function to be run on trio; it
raises `FeedContractBroken`, which says in a sentence what was expected and what was found. What a feed does when the
engine's process is gone, and when it falls behind, only its own tests can know.
"""

from __future__ import annotations

from typing import Final

from fanout.core.ban import Ban
from fanout.core.message import Author
from fanout.core.principal import Role
from fanout.core.submission import State, Step, Submission
from fanout.core.typed_lines import TypedLine
from fanout.errors import Banned, InvalidInput, NotAllowed, RoomNotFound, TooSoon
from fanout.testing.check_feed_following import FOLLOWING_CHECKS
from fanout.testing.feed_under_test import (
    Check,
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

SHARE: Final = 2
"""Of one address, in the check of admission."""


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
    house.feed.watch(told.append, lambda ban: None, lambda ban: None, lambda room, lines: None)
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
        end = feed.watch(lambda submission: None, banned.append, lifted.append, lambda room, lines: None)
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


async def what_is_being_typed_is_heard_where_the_room_is_followed(make: MakeFeed) -> None:
    """The newest, and that it is over, before what it has become."""
    async with opened(make) as house:
        follower = Heard()
        typed: list[tuple[str, tuple[TypedLine, ...], int]] = []

        def hear(room: str, lines: tuple[TypedLine, ...]) -> None:
            typed.append((room, lines, len(follower.entries)))

        house.feed.follow("a", follower)
        end = house.feed.watch(lambda submission: None, lambda ban: None, lambda ban: None, hear)
        await house.settle()
        asked = await house.feed.submit(visitor(), Submit("a", "When?", "Samira"), "")
        for step in (Step.APPROVE, Step.AIR):
            question = await house.moderation.desk.decide(staff(), asked.id, step)
        await house.moderation.rules.set(staff(), "a", typing="text")
        await house.moderation.scribe.draft(staff(), asked.id, "l1", "In M")
        await house.settle()
        expect(
            "what is being typed", typed, [("a", (TypedLine(question.message or "", "Ann", "moderator", "In M"),), 1)]
        )
        typed.clear()
        await house.moderation.scribe.final(staff(), asked.id, "l1", "In May.")
        await house.settle()
        expect("when it is on air", typed, [("a", (), 1)])
        typed.clear()
        end()
        await house.moderation.scribe.draft(staff(), asked.id, "l2", "And")
        await house.settle()
        expect("what is heard after the end", typed, [])


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
    *FOLLOWING_CHECKS,
    publishing_is_for_those_who_may,
    a_submission_is_taken_once,
    authors_are_told_what_becomes_of_theirs,
    a_ban_is_heard_of_and_holds_until_it_is_lifted,
    plugins_are_asked_who_is_let_in,
    presence_counts_connections_and_people,
    what_is_being_typed_is_heard_where_the_room_is_followed,
    admission_has_its_limits,
]
"""What every feed does."""
