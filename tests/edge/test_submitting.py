"""What a visitor submits is answered to its author alone, in order, and so is what becomes of it later."""

from __future__ import annotations

import pytest
import trio

from fanout.core.submission import Step
from fanout.edge.authors import SUBMISSIONS_FOLLOWED
from fanout.edge.conversation import COMMANDS_WAITING
from fanout.errors import Banned, FanoutError, InvalidInput, StoreUnavailable, SubmissionRefused, TooSoon
from fanout.feed.mailbox import NEWS_KEPT
from fanout.wire.rendered import Format
from tests.edge.listener import Listener, command
from tests.edge.site import Site, open_site
from tests.edge.small_desk import SmallDesk


def desk_of(site: Site) -> SmallDesk:
    return site.feed


async def visitor(site: Site, subject: str = "", format: Format = Format.JSON) -> Listener:
    token = f"token={site.token('visitor', subject=subject)}" if subject else ""
    return await site.listener(format, token, room="foyer")


@pytest.mark.parametrize("format", [Format.JSON, Format.MSGPACK])
@pytest.mark.parametrize("subject", ["", "somebody"])
async def test_its_author_alone_hears_what_becomes_of_a_submission(format: Format, subject: str) -> None:
    async with open_site("foyer:moderated", feed=SmallDesk) as site:
        author, other, stranger = [await visitor(site, who, format) for who in (subject, "another", "")]
        await author.say("submit", room="foyer", text="When?", name="Samira", ref="mine")
        answer = await author.expect("submission", state="held", ref="mine", room="foyer", reason=None)
        desk = desk_of(site)
        desk.decide(answer["id"], Step.APPROVE)
        desk.decide(answer["id"], Step.AIR, message="m00000000001")
        await author.expect("submission", id=answer["id"], state="approved", ref="mine")
        await author.expect("submission", id=answer["id"], state="aired", ref="mine", message="m00000000001")
        await author.silence()
        await other.silence()
        await stranger.silence()
        for listener in (author, other, stranger):
            await listener.aclose()
        await site.is_empty()


async def test_an_identity_is_told_on_all_its_connections_event_streams_included() -> None:
    async with open_site("foyer:moderated", feed=SmallDesk) as site:
        speaking, reading = await visitor(site, "somebody"), await visitor(site, "somebody", Format.EVENTS)
        await speaking.say("submit", room="foyer", text="When?", ref="mine")
        answer = await speaking.expect("submission", state="held", ref="mine")
        await reading.expect("submission", id=answer["id"], state="held", ref=None)
        desk_of(site).decide(answer["id"], Step.REJECT, reason="Asked already.")
        for listener, ref in ((speaking, "mine"), (reading, None)):
            await listener.expect("submission", state="rejected", reason="Asked already.", ref=ref)
            await listener.aclose()
        await site.is_empty()


async def test_whoever_comes_back_hears_what_they_have_missed_after_the_welcome() -> None:
    async with open_site("foyer:moderated", feed=SmallDesk) as site:
        desk = desk_of(site)
        submissions = [desk.arrive("visitor:somebody") for _ in range(NEWS_KEPT + 1)]
        for submission in submissions:
            desk.decide(submission.id, Step.HOLD)
        desk.decide(submissions[1].id, Step.APPROVE)
        back = await visitor(site, "somebody")  # its first object is the welcome
        heard = [await back.expect("submission") for _ in range(NEWS_KEPT)]
        assert heard[-1]["id"] == submissions[1].id
        assert heard[-1]["state"] == "approved"
        assert [item["id"] for item in heard[:-1]] == [submission.id for submission in submissions[2:]]
        again = await visitor(site, "somebody")
        await again.silence()
        await back.silence()


async def test_the_answer_comes_before_what_was_decided_meanwhile() -> None:
    async with open_site("foyer:moderated", feed=SmallDesk) as site:
        desk = desk_of(site)
        desk.decides_before_it_answers = True
        author = await visitor(site, "somebody")
        earlier = desk.arrive("visitor:somebody")
        await author.say("submit", room="foyer", text="When?", ref="mine")
        await author.expect("submission", state="held", ref="mine")
        await author.expect("submission", state="approved", ref="mine")
        desk.decide(earlier.id, Step.HOLD)
        await author.expect("submission", id=earlier.id, state="held", ref=None)
        await author.silence()


async def test_news_of_another_submission_waits_while_one_is_on_its_way() -> None:
    async with open_site("foyer:moderated", feed=SmallDesk) as site:
        desk = desk_of(site)
        desk.gate = trio.Event()
        author = await visitor(site, "somebody")
        other = desk.arrive("visitor:somebody")
        await author.say("submit", room="foyer", text="When?", ref="mine")
        await author.silence()
        desk.decide(other.id, Step.HOLD)
        await author.silence()
        desk.refuse = SubmissionRefused("No.")
        desk.gate.set()
        await author.expect("submission", id=other.id, state="held", ref=None)
        await author.expect("error", code="rejected", ref="mine")


@pytest.mark.parametrize(
    ("error", "fields"),
    [
        (TooSoon("Please wait.", after_s=1.2504), {"code": "rate_limited", "after_ms": 1251}),
        (SubmissionRefused("No shouting."), {"code": "rejected", "detail": "No shouting."}),
        (SubmissionRefused("Later.", code="paused"), {"code": "paused"}),
        (Banned("Enough."), {"code": "banned", "detail": "Enough."}),
        (InvalidInput("Only staff.", code="submissions_closed"), {"code": "submissions_closed"}),
        (InvalidInput("Empty.", code="text_empty"), {"code": "text_empty"}),
        (StoreUnavailable("The disk is full."), {"code": "store_unavailable"}),
    ],
    ids=lambda value: getattr(value, "code", ""),
)
async def test_a_refusal_is_an_error_with_the_ref_and_the_connection_goes_on(
    error: FanoutError, fields: dict[str, object]
) -> None:
    async with open_site("foyer:moderated", feed=SmallDesk) as site:
        desk = desk_of(site)
        desk.refuse = error
        author = await visitor(site)
        await author.say("submit", room="foyer", text="When?", ref="mine")
        await author.expect("error", ref="mine", **fields)
        desk.refuse = None
        await author.say("submit", room="foyer", text="When?")
        assert "ref" not in await author.expect("submission", state="held")


async def test_submissions_keep_their_order_wait_within_bounds_and_block_nothing() -> None:
    async with open_site("foyer:moderated", feed=SmallDesk) as site:
        desk = desk_of(site)
        desk.gate = trio.Event()
        author = await visitor(site, "somebody")
        staff = await site.listener(Format.JSON, f"token={site.token()}", room="foyer")
        count = COMMANDS_WAITING + 5
        said = [{"type": "submit", "room": "foyer", "text": str(number), "ref": str(number)} for number in range(count)]
        await staff.stream.send_all(command(said[0]))
        await staff.silence()  # the first is on its way, and waits no more
        await staff.stream.send_all(b"".join(command(one) for one in said[1:]))
        refused = [(await staff.expect("error", code="rate_limited"))["ref"] for _ in range(4)]
        assert refused == [str(number) for number in range(count - 4, count)]
        await staff.say("ping")
        await staff.expect("pong")
        desk.gate.set()
        for number in range(count - 4):
            await staff.expect("submission", ref=str(number))
        texts = [submission.text for submission in desk.submissions.values()]
        assert texts == [str(number) for number in range(count - 4)]
        await author.silence()


async def test_an_author_without_an_identity_is_told_of_the_newest_submissions() -> None:
    async with open_site("foyer:moderated", feed=SmallDesk) as site:
        desk = desk_of(site)
        author = await site.listener(Format.JSON, f"token={site.token()}", room="foyer")  # staff have no rate
        for number in range(SUBMISSIONS_FOLLOWED + 1):
            await author.say("submit", room="foyer", text=str(number), ref=str(number))
            await author.expect("submission", ref=str(number))
        first, second, *_ = desk.submissions
        desk.decide(first, Step.APPROVE)
        desk.decide(second, Step.APPROVE)
        await author.expect("submission", id=second, state="approved", ref="1")


async def test_what_somebody_submits_and_leaves_is_still_taken() -> None:
    async with open_site("foyer:moderated", feed=SmallDesk) as site:
        desk = desk_of(site)
        desk.gate = trio.Event()
        author = await visitor(site)
        await author.say("submit", room="foyer", text="When?")
        await author.silence()
        await author.aclose()
        await site.is_empty()
        desk.gate.set()
        await site.settled(lambda: len(desk.submissions) == 1)
        await site.is_empty()


async def test_a_fault_in_the_desk_ends_its_connection_and_no_other() -> None:
    async with open_site("foyer:moderated", feed=SmallDesk) as site:
        desk_of(site).refuse = RuntimeError("a fault of ours")  # type: ignore[assignment]
        author, other = await visitor(site), await visitor(site)
        await author.say("submit", room="foyer", text="When?")
        await author.expect("bye", code=1011, reconnect=True)
        await other.silence()


async def test_without_moderation_nothing_is_taken() -> None:
    async with open_site("foyer:moderated") as site:
        author = await visitor(site)
        await author.say("submit", room="foyer", text="When?", ref="mine")
        await author.expect("error", code="submissions_closed", ref="mine")
