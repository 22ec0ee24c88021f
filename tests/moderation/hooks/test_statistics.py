"""What is told of plug-ins: the counts as JSON, and how a shadow's verdicts compare with people's decisions."""

from __future__ import annotations

import json
from functools import partial

import pytest
import trio

from fanout.core.submission import decide
from fanout.errors import ConfigurationError
from fanout.moderation.hooks import plugins_as_objects
from fanout.moderation.hooks.plugin import MAX_PLUGINS
from fanout.plugins import Decision, Opinion, Step, VerdictKind, Visitor, admit, hold, refuse
from tests.moderation.hooks.samples import ROOM, Filter, Waiting, asked, hooks_of, running


def reason(step: Step) -> str:
    return "No." if step is Step.REJECT else ""


def learn(hooks, shadows, *, first=Step.HOLD, then=None):
    """A first step with these opinions of shadows, and what people do then."""
    opinions = tuple(Opinion("shade", kind, shadow=True) for kind in shadows)
    decision = Decision("abcdefghijkl", first, "plug-in words", 1, reason=reason(first), opinions=opinions)
    submission = decide(asked(), decision)
    hooks.notify("submission_decided", submission, decision)
    if then is not None:
        decision = Decision("abcdefghijkl", then, "Mia, moderator", 2, reason=reason(then))
        hooks.notify("submission_decided", decide(submission, decision), decision)


def shade(**table):
    return hooks_of(Filter(hold("odd"), "shade"), shadow=True, **table)


def test_only_people_are_agreed_with():
    hooks = shade()
    learn(hooks, [VerdictKind.REJECT], first=Step.REJECT)
    learn(hooks, [VerdictKind.REJECT])
    assert hooks.statistics()[0].agreement == {}


def test_a_replacement_would_have_let_it_pass():
    hooks = shade()
    learn(hooks, [VerdictKind.REPLACE], then=Step.APPROVE)
    assert hooks.statistics()[0].agreement == {("accept", "approved"): 1}


def test_one_that_is_no_shadow_has_no_table():
    hooks = hooks_of(Filter(None))
    assert not hooks.hears("submission_decided")
    assert plugins_as_objects(hooks.statistics())[0]["agreement"] is None


async def test_the_objects_are_plain_json_of_this_shape():
    hooks = shade(rooms=["stage", "lobby"], order=7)
    await hooks.review(asked(), ROOM)
    learn(hooks, [VerdictKind.HOLD], then=Step.REJECT)
    (plugin,) = json.loads(json.dumps(plugins_as_objects(hooks.statistics()), allow_nan=False))
    counts = plugin["hooks"]["review_submission"]
    assert 0 < counts.pop("mean_s") < 1
    assert 0 < counts.pop("p99_s") < 1
    assert plugin == {
        "name": "shade",
        "enabled": True,
        "from": "",
        "order": 7,
        "deadline_s": 1.0,
        "concurrency": 8,
        "on_failure": "hold",
        "shadow": True,
        "rooms": ["lobby", "stage"],
        "hooks": {
            "review_submission": {
                "calls": 1,
                "failures": {},
                "verdicts": {"hold": 1},
                "breaker": "closed",
                "under_way": 0,
                "queued": 0,
            }
        },
        "agreement": {
            "accept": {"approved": 0, "rejected": 0},
            "hold": {"approved": 0, "rejected": 1},
            "reject": {"approved": 0, "rejected": 0},
        },
    }


def test_a_call_beyond_every_bound_is_a_number_in_json_too():
    hooks = shade()
    hooks.statistics()[0].hooks[0].seconds.observe(1e4)
    (plugin,) = plugins_as_objects(hooks.statistics())
    assert plugin["hooks"]["review_submission"]["p99_s"] == 60


async def test_what_is_queued_under_way_and_switched_off_shows(autojump_clock):
    class Both(Waiting):
        async def room_opened(self, room):
            await trio.sleep(1)

    async with running(Both(partial(trio.sleep, 9)), deadline=0.5) as hooks, trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(hooks.review, asked(), ROOM)
        for _ in range(3):
            hooks.notify("room_opened", ROOM)
        await trio.sleep(0.1)
        shown = plugins_as_objects(hooks.statistics())[0]["hooks"]
        assert (shown["review_submission"]["under_way"], shown["room_opened"]["queued"]) == (5, 2)
        await trio.sleep(0.5)
        shown = plugins_as_objects(hooks.statistics())[0]["hooks"]["review_submission"]
        assert (shown["breaker"], shown["failures"], shown["under_way"]) == ("open", {"timeout": 5}, 0)


class Gate:
    name = "gate"

    def __init__(self, answer):
        self.answer = answer

    async def admit_visitor(self, visitor):
        return self.answer


@pytest.mark.parametrize("answer", [refuse("No."), admit("Other"), "nonsense"])
async def test_a_gate_in_shadow_mode_decides_nothing(answer):
    assert await hooks_of(Gate(answer), shadow=True).admit_visitor(Visitor()) is None


@pytest.mark.parametrize("filter", [Filter(None), Waiting(trio.lowlevel.checkpoint)])
async def test_one_that_blocks_too_often_is_left_alone_too(monkeypatch, filter):
    monkeypatch.setattr("fanout.moderation.hooks.calls.BLOCKED_SECONDS", 0.0)
    monkeypatch.setattr("fanout.moderation.hooks.watchdog.BLOCKED_SECONDS", 0.0)
    async with running(filter) as hooks:
        for _ in range(5):
            assert (await hooks.review(asked(), ROOM)).opinions == (), "its answer counts"
        assert (await hooks.review(asked(), ROOM)).opinions[0].failure == "breaker"


def test_there_are_no_more_than_can_be_labels_of_metrics():
    hooks_of(*(Filter(None, f"n{number}") for number in range(MAX_PLUGINS)))
    with pytest.raises(ConfigurationError, match=f"at most {MAX_PLUGINS}"):
        hooks_of(*(Filter(None, f"n{number}") for number in range(MAX_PLUGINS + 1)))
