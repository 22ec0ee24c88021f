"""The bench that authors of plug-ins test on: it asks and tells as a server does, and lets no failure pass unseen."""

from __future__ import annotations

import subprocess
import sys

import pytest
import trio

from fanout.errors import ConfigurationError, InvalidInput, TransitionRefused
from fanout.plugins import Mode, Refuse, RoomView, hold, refuse, reject, replace
from fanout.testing.plugin_bench import Bench, PluginFailed, on_bench, open_bench


class Strict:
    """A filter with something to say of everything."""

    name = "strict"
    deadline = 2.0

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def review_submission(self, submission, room):
        match submission.text.split()[0]:
            case "bad":
                return reject("Not here.", rule="bad")
            case "odd":
                return hold("Odd.", similar_to="abcdefghijkl")
            case "soon":
                return reject("Wait.", retry_after_s=7)
            case "swap":
                return replace("swapped")
            case "slow":
                await trio.sleep(60)
            case "broken":
                raise ZeroDivisionError
            case "wrong":
                return "reject"
        return None

    async def admit_visitor(self, visitor):
        return refuse("No.") if visitor.name == "Mallory" or visitor.claims.get("banned") else None

    async def submission_decided(self, submission, decision):
        await trio.sleep(0.5)
        self.heard.append(f"{decision.step} {submission.text}")

    async def message_published(self, message):
        self.heard.append(f"{message.kind}: {message.text}")

    async def message_retracted(self, retraction):
        self.heard.append(f"retracted {retraction.target}")

    async def listener_joined(self, room, listeners):
        self.heard.append(f"{listeners} in {room.name}")

    async def room_closed(self, room):
        self.heard.append(f"{room.name} closes")


@on_bench(Strict)
async def test_every_verdict_comes_back_with_what_a_server_makes_of_it(bench: Bench):
    passed = await bench.submit("When?")
    assert (passed.kind, passed.submission.state, passed.kept) == (None, "held", True)
    bad = await bench.submit("bad", by="ben", name="Ben")
    assert (bad.kind, bad.reason, bad.rule, bad.submission.state) == ("reject", "Not here.", "bad", "rejected")
    assert (bad.submission.person, bad.submission.name) == ("visitor:ben", "Ben")
    assert (await bench.submit("odd")).similar_to == "abcdefghijkl"
    soon = await bench.submit("soon", source="sms", by="33")
    assert (soon.retry_after_s, soon.kept, soon.submission.person) == (7, False, "phone:33")
    assert soon.submission.id not in bench.submissions
    swapped = await bench.submit("swap it")
    assert (swapped.text, swapped.submission.text, swapped.submission.original) == ("swapped", "swapped", "swap it")


@on_bench(Strict, rooms=[RoomView("foyer", Mode.OPEN)])
async def test_what_passes_in_an_open_room_is_live_at_once(bench: Bench):
    assert (await bench.submit("Hello")).submission.state == "aired"
    await bench.settle()
    assert [hook for hook, _ in bench.told] == [
        "room_opened", "submission_received", "submission_decided", "submission_decided", "message_published",
    ]  # fmt: skip


def test_notifications_are_heard_in_order_until_the_room_closes():
    strict = Strict()

    @on_bench(lambda: strict)
    async def evening(bench: Bench) -> None:
        asked = await bench.submit("When?")
        await bench.decide(asked, "approve")
        aired = await bench.decide(asked, "air")
        await bench.publish("At nine.", kind="answer")
        await bench.decide(aired, "retract")
        assert await bench.join() == 1
        assert strict.heard == [], "nobody waits for a notification"
        await bench.settle()
        assert strict.heard == [
            "hold When?", "approve When?", "air When?", "question: When?", "answer: At nine.", "retract When?",
            f"retracted {aired.message}", "1 in hall",
        ]  # fmt: skip

    evening()
    assert strict.heard[-1] == "hall closes"


@on_bench(Strict)
async def test_a_step_that_the_desk_refuses_is_refused_here(bench: Bench):
    asked = await bench.submit("bad")
    with pytest.raises(TransitionRefused):
        await bench.decide(asked, "air")
    other = await bench.submit("When?")
    assert (await bench.decide(other.submission.id, "reject", reason="Asked before.")).reason == "Asked before."


@on_bench(Strict)
async def test_a_visitor_asks_to_be_let_in(bench: Bench):
    assert await bench.admit(name="Anna") is None
    assert await bench.admit(name="Mallory") == Refuse("No.")
    assert await bench.admit(banned=True) == Refuse("No.")


@pytest.mark.parametrize(("text", "kind"), [("slow", "timeout"), ("broken", "error"), ("wrong", "wrong_answer")])
@on_bench(Strict, may_fail=True, settings={"on_failure": "reject"})
async def test_a_failure_is_seen_with_what_stands_for_the_answer(bench: Bench, text: str, kind: str):
    begun = trio.current_time()
    outcome = await bench.submit(text)
    assert (outcome.kind, outcome.failure, [each.kind for each in bench.failures]) == ("reject", kind, [kind])
    assert trio.current_time() - begun == (2.0 if text == "slow" else 0.0)
    if text == "broken":
        assert bench.failures[0].error == "ZeroDivisionError"
        assert __file__ in bench.failures[0].where


@pytest.mark.parametrize("text", ["slow", "broken", "wrong"])
@on_bench(Strict, may_fail=True)
async def test_the_breaker_opens_here_too(bench: Bench, text: str):
    while (outcome := await bench.submit(text)).failure != "breaker":
        assert len(bench.submissions) < 100
    assert outcome.kind == "hold"


@pytest.mark.parametrize("text", ["slow", "broken", "wrong"])
def test_a_failure_that_nobody_expects_fails_the_test(text: str):
    @on_bench(Strict)
    async def test(bench: Bench) -> None:
        await bench.submit(text)

    with pytest.raises(PluginFailed, match="plug-in strict failed: review_submission"):
        test()


class Deaf:
    name = "deaf"

    async def room_opened(self, room):
        raise RuntimeError


class Crashing:
    name = "crashing"

    async def run(self, app):
        [room] = app.rooms()
        assert await app.recent_submissions(room.name, 10) == []
        raise RuntimeError


@pytest.mark.parametrize("plugin", [Deaf, Crashing])
def test_a_failure_where_nobody_waits_fails_the_test_at_its_end(plugin: type):
    @on_bench(plugin)
    async def test(bench: Bench) -> None:
        pass

    with pytest.raises(PluginFailed, match="RuntimeError"):
        test()


def test_a_failed_assertion_comes_out_as_it_is():
    @on_bench(Strict)
    async def test(bench: Bench) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        test()


async def test_a_test_with_a_loop_of_its_own_opens_the_bench_itself(autojump_clock):
    async with open_bench(Strict(), settings={"shadow": True}) as bench:
        outcome = await bench.submit("bad")
        assert (outcome.kind, outcome.submission.state) == ("reject", "held"), "a shadow decides nothing"


async def test_what_is_no_plugin_is_refused_with_the_reason(autojump_clock):
    with pytest.raises(ConfigurationError, match="it has no name"):
        async with open_bench(object()):
            pass


@on_bench(Strict, real_time=True)
async def test_time_is_real_where_the_plugin_needs_it(bench: Bench):
    await trio.to_thread.run_sync(int)
    assert (await bench.submit("When?")).kind is None


@on_bench(Strict)
async def test_text_is_refused_or_put_right_before_the_plugin_as_in_a_server(bench: Bench):
    with pytest.raises(InvalidInput):
        await bench.submit("a\u202eb")
    assert (await bench.submit("a\u202eb", source="sms")).text == "ab"
    nothing = await bench.submit("\u200b", source="sms")
    assert (nothing.kind, nothing.submission.state) == (None, "rejected")


def test_importing_fanout_does_not_import_what_only_tests_need():
    code = (
        "import sys, fanout, fanout.server.server; print([n for n in ('trio.testing', 'pytest') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n", done.stderr
