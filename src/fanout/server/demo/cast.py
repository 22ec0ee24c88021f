"""Who plays the demo's evening: visitors who ask by web and SMS, a moderator, an animator and a scribe, each by the
same calls as the people at the pages; and talkers in the foyer.

When somebody at the pages approves a question, puts one or answers it, the cast stands back and leaves them the stage
for a while, in the middle of a sentence if need be.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle
from time import monotonic_ns
from typing import Final

import trio

from fanout.core.answer_line import AnswerLine
from fanout.core.message import Author
from fanout.core.principal import EVERY_ROOM, Principal, Role
from fanout.core.submission import Source, Step
from fanout.core.typed_lines import Shown
from fanout.engine.engine import Engine
from fanout.errors import FanoutError
from fanout.moderation.changes import Change
from fanout.moderation.intake import NewSubmission
from fanout.moderation.moderation import Moderation
from fanout.moderation.people import signature, visitor
from fanout.server.demo.evening import EVENING, FOYER, GUEST, HOST, STAGE, Break, Line, questions, remarks

REMARKS_PER_SECOND: Final = 4.0
"""Chat in the foyer: as fast as one can still read."""

QUESTIONS_PER_SECOND: Final = 1.5
"""Into the queue: more than two moderators keep up with, as it was."""

MOST_QUESTIONS: Final = 3000
"""That wait in the queue of a demo that somebody leaves running."""

SMS_OF: Final = 3
"""Every third question comes by SMS; in 2004 it was most of them, and by far."""

DESK_SECONDS: Final = 0.7
"""Between what the desk does and the next step, so that one can watch it."""

TYPED_WORDS: Final = 2
"""Words that the scribe types between two drafts."""

TYPING_SECONDS: Final = 0.4

THEIRS: Final = (Step.APPROVE, Step.CUE, Step.AIR, Step.ANSWER)
"""What somebody at the pages does who would have the stage."""

STAND_BACK_SECONDS: Final = 45.0
"""How long the stage is left to somebody who has done something on it, or at the desk."""

_MODERATOR: Final = Principal(Role.MODERATOR, "Nadia", frozenset({EVERY_ROOM}))
_ANIMATOR: Final = Principal(Role.ANIMATOR, HOST[0], frozenset({EVERY_ROOM}))
_SCRIBE: Final = Principal(Role.SCRIBE, GUEST[0], frozenset({EVERY_ROOM}))
_OURS: Final = {signature(principal) for principal in (_MODERATOR, _ANIMATOR, _SCRIBE)} | {"the room"}


class Cast:
    """Plays until it is cancelled.

    Args:
        cut: Breaks the line of everybody in the hall.
    """

    def __init__(self, engine: Engine, moderation: Moderation, cut: Callable[[], None]) -> None:
        self._engine, self._moderation, self._cut = engine, moderation, cut
        self._asked: str | None = None
        self._back_at = trio.current_time()
        self._lines = 0
        moderation.scribe.on_line(self._typed)

    async def play(self) -> None:
        """The evening, again and again."""
        await self._moderation.rules.set(_MODERATOR, STAGE, typing=Shown.TEXT)
        leave = self._moderation.changes.subscribe(self._heard)
        try:
            for line in cycle(EVENING):
                await self._pause(line.wait)
                if isinstance(line, Break):
                    self._cut()
                    continue
                try:
                    await self._perform(line)
                except FanoutError:  # somebody at the pages was faster: the evening goes on with the next line
                    continue
        finally:
            leave()

    def _heard(self, change: Change) -> None:
        if change.step in THEIRS and change.by not in _OURS:
            self._stand_back()

    def _typed(self, line: AnswerLine) -> None:
        if line.name != _SCRIBE.name:
            self._stand_back()

    def _stand_back(self) -> None:
        self._asked = None  # what we put is not answered any more
        self._back_at = trio.current_time() + STAND_BACK_SECONDS

    async def _pause(self, seconds: float) -> None:
        """So long, and as long as the stage is somebody else's."""
        await trio.sleep(seconds)
        while trio.current_time() < self._back_at:  # noqa: ASYNC110  # it may be put off while one waits
            await trio.sleep_until(self._back_at)

    async def _perform(self, line: Line) -> None:
        if line.kind == "question":
            self._asked = None
            self._asked = await self._put(line)
        elif line.answers:
            await self._answer(line.text)
        else:
            name, role = line.speaker
            data = {"sent_ns": monotonic_ns()}
            await self._engine.room(STAGE).publish(line.text, author=Author(name, role), kind=line.kind, data=data)

    async def _put(self, line: Line) -> str:
        """A question's way: sent by a visitor, approved, cued, and put by the animator."""
        name = line.speaker[0]
        new = NewSubmission(STAGE, line.text, name, visitor(f"demo-{name.partition(',')[0]}"))
        submission = await self._moderation.intake.submit(new, by=_MODERATOR)
        for principal, step in ((_MODERATOR, Step.APPROVE), (_ANIMATOR, Step.CUE), (_ANIMATOR, Step.AIR)):
            await self._pause(DESK_SECONDS)
            await self._moderation.desk.decide(principal, submission.id, step)
        return submission.id

    async def _answer(self, text: str) -> None:
        """A line of an answer, as the scribe types it; final at the end."""
        question = self._asked
        if question is None:
            return
        self._lines += 1
        line, words = f"demo{self._lines}", text.split(" ")
        for typed in range(TYPED_WORDS, len(words), TYPED_WORDS):
            await self._moderation.scribe.draft(_SCRIBE, question, line, " ".join(words[:typed]))
            await trio.sleep(TYPING_SECONDS)
            if self._asked is None:
                await self._moderation.scribe.discard(_SCRIBE, question, line)
                return
        await self._moderation.scribe.final(_SCRIBE, question, line, text)

    async def ask(self) -> None:
        """Questions of everybody, which wait for whoever opens the desk."""
        for number, (name, text) in zip(range(MOST_QUESTIONS), questions(), strict=False):
            await trio.sleep(1 / QUESTIONS_PER_SECOND)
            sms = number % SMS_OF == SMS_OF - 1
            person = f"phone:demo{number}" if sms else visitor(f"demo-{number}")
            new = NewSubmission(STAGE, text, "" if sms else name, person, source_id=f"demo-{number}")
            await self._moderation.intake.receive(STAGE, Source.SMS if sms else Source.WEB, [new])

    async def chat(self) -> None:
        """Talk in the foyer."""
        foyer = self._engine.room(FOYER)
        for name, text in remarks():
            await trio.sleep(1 / REMARKS_PER_SECOND)
            await foyer.publish(text, author=Author(name, "visitor"), data={"sent_ns": monotonic_ns()})
