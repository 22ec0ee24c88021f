"""Submissions and a running set of plug-ins for the tests of hooks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import trio

from fanout.moderation.hooks import Hooks, as_plugin
from fanout.plugins import RoomView, Source, Submission

ROOM = RoomView("stage")
ASKED = Submission(1, "abcdefghijkl", "stage", Source.WEB, "1", "visitor:ann", "Ann", "When is dinner?", 0)


def asked(text: str = "When is dinner?", room: str = "stage") -> Submission:
    return replace(ASKED, text=text, room=room)


class NothingToSee:
    """What a plug-in's `run` is given here."""

    def rooms(self) -> Sequence[RoomView]:
        return [ROOM]

    async def recent_submissions(self, room: str, limit: int) -> Sequence[Submission]:
        return [ASKED][:limit]


def hooks_of(*things: object, **table: Any) -> Hooks:
    """Plug-ins of these objects, each with these settings."""
    return Hooks([as_plugin(thing, table=table) for thing in things])


@asynccontextmanager
async def running(*things: object, **table: Any) -> AsyncIterator[Hooks]:
    """The same, and they run."""
    hooks = hooks_of(*things, **table)
    async with trio.open_nursery() as nursery:
        await nursery.start(hooks.run, NothingToSee())
        yield hooks
        nursery.cancel_scope.cancel()


def failures(hooks: Hooks, hook: str = "review_submission") -> dict[str, int]:
    """What went wrong with a hook, over all plug-ins."""
    total: dict[str, int] = {}
    for plugin in hooks.statistics():
        for each in plugin.hooks:
            if each.hook == hook:
                for kind, count in each.failures.items():
                    total[str(kind)] = total.get(str(kind), 0) + count
    return total


class Filter:
    """A filter that does what it is made with."""

    def __init__(self, answer: Any, name: str = "sample") -> None:
        self.name, self.answer = name, answer
        self.saw: list[str] = []

    async def review_submission(self, submission: Submission, room: RoomView) -> Any:
        self.saw.append(submission.text)
        return self.answer(submission) if callable(self.answer) else self.answer


class Waiting:
    """A filter that awaits what it is made with."""

    def __init__(self, work: Any, name: str = "waiting") -> None:
        self.name, self.work = name, work
        self.begun = self.ended = 0

    async def review_submission(self, submission: Submission, room: RoomView) -> Any:
        self.begun += 1
        try:
            return await self.work()
        finally:
            self.ended += 1
