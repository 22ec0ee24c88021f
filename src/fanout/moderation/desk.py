"""Where staff decide: the queue, the steps, who has what in hand, the run sheet, taking back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import trio

from fanout.core.audit import AuditDraft, AuditEntry
from fanout.core.lease import Lease
from fanout.core.message import Retraction
from fanout.core.principal import EVERY_ROOM, Action, Principal
from fanout.core.say import checked
from fanout.core.submission import Decision, State, Step, Submission
from fanout.core.submitted_text import checked_text
from fanout.engine.engine import Engine
from fanout.engine.room import new_message_id
from fanout.errors import InvalidInput, NotAllowed, SubmissionNotFound, TransitionRefused
from fanout.moderation.airing import Airing, said
from fanout.moderation.bans import MAX_REASON_CHARACTERS
from fanout.moderation.changes import Changes
from fanout.moderation.desk_room import ON_STAGE
from fanout.moderation.hands import Hands
from fanout.moderation.merging import MAX_AT_ONCE, Merging
from fanout.moderation.people import signature
from fanout.moderation.ports import Query, Store
from fanout.moderation.prepared import PreparedAnswers
from fanout.moderation.rules import Rules
from fanout.moderation.run_sheet import RunSheet
from fanout.moderation.scribe import Scribe
from fanout.moderation.steps import STEP_NEEDS, TAKES

MAX_PAGE = 500
"""Submissions on one page of the queue; `limit` is cut to this."""

MAX_HISTORY = 1000
"""Audit entries of one submission; the first ones are given."""


class Desk:
    """What staff do with submissions. Each call that returns is durable.

    Args:
        clock: Milliseconds since 1970, UTC.
    """

    def __init__(
        self,
        engine: Engine,
        store: Store,
        changes: Changes,
        airing: Airing,
        rules: Rules,
        scribe: Scribe,
        prepared: PreparedAnswers,
        merging: Merging,
        clock: Callable[[], int],
    ) -> None:
        self._engine = engine
        self._store = store
        self._changes = changes
        self._airing = airing
        self._rules = rules
        self._scribe = scribe
        self._prepared = prepared
        self._clock = clock
        self.hands = Hands(clock)
        self._run_sheet = RunSheet(store)
        self._merging = merging

    # --- deciding ----------------------------------------------------------------------------------------------------

    async def decide(
        self,
        principal: Principal,
        submission_id: str,
        step: Step,
        *,
        text: str | None = None,
        reason: str = "",
        into: str | None = None,
        ahead_of: str | None = None,
        prepared: str | None = None,
    ) -> Submission:
        """Take one step; return the submission as it stands then. After `air` it is on air; after `approve` too, where
        the room's rules say so.

        Args:
            text: For `edit` and `approve`, other words for what was sent; for `answer`, the answer.
            reason: For `reject` and `retract`, what the author may see.
            into: For `merge`, which one is to speak for it.
            ahead_of: For `cue` and `move`, before which one on the run sheet; None: at the end.
            prepared: For `answer`, the id of a prepared answer in place of `text`.
        Raises:
            NotAllowed: This role or token may not (`fanout.moderation.steps.STEP_NEEDS`).
            SubmissionNotFound: There is none of that id.
            TransitionRefused: `already_decided`, `leased` (both say who), `nothing_to_undo`,
                `not_your_step` (says whose), `merge_into_closed`.
            InvalidInput: What `fanout.core.submission.decide` lists; `reason_too_long`, a text that
                can't be aired, `not_on_run_sheet`, `run_sheet_full`.
            RecordNotFound: `prepared_answer_not_found`.
            StoreUnavailable: Nothing was changed.
            LogUnavailable: It is decided to be aired, and will be as soon as the log takes it.
        Cancellation: once the store has begun, the step is taken.
        """
        submission = await self._known(principal, submission_id, _action(step))
        _check_given(step, text=text, reason=reason or None, into=into, ahead_of=ahead_of, prepared=prepared)
        _check_reason(reason)
        if step is Step.ANSWER:
            return await self._answer(principal, submission, text, prepared)
        if step is Step.RETRACT:
            return await self._retract_submission(principal, submission, reason)
        with self.hands.deciding(principal, [submission_id], step), trio.CancelScope(shield=True):
            decision = Decision(
                submission_id,
                step,
                signature(principal),
                self._clock(),
                text=None if text is None else checked_text(text),
                reason=reason,
                into=into,
            )
            if step is Step.MERGE and into is not None:
                await self._merging.check_into(into)
            if step is Step.UNDO:
                await self._merging.check_undo(submission)
            if step in (Step.CUE, Step.MOVE):
                async with self._run_sheet.place(submission, ahead_of) as rank:
                    result = (await self._take([replace(decision, rank=rank)]))[0]
            elif step is Step.AIR or (step is Step.APPROVE and self._rules.of(submission.room).auto_air):
                result = await self._decide_to_air(submission, decision)
            else:
                result = (await self._take([decision]))[0]
            self.hands.decided(principal, result, step)
            self._merging.tell(result, replace(decision, step=Step.AIR) if result.state is State.AIRED else decision)
        if result.state is State.AIRED:
            await self._airing.landed(submission_id)
        return result

    async def merge(self, principal: Principal, submission_ids: Sequence[str], into: str) -> list[Submission]:
        """Have one submission speak for all of these, or for none if one can't be merged.

        Raises:
            InvalidInput: `too_many_items`; otherwise as `decide`.
        Cancellation: as `decide`.
        """
        ids = list(dict.fromkeys(submission_ids))
        if not 1 <= len(ids) <= MAX_AT_ONCE:
            raise InvalidInput(f"1 to {MAX_AT_ONCE} submissions are merged at once.", code="too_many_items")
        for submission_id in ids:
            await self._known(principal, submission_id, _action(Step.MERGE))
        with self.hands.deciding(principal, ids, Step.MERGE), trio.CancelScope(shield=True):
            await self._merging.check_into(into)
            by, now = signature(principal), self._clock()
            merged = await self._take([Decision(one, Step.MERGE, by, now, into=into) for one in ids])
            for submission in merged:
                self.hands.decided(principal, submission, Step.MERGE)
        return merged

    async def withdraw(self, person: str, submission_id: str) -> Submission:
        """Its author takes it back, whoever has it in hand. What was merged into it is held again.

        Raises:
            SubmissionNotFound: None of this person's has that id.
            TransitionRefused: `already_decided`.
            StoreUnavailable: Nothing was changed.
        Cancellation: as `decide`.
        """
        submission = await self._store.find(submission_id)
        if submission is None or not person or submission.person != person:
            raise SubmissionNotFound("You have sent nothing of that id.")
        with trio.CancelScope(shield=True):
            now = self._clock()
            try:
                [withdrawn] = await self._take([Decision(submission_id, Step.WITHDRAW, "its author", now)])
            except TransitionRefused:  # who has decided, the desk may know
                stands = await self._store.find(submission_id) or submission
                raise TransitionRefused(f"This is {stands.state} already.", code="already_decided") from None
            self.hands.settled(withdrawn)
            await self._merging.give_back(withdrawn, "its author", now)
        return withdrawn

    async def retract(self, principal: Principal, room: str, message_id: str, reason: str = "") -> Retraction:
        """Take a message off the air, with its corrections; if a submission became that message, it is `rejected`.

        Args:
            reason: What its author may see.

        Raises:
            NotAllowed: This role or token may not: who answers takes back what they said themselves, nothing else.
            RoomNotFound, MessageNotFound: There is no such message.
            LogUnavailable, StoreUnavailable: Try again; that is always safe.
        Cancellation: as `decide`; trying again is always safe.
        """
        if not principal.may(Action.RETRACT, room) and not await self._scribe.said_by(principal, room, message_id):
            principal.check(Action.RETRACT, room)
        found = self._engine.room(room)
        with trio.CancelScope(shield=True):
            # The log first: what must not be seen any more must not wait for the desk's books.
            retraction = await self._airing.retract(found, message_id)
            for correction in self._scribe.corrections(found, message_id):
                await found.retract(correction)
            submission = await self._store.find_message(message_id)
            by, now = signature(principal), self._clock()
            if submission is None:
                await self._store.put([], [AuditDraft(now, by, Step.RETRACT, room=room, subject=message_id)])
            elif submission.state in (State.AIRED, State.ANSWERED):
                await self._note_retracted(submission, by, now, reason)
        return retraction

    # --- having in hand ----------------------------------------------------------------------------------------------

    async def claim(self, principal: Principal, submission_id: str) -> Lease:
        """Take a submission in hand for `fanout.core.lease.LEASE_MILLISECONDS`, or keep it there so long again.

        Raises:
            NotAllowed: Only who moderates may.
            SubmissionNotFound: There is none of that id.
            TransitionRefused: `leased`: somebody else has it; says who.
            StoreUnavailable: It can't be read now.
        Cancellation: safe.
        """
        return self.hands.claim(principal, await self._known(principal, submission_id, Action.MODERATE))

    async def release(self, principal: Principal, submission_id: str) -> None:
        """Lay it down again; no error if it is not in hand. Otherwise as `claim`."""
        self.hands.release(principal, await self._known(principal, submission_id, Action.MODERATE))

    def leases(self, room: str) -> list[Lease]:
        """What is in whose hands in a room."""
        return self.hands.of(room)

    # --- looking -----------------------------------------------------------------------------------------------------

    async def queue(self, principal: Principal, query: Query) -> list[Submission]:
        """A page of the queue, oldest first; at most `MAX_PAGE`. A query without a room takes a token for every room.

        Raises:
            NotAllowed: This role or token may not.
            InvalidInput: `bad_limit`.
            StoreUnavailable: It can't be read now; so below.
        Cancellation: safe; so below.
        """
        principal.check(Action.SEE_DESK, query.room or EVERY_ROOM)
        if query.limit < 1:
            raise InvalidInput(f"limit is 1 to {MAX_PAGE} submissions.", code="bad_limit")
        return await self._store.page(replace(query, limit=min(query.limit, MAX_PAGE)))

    async def find(self, principal: Principal, submission_id: str) -> Submission:
        """The submission as it stands; who sees the stage alone finds what is there alone. Raises SubmissionNotFound,
        and what `queue` does."""
        submission = await self._known(principal, submission_id, Action.SEE_STAGE)
        if submission.state not in ON_STAGE and not principal.may(Action.SEE_DESK, submission.room):
            raise _not_found()
        return submission

    async def run_sheet(self, principal: Principal, room: str) -> list[Submission]:
        """What is cued: the pinned first, each group in its order. Raises what `queue` does."""
        principal.check(Action.SEE_STAGE, room)
        return await self._run_sheet.entries(room)

    async def history(self, principal: Principal, submission_id: str) -> list[AuditEntry]:
        """What was done to a submission, and by whom; oldest first. Raises what `find` does."""
        await self._known(principal, submission_id, Action.SEE_DESK)
        return await self._store.audit(subject=submission_id, limit=MAX_HISTORY)

    # --- how ---------------------------------------------------------------------------------------------------------

    async def _known(self, principal: Principal, submission_id: str, action: Action) -> Submission:
        submission = await self._store.find(submission_id)
        # Who may not learn of a room learns nothing from the answer either.
        principal.check(action, min(principal.rooms, default=EVERY_ROOM) if submission is None else submission.room)
        if submission is None:
            raise _not_found()
        return submission

    async def _take(self, decisions: Sequence[Decision]) -> list[Submission]:
        results = await self._store.decide(decisions)
        self._changes.tell_all(results, decisions)
        return results

    async def _decide_to_air(self, submission: Submission, decision: Decision) -> Submission:
        """Commit that it is aired, with the id of the message, and send it on its way."""
        message = new_message_id()
        text = submission.text if decision.text is None else decision.text
        checked(
            [said(replace(submission, text=text, message=message), self._engine.room(submission.room).settings.mode)]
        )
        steps = [decision] if decision.step is Step.APPROVE else []
        steps.append(Decision(submission.id, Step.AIR, decision.by, decision.at, message=message))
        with self._airing.intended([submission.id]):
            results = await self._take(steps)
            self._airing.start(results[-1])
        return results[-1]

    async def _answer(
        self, principal: Principal, submission: Submission, text: str | None, prepared: str | None
    ) -> Submission:
        if prepared is not None:
            await self._scribe.use(principal, submission.id, self._prepared.get(principal, submission.room, prepared))
        elif text is not None:
            await self._scribe.final(principal, submission.id, new_message_id(), text)
        else:
            raise InvalidInput("An answer needs a text, or names a prepared one.", code="text_missing")
        return await self._known(principal, submission.id, Action.ANSWER)

    async def _retract_submission(self, principal: Principal, submission: Submission, reason: str) -> Submission:
        if submission.message is None or submission.state not in (State.AIRED, State.ANSWERED):
            raise TransitionRefused(f"This is {submission.state}; it is not on air.", code="already_decided")
        with trio.CancelScope(shield=True):
            if await self._airing.abandon(submission.id):
                await self._note_retracted(submission, signature(principal), self._clock(), reason)
            else:
                await self.retract(principal, submission.room, submission.message, reason)
        return await self._known(principal, submission.id, Action.RETRACT)

    async def _note_retracted(self, submission: Submission, by: str, now: int, reason: str) -> None:
        decision = Decision(submission.id, Step.RETRACT, by, now, reason=reason)
        try:
            [retracted] = await self._take([decision])
        except TransitionRefused:  # by somebody else, in this very moment
            return
        self._merging.tell(retracted, decision)


def _not_found() -> SubmissionNotFound:
    return SubmissionNotFound("There is no submission of that id.")


def _action(step: Step) -> Action:
    action = STEP_NEEDS[step]
    if action is None:
        raise NotAllowed("Only its author takes it back.")
    return action


def _check_given(step: Step, **parts: str | None) -> None:
    given = {part for part, value in parts.items() if value is not None}
    if stray := given - TAKES[step]:
        raise InvalidInput(f"{step} takes no {min(stray)}.", code="part_not_taken")
    if {"text", "prepared"} <= given:
        raise InvalidInput("An answer is either a text or a prepared one.", code="part_not_taken")


def _check_reason(reason: str) -> None:
    if len(reason) > MAX_REASON_CHARACTERS:
        raise InvalidInput(f"A reason has at most {MAX_REASON_CHARACTERS} characters.", code="reason_too_long")
    if reason:
        checked_text(reason)
