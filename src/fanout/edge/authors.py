"""Who is told what became of a visitor's message: its author alone, on every connection that they have.

Only those who have an identity, or have said something, are in here at all: a crowd that listens costs nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from fanout.core.submission import State, Submission
from fanout.edge.connection import Connection, Stage
from fanout.feed.mailbox import VISITOR
from fanout.wire.replies import Submission as Receipt
from fanout.wire.replies import render_reply

if TYPE_CHECKING:
    from fanout.edge.hub import Hub

SUBMISSIONS_FOLLOWED = 100
"""Newest submissions of one connection whose `ref` is known, and of which it is told when it has no identity."""


class Authors:
    """The connections of visitors with an identity, and the submissions of those without one."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._present: dict[str, tuple[Connection, ...]] = {}
        self._nameless: dict[str, Connection] = {}
        """By the id of their submission."""

    def of(self, subject: str) -> tuple[Connection, ...]:
        """The connections that have this identity."""
        return self._present.get(subject, ())

    @property
    def nobody(self) -> bool:
        """Whether nobody's connection is known here."""
        return not self._present and not self._nameless

    def joined(self, connection: Connection) -> None:
        """A connection with an identity is let in. The first of its owner hears soon what they have missed."""
        subject = connection.principal.subject
        others = self.of(subject)
        self._present[subject] = (*others, connection)
        if not others:
            self._hub.feed.arrived(subject)

    def left(self, connection: Connection) -> None:
        """A connection goes; it may have an identity, or have said something."""
        subject = connection.principal.subject
        if others := tuple(other for other in self.of(subject) if other is not connection):
            self._present[subject] = others
        elif self._present.pop(subject, None) is not None:
            self._hub.feed.departed(subject)
        if connection.extra is not None:
            for submission in connection.extra.submissions:
                self._nameless.pop(submission, None)

    def told(self, submission: Submission) -> None:
        """A submission has reached another state: tell its author."""
        if submission.person.startswith(VISITOR):
            connections = self.of(submission.person.removeprefix(VISITOR))
            if not connections:
                self._hub.feed.missed(submission)
            for connection in connections:
                self._tell(connection, _receipt(submission))
        elif self._nameless and (author := self._nameless.get(submission.id)) is not None:
            self._tell(author, _receipt(submission))

    # --- one that is being submitted ----------------------------------------------------------------------------------

    def submitting(self, connection: Connection) -> None:
        """From here to `settled`, news of submissions that this connection does not know waits: it may be of this one,
        and then the answer comes first."""
        connection.more().unplaced = {}

    def answered(self, connection: Connection, submission: Submission, ref: str | None) -> None:
        """Tell the author that theirs was taken, under the command's `ref`; from now on this connection knows it."""
        extra = connection.more()
        if connection.stage is not Stage.LISTENING:
            return
        extra.submissions[submission.id] = ref
        if not connection.principal.subject:
            self._nameless[submission.id] = connection
        if len(extra.submissions) > SUBMISSIONS_FOLLOWED:
            oldest = next(iter(extra.submissions))
            del extra.submissions[oldest]
            self._nameless.pop(oldest, None)
        answer = _receipt(submission)
        news = (extra.unplaced or {}).pop(submission.id, answer)
        self._tell(connection, answer)
        if news != answer:
            self._tell(connection, news)

    def settled(self, connection: Connection) -> None:
        """That submission has been answered or refused: what had to wait is told."""
        extra = connection.more()
        waiting, extra.unplaced = extra.unplaced or {}, None
        for receipt in waiting.values():
            self._tell(connection, receipt)

    def _tell(self, connection: Connection, receipt: Receipt) -> None:
        extra = connection.extra
        if extra is not None:
            if receipt.id in extra.submissions:
                receipt = replace(receipt, ref=extra.submissions[receipt.id])
            elif extra.unplaced is not None:
                extra.unplaced[receipt.id] = receipt
                return
        if connection.stage is Stage.LISTENING:
            self._hub.sending.control(connection, render_reply(receipt, connection.format))


def _receipt(submission: Submission) -> Receipt:
    """What the author may see of it. Why something is held is the staff's business."""
    reason = submission.reason if submission.state is State.REJECTED else ""
    return Receipt(submission.room, submission.id, submission.state, None, reason or None, submission.message)
