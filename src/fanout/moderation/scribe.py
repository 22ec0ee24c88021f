"""The scribe's answers: drafts that others watch, final lines on air in order and once, corrections in place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from secrets import token_hex
from typing import Final

import trio

from fanout.core.answer_line import MAX_LINES, AnswerLine, line_id
from fanout.core.audit import AuditDraft
from fanout.core.message import Author, Message
from fanout.core.principal import EVERY_ROOM, Action, Principal
from fanout.core.say import Say, checked
from fanout.core.submission import Decision, State, Step, Submission
from fanout.core.submitted_text import is_visible
from fanout.engine.correcting import corrected, corrections, message_retracted
from fanout.engine.engine import Engine
from fanout.engine.room import Room
from fanout.errors import (
    InvalidInput,
    MessageNotFound,
    RecordNotFound,
    RoomNotFound,
    SubmissionNotFound,
    TransitionRefused,
)
from fanout.moderation.answer_lines import AnswerLines
from fanout.moderation.people import signed
from fanout.moderation.ports import Store
from fanout.moderation.prepared import PreparedAnswer

ANSWERABLE: Final = frozenset({State.APPROVED, State.CUED, State.AIRED, State.ANSWERED})
"""States in which drafts are taken: the guest may speak before the question is on air."""

MAX_CORRECTIONS: Final = 50
"""Corrections of one message. Beyond: `too_many_corrections`."""


class Scribe:
    """Takes answers down, line by line. `load` comes first.

    Each call that returns is durable. A line's id is the caller's: sending a line again, after a lost connection or a
    restart, changes nothing that was done.

    Args:
        clock: Milliseconds since 1970, UTC.
    """

    def __init__(self, engine: Engine, store: Store, clock: Callable[[], int]) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock
        self._lines = AnswerLines(engine, store)
        self._heard: list[Callable[[AnswerLine], None]] = []
        self._answered: list[Callable[[Submission, Decision], None]] = []

    async def load(self) -> None:
        """Take up what the store has, and put on air what was final and had not got there.

        Raises:
            StoreUnavailable, LogUnavailable: Worth another try.
        """
        await self._lines.load()
        for room in self._lines.rooms_due:
            async with self._lines.changing(room):
                await self._air_due(room)

    # --- answering ---------------------------------------------------------------------------------------------------

    async def draft(self, principal: Principal, submission_id: str, line: str, text: str) -> AnswerLine:
        """Keep a line as it is being written; staff see it, and listeners what `live_typing` says.

        Raises:
            NotAllowed: This role or token may not.
            SubmissionNotFound: No such question.
            TransitionRefused: `not_answerable`: the question is not on its way to the air; `line_is_final`.
            InvalidInput: `bad_line`, `too_many_lines`, or what `fanout.core.say.checked` says of a text.
            StoreUnavailable: Nothing was changed.
        Cancellation: once the store has begun, the draft is kept.
        """
        question = await self._question(principal, submission_id)
        line = line_id(line)
        async with self._lines.changing(question.room):
            written = self._written(principal, question, line, text)
            before = self._lines.get(written.key)
            if before is not None and before.final:
                raise _final_already()
            await self._lines.keep(written)
            self._tell(written)
        return written

    async def discard(self, principal: Principal, submission_id: str, line: str) -> None:
        """Take a draft back: nobody sees it any more. Nothing happens where there is none.

        Raises:
            NotAllowed, SubmissionNotFound: As `draft`.
            InvalidInput: `bad_line`.
            TransitionRefused: `line_is_final`.
            StoreUnavailable: Nothing was changed.
        Cancellation: as `draft`.
        """
        question = await self._question(principal, submission_id)
        async with self._lines.changing(question.room):
            before = self._lines.get(self._key(question, line_id(line)))
            if before is None:
                return
            if before.final:
                raise _final_already()
            await self._lines.drop(before)
            self._tell(replace(before, text=""))

    async def final(self, principal: Principal, submission_id: str, line: str, text: str | None = None) -> Message:
        """Put a line on air, after those that were final before it; the first one makes the question `answered`.

        Args:
            text: None: as the draft has it.
        Raises:
            As `draft`; and
            RecordNotFound: `line_not_found`: there is neither a text nor a draft.
            TransitionRefused: `not_on_air`: the question is not; `line_is_final`: with another text.
            LogUnavailable: It is final and will be on air with the next line or a restart; or send it again.
        Cancellation: it may be on air all the same; send it again to find out.
        """
        return await self._final(principal, submission_id, line_id(line), text)

    async def use(self, principal: Principal, submission_id: str, prepared: PreparedAnswer) -> Message:
        """Answer with a prepared answer, in one step; once, however often it is asked for. Errors as `final`."""
        # A colon can't stand in a line's id: so no line that somebody else writes is in the way.
        return await self._final(principal, submission_id, f"prepared:{prepared.id}", prepared.text, prepared.id)

    async def _final(
        self, principal: Principal, submission_id: str, line: str, text: str | None, prepared: str = ""
    ) -> Message:
        question = await self._question(principal, submission_id)
        if question.message is None or question.state not in (State.AIRED, State.ANSWERED):
            raise TransitionRefused("The question is not on air.", code="not_on_air")
        async with self._lines.changing(question.room):
            before = self._lines.get(self._key(question, line))
            if text is None:
                text = before.text if before is not None else None
            if text is None:
                raise RecordNotFound("There is no draft of this line, and no text.", code="line_not_found")
            if before is not None and before.final:
                if before.text != text:
                    raise _final_already()
                return await self._air(before)
            written = replace(self._written(principal, question, line, text), final=True, prepared=prepared)
            await self._lines.keep(written, self._audited(written))
            self._tell(written)  # before it is on air: what is seen of the typing ends first
            return await self._air(written)

    async def lines(self, principal: Principal, submission_id: str) -> list[AnswerLine]:
        """A question's lines, drafts included, in the order of their making.

        Raises:
            NotAllowed, SubmissionNotFound: As `draft`.
        """
        question = await self._question(principal, submission_id, Action.SEE_STAGE)
        return self._lines.of(question.id)

    # --- correcting --------------------------------------------------------------------------------------------------

    async def correct(self, principal: Principal, room: str, message_id: str, text: str) -> Message:
        """Publish what a message of the staff should have said. It takes its place on pages and in transcripts.

        A correction of a correction refers to the original. The latest correction sent again is published once.

        Raises:
            NotAllowed: This role or token may not.
            RoomNotFound, MessageNotFound: There is no such message.
            Conflict: `message_retracted`.
            InvalidInput: `not_correctable`: a visitor's words; `too_many_corrections`; or what
                `fanout.core.say.checked` says of a text.
            StoreUnavailable, LogUnavailable: As `final`.
        Cancellation: as `final`.
        """
        principal.check(Action.ANSWER, room)
        async with self._lines.changing(room):
            original = await corrected(self._engine.room(room), message_id)
            before = self._lines.of(original.id)
            if before and before[-1].text == text and not await self._taken_back(before[-1]):
                return await self._air(before[-1])
            if len(before) >= MAX_CORRECTIONS:
                raise InvalidInput(
                    f"A message is corrected {MAX_CORRECTIONS} times at most.", code="too_many_corrections"
                )
            line = AnswerLine(
                room,
                token_hex(6),
                "",
                original.id,
                text,
                principal.name,
                str(principal.role),
                self._clock(),
                final=True,
            )
            _check(line)
            await self._lines.keep(line, self._audited(line))
            message = await self._air(line)
            if (await self._engine.room(room).find(original.id)).retracted:  # meanwhile
                await self._engine.room(room).retract(message.id)
                raise message_retracted()
            return message

    async def said_by(self, principal: Principal, room: str, message_id: str) -> bool:
        """Whether this is an answer of this very person, who may answer.

        Raises:
            LogUnavailable: The log can't be read now.
        Cancellation: safe.
        """
        if not principal.may(Action.ANSWER, room):
            return False
        try:
            message = await self._engine.room(room).find(message_id)
        except (RoomNotFound, MessageNotFound):
            return False
        return message.kind == "answer" and message.author == Author(principal.name, principal.role)

    def corrections(self, room: Room, message_id: str) -> list[str]:
        """The ids of the messages that correct this one, also of those that somebody has published as such. Whoever
        retracts it retracts them too."""
        ours = [line.message for line in self._lines.of(message_id) if line.message is not None]
        return list(dict.fromkeys([*ours, *corrections(room, message_id)]))

    # --- who follows -------------------------------------------------------------------------------------------------

    def on_line(self, hear: Callable[[AnswerLine], None]) -> None:
        """Have `hear` called with every line that was drafted, taken back (its text is empty then), is final, or has
        gone on air.

        It is called in the event loop; it must be quick and must not raise. So for `on_answered`.
        """
        self._heard.append(hear)

    def on_answered(self, hear: Callable[[Submission, Decision], None]) -> None:
        """Have `hear` called with every question that its first line has made `answered`, and the step."""
        self._answered.append(hear)

    # --- how ---------------------------------------------------------------------------------------------------------

    async def _question(self, principal: Principal, submission_id: str, action: Action = Action.ANSWER) -> Submission:
        question = await self._store.find(submission_id)
        # Who may not learn of a room learns nothing from the answer either.
        principal.check(action, min(principal.rooms, default=EVERY_ROOM) if question is None else question.room)
        if question is None:
            raise SubmissionNotFound("There is no submission of that id.")
        return question

    def _key(self, question: Submission, line: str) -> str:
        return AnswerLine(question.room, line, question.id, "", "", "", "", 0).key

    def _written(self, principal: Principal, question: Submission, line: str, text: str) -> AnswerLine:
        if question.state not in ANSWERABLE:
            raise TransitionRefused(f"This question is {question.state}; it is not answered.", code="not_answerable")
        re = (question.message if question.state in (State.AIRED, State.ANSWERED) else None) or ""
        written = AnswerLine(
            question.room, line, question.id, re, text, principal.name, str(principal.role), self._clock()
        )
        _check(written)
        if self._lines.get(written.key) is None and len(self._lines.of(question.id)) >= MAX_LINES:
            raise InvalidInput(f"An answer has at most {MAX_LINES} lines.", code="too_many_lines")
        return written

    async def _air(self, line: AnswerLine) -> Message:
        """Put on air what is due in the line's room; return the message that the line became."""
        published = await self._air_due(line.room)
        return published.get(line.key) or await self._lines.publish(line)

    async def _air_due(self, room: str) -> dict[str, Message]:
        published = {}
        for line in self._lines.due(room):
            with trio.CancelScope(shield=True):
                published[line.key] = message = await self._lines.publish(line)
                await self._mark_answered(line)
                self._tell(await self._lines.aired(line, message))
        return published

    async def _mark_answered(self, line: AnswerLine) -> None:
        question = await self._store.find(line.submission) if line.submission else None
        if question is None or question.state is not State.AIRED:
            return
        decision = Decision(question.id, Step.ANSWER, _by(line), self._clock())
        try:
            [answered] = await self._store.decide([decision])
        except TransitionRefused:  # taken off the air in this very moment
            return
        for hear in self._answered:
            hear(answered, decision)

    async def _taken_back(self, line: AnswerLine) -> bool:
        return line.message is not None and (await self._engine.room(line.room).find(line.message)).retracted

    def _audited(self, line: AnswerLine) -> AuditDraft:
        detail = {"line": line.id, "prepared": line.prepared} if line.prepared else {"line": line.id}
        subject = line.submission or line.re
        return AuditDraft(line.at, _by(line), f"say_{line.kind}", room=line.room, subject=subject, detail=detail)

    def _tell(self, line: AnswerLine) -> None:
        for hear in self._heard:
            hear(line)


def _check(line: AnswerLine) -> None:
    checked([Say(line.text, Author(line.name, line.role), line.kind)])
    if not is_visible(line.text):
        raise InvalidInput("text is empty.", code="text_empty")


def _by(line: AnswerLine) -> str:
    return signed(line.name, line.role)


def _final_already() -> TransitionRefused:
    return TransitionRefused("This line is final; correct it instead.", code="line_is_final")
