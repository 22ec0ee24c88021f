"""The client as a visitor's: it submits, is told what becomes of it, and why something is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import trio

from fanout.client import CommandRefused, NotConfirmed, open_client
from fanout.client.news import News
from fanout.errors import InvalidInput
from fanout.wire.rendered import Format
from fanout.wire.replies import Submission
from tests.client.small_server import SmallServer, small_server


@pytest.fixture
async def server() -> AsyncIterator[SmallServer]:
    async with small_server() as server:
        yield server


@pytest.mark.parametrize("format", [Format.JSON, Format.MSGPACK])
async def test_a_submission_is_answered_and_later_news_of_it_is_told(server: SmallServer, format: Format) -> None:
    news: list[News] = []
    async with open_client(server.url, rooms=["stage"], format=format, watch=news.append) as client:
        with trio.fail_after(10):
            answer = await client.submit("stage", "When?", name="Samira", ref="mine")
            assert answer == Submission("stage", "s1", "held", "mine")
            aired = {"type": "submission", "room": "stage", "id": "s1", "state": "aired", "ref": "mine", "message": "m"}
            await server.say(server.lines[0], aired)
            await client.submit("stage", "And where?")
    told = [item for item in news if isinstance(item, Submission)]
    assert told == [Submission("stage", "s1", "aired", "mine", message="m")]


async def test_a_refusal_says_when_to_try_again(server: SmallServer) -> None:
    async with open_client(server.url, rooms=["stage"]) as client:
        with trio.fail_after(10), pytest.raises(CommandRefused) as refusal:
            await client.submit("stage", "too soon")
        assert (refusal.value.code, refusal.value.after_s) == ("rate_limited", 1.5)
        with trio.fail_after(10):
            assert (await client.submit("stage", "now")).state == "held"


async def test_a_submission_whose_answer_was_cut_off_is_not_confirmed(server: SmallServer) -> None:
    async with open_client(server.url, rooms=["stage"]) as client:
        with trio.fail_after(10), pytest.raises(NotConfirmed):
            await client.submit("stage", "cut me")


async def test_two_submissions_under_one_ref_can_not_wait_at_the_same_time(server: SmallServer) -> None:
    async with open_client(server.url, rooms=["stage"]) as client, trio.open_nursery() as nursery:
        with trio.fail_after(10):
            await client.wait_live()

            async def first() -> None:
                await client.submit("stage", "first", ref="mine")

            nursery.start_soon(first)
            while "mine" not in client._answers:  # from here on it waits for its answer
                await trio.lowlevel.checkpoint()
            with pytest.raises(InvalidInput, match="mine"):
                await client.submit("stage", "second", ref="mine")
