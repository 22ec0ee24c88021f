"""What a test of a plug-in holds in its hands: a room, visitors, staff and listeners, without a server.

Reviews, notifications and admissions go through the server's own hooks; what becomes of a submission, through its table
of steps. Nothing is stored, and nobody but the plug-in is told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import trio
import trio.testing

from fanout.core.message import Author
from fanout.core.position import Position
from fanout.core.submission import decide
from fanout.core.submitted_text import checked_text, cleaned_text
from fanout.engine.room import new_message_id
from fanout.moderation.first_step import FirstWord, first_steps
from fanout.moderation.hooks import Hooks, PluginStatistics
from fanout.plugins import (
    AdmitAnswer,
    Decision,
    Message,
    Retraction,
    RoomView,
    Source,
    State,
    Step,
    Submission,
    VerdictKind,
    Visitor,
)
from fanout.plugins.interface import HOOKS, HookKind

BEGIN_MS: Final = 1_735_671_600_000
"""When every bench begins: the evening of 31 December 2024, in milliseconds since 1970, UTC."""

SETTLE_SECONDS: Final = 600.0
"""How long `settle` waits on the bench's clock: ten of the longest deadlines."""

_LOGGED: Final = frozenset({"plugin_failed", "plugin_crashed"})


class PluginFailed(AssertionError):
    """The plug-in failed in a test that does not say that it may."""


@dataclass(frozen=True, slots=True)
class Failed:
    """One call that gave no answer.

    Args:
        kind: As in `fanout_hook_failures_total`: `timeout`, `error`, `wrong_answer`…
        error: What was raised, or what is wrong with the answer.
        where: The file and line that raised it.
    """

    hook: str
    kind: str
    error: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the plug-in said of one submission, and what a server does then.

    Args:
        kind: Its verdict; None: no opinion. After a failure, what its `on_failure` stands for.
        text: The text to go on with.
        failure: Why it gave no verdict of its own; empty: it did.
        submission: As it stands after its first step.
        kept: Whether a server would keep it; what came too early (`retry_after_s`) is not.
    """

    kind: VerdictKind | None
    reason: str
    rule: str
    similar_to: str | None
    retry_after_s: float | None
    text: str
    failure: str
    submission: Submission
    kept: bool


class Bench:
    """One plug-in with a room around it. `open_bench` and `on_bench` make it.

    Args:
        rooms: By name; the first is where things happen unless a call names another.
        submissions: By id, those kept, as they stand.
        told: The notifications sent so far, with their arguments; `settle` waits until the plug-in has heard them.
        failures: The calls that gave no answer.
    """

    def __init__(self, hooks: Hooks, rooms: Sequence[RoomView], log: list[Any], *, may_fail: bool) -> None:
        self.rooms: Mapping[str, RoomView] = {room.name: room for room in rooms}
        self.room = rooms[0]
        self.submissions: dict[str, Submission] = {}
        self.told: list[tuple[str, tuple[Any, ...]]] = []
        self._hooks, self._log, self._may_fail = hooks, log, may_fail
        self._listeners = dict.fromkeys(self.rooms, 0)
        self._begun = trio.current_time()
        self._number = self._seq = 0

    @property
    def failures(self) -> list[Failed]:
        return [
            Failed(each.get("hook", "run"), each.get("kind", "error"), each.get("error", ""), each.get("where") or "")
            for each in self._log
            if each["event"] in _LOGGED
        ]

    @property
    def statistics(self) -> PluginStatistics:
        """What its calls have cost, said and failed with, as `fanout plugins --url` shows it."""
        return self._hooks.statistics()[0]

    @property
    def now_ms(self) -> int:
        """The bench's clock, in milliseconds since 1970, UTC."""
        return BEGIN_MS + round(1000 * (trio.current_time() - self._begun))

    async def submit(
        self, text: str, *, by: str = "anna", name: str = "", source: str = "web", source_id: str = "", room: str = ""
    ) -> Outcome:
        """Send a question as a visitor does, and return what the plug-in says of it.

        Args:
            by: Who it is, under a pseudonym: the same word is the same person. Empty: nobody knows.
            name: The display name; empty: the same as `by`.
        Raises:
            InvalidInput: From the web and the interface for programs: text that a server refuses before any plug-in
                sees it. Text of an SMS or an import is put right instead, and rejected where nothing is left of it.
            PluginFailed: The plug-in gave no answer, and may not fail.
        """
        where = self.rooms[room] if room else self.room
        came = Source(source)
        kept_text = checked_text(text) if came in (Source.WEB, Source.API) else cleaned_text(text)[0]
        id = new_message_id()
        person = f"{'phone' if came is Source.SMS else 'visitor'}:{by}" if by else ""
        self._number += 1
        submission = Submission(
            self._number, id, where.name, came, source_id or id, person, name or by, kept_text, self.now_ms
        )
        if not kept_text:
            word = FirstWord(refused_by="intake", reason="There was no text in it.")
            return self._outcome(submission, word, None)
        review = await self._hooks.review(submission, where)
        self.check()
        word = FirstWord(None if review.text == kept_text else review.text, review.opinions)
        return self._outcome(submission, word, review.retry_after_s)

    def _outcome(self, submission: Submission, word: FirstWord, retry_after_s: float | None) -> Outcome:
        if retry_after_s is None:
            self._keep(submission, "submission_received")
            mode = self.rooms[submission.room].mode
            for step in first_steps(submission.id, word, mode=mode, muted=False, at=self.now_ms):
                submission = self._decided(step)
        opinion = word.opinions[0] if word.opinions else None
        return Outcome(
            kind=opinion.kind if opinion else None,
            reason=opinion.reason if opinion else "",
            rule=opinion.rule if opinion else "",
            similar_to=opinion.similar_to if opinion else None,
            retry_after_s=retry_after_s,
            text=submission.text if word.text is None else word.text,
            failure=opinion.failure if opinion else "",
            submission=submission,
            kept=retry_after_s is None,
        )

    async def decide(
        self, on: Outcome | Submission | str, step: str, *, by: str = "marie (moderator)", **details: Any
    ) -> Submission:
        """Take a step with a submission as a member of the staff does: `approve`, `reject` with a `reason`, `edit` with
        a `text`, `merge` with `into`, `air`… Those that put something on air or take it off tell of that too.

        Raises:
            TransitionRefused, InvalidInput: As at the desk.
        """
        id = on if isinstance(on, str) else on.submission.id if isinstance(on, Outcome) else on.id
        taken = Step(step)
        if taken is Step.AIR:
            details.setdefault("message", new_message_id())
        if taken in (Step.CUE, Step.MOVE):
            details.setdefault("rank", "m")
        return self._decided(Decision(id, taken, by, self.now_ms, **details))

    def _decided(self, decision: Decision) -> Submission:
        submission = decide(self.submissions[decision.submission], decision)
        self._keep(submission, "submission_decided", decision)
        if decision.step is Step.AIR:
            kind = "question" if submission.state is State.AIRED and decision.by != "the room" else "message"
            author = Author(submission.name, "visitor")
            self._said(submission.room, submission.text, kind, author, decision.message)
        elif decision.step is Step.RETRACT and submission.message:
            self.notify(
                "message_retracted",
                Retraction(submission.room, self._position(), submission.message, self.now_ms),
            )
        return submission

    async def publish(self, text: str, *, kind: str = "message", name: str = "", room: str = "") -> Message:
        """Have the staff say something in the room."""
        return self._said(room or self.room.name, text, kind, Author(name, "publisher"), None)

    def _said(self, room: str, text: str, kind: str, author: Author, id: str | None) -> Message:
        message = Message(room, self._position(), id or new_message_id(), kind, author, text, self.now_ms)
        self.notify("message_published", message)
        return message

    async def join(self, room: str = "") -> int:
        """One more listens; returns how many there are."""
        return self._counted("listener_joined", room, 1)

    async def leave(self, room: str = "") -> int:
        """One less listens."""
        return self._counted("listener_left", room, -1)

    def _counted(self, hook: str, room: str, change: int) -> int:
        where = self.rooms[room] if room else self.room
        self._listeners[where.name] += change
        self.notify(hook, where, self._listeners[where.name])
        return self._listeners[where.name]

    async def admit(
        self, *, by: str = "", name: str = "", address: str = "192.0.2.7", rooms: Sequence[str] = (), **claims: Any
    ) -> AdmitAnswer | None:
        """Ask to be let in as a visitor does; None: the plug-in leaves it to others."""
        wanted = tuple(rooms) or (self.room.name,)
        answer = await self._hooks.admit_visitor(Visitor(by, name, address, wanted, claims))
        self.check()
        return answer

    def notify(self, hook: str, *arguments: Any) -> None:
        """Tell the plug-in of something, by the name of the hook and its arguments."""
        self.told.append((hook, arguments))
        self._hooks.notify(hook, *arguments)

    async def settle(self) -> None:
        """Wait until the plug-in has heard of everything.

        Raises:
            PluginFailed: It failed at that, and may not.
            trio.TooSlowError: It does not come to an end.
        """
        with trio.fail_after(SETTLE_SECONDS):
            while self._behind():  # noqa: ASYNC110 (what counts them has no event)
                await trio.sleep(0.01)
            await trio.testing.wait_all_tasks_blocked()
        self.check()

    def _behind(self) -> bool:
        """Whether a notification waits or is being heard."""
        told = [hook for hook in self.statistics.hooks if HOOKS[hook.hook].kind is HookKind.NOTIFY]
        return any(hook.queued or hook.under_way for hook in told)

    def check(self) -> None:
        """Raise `PluginFailed` if the plug-in failed and may not."""
        if self._may_fail or not self.failures:
            return
        told = [f"{each.hook}: {each.kind} {each.error} {each.where}".rstrip() for each in self.failures]
        raise PluginFailed(f"plug-in {self.statistics.plugin.name} failed: " + "; ".join(told))

    def _keep(self, submission: Submission, hook: str, *more: Any) -> None:
        self.submissions[submission.id] = submission
        self.notify(hook, submission, *more)

    def _position(self) -> Position:
        self._seq += 1
        return Position("bench", self._seq)


class BenchApp:
    """The server, as the plug-in's `run` sees it on the bench."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def rooms(self) -> Sequence[RoomView]:
        return tuple(self._bench.rooms.values())

    async def recent_submissions(self, room: str, limit: int) -> Sequence[Submission]:
        await trio.lowlevel.checkpoint()
        found = [each for each in self._bench.submissions.values() if each.room == room]
        return found[-limit:] if limit > 0 else []
