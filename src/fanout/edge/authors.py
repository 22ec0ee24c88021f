"""Who is told what became of a visitor's message: its author alone, on every connection that they have.

Only those who have an identity, or have said something, are in here at all: a crowd that listens costs nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import trio

from fanout.core.submission import State, Submission
from fanout.edge.connection import Connection, Stage
from fanout.wire.replies import Submission as Receipt
from fanout.wire.replies import render_reply

if TYPE_CHECKING:
    from fanout.edge.hub import Hub

SUBMISSIONS_FOLLOWED = 100
"""Newest submissions of one connection whose `ref` is known, and of which it is told when it has no identity."""

PEOPLE_AWAY = 10_000
"""Authors who are not connected and for whom news is kept, in memory; those who were away longest are forgotten first,
and can still ask over HTTP."""

NEWS_KEPT = 20
"""Submissions of one such author of which the latest news is kept."""

PERSON = "visitor:"
"""How the person behind a visitor's identity begins; the subject follows."""


class Authors:
    """The connections of visitors with an identity, and the submissions of those without one."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._present: dict[str, tuple[Connection, ...]] = {}
        self._nameless: dict[str, Connection] = {}
        """By the id of their submission."""
        self._kept: dict[str, dict[str, Receipt]] = {}
        """By subject and submission: what its author has not heard."""

    def of(self, subject: str) -> tuple[Connection, ...]:
        """The connections that have this identity."""
        return self._present.get(subject, ())

    @property
    def nobody(self) -> bool:
        """Whether nobody's connection is known here."""
        return not self._present and not self._nameless

    def joined(self, connection: Connection) -> None:
        """A connection with an identity is let in: tell it what its owner has missed, once its welcome has gone out."""
        subject = connection.principal.subject
        self._present[subject] = (*self.of(subject), connection)
        if missed := self._kept.pop(subject, None):
            trio.lowlevel.current_trio_token().run_sync_soon(self._catch_up, connection, missed)

    def _catch_up(self, connection: Connection, missed: dict[str, Receipt]) -> None:
        for receipt in missed.values():
            self._tell(connection, receipt)

    def left(self, connection: Connection) -> None:
        """A connection goes; it may have an identity, or have said something."""
        subject = connection.principal.subject
        if others := tuple(other for other in self.of(subject) if other is not connection):
            self._present[subject] = others
        else:
            self._present.pop(subject, None)
        if connection.extra is not None:
            for submission in connection.extra.submissions:
                self._nameless.pop(submission, None)

    def told(self, submission: Submission) -> None:
        """A submission has reached another state: tell its author."""
        if submission.person.startswith(PERSON):
            subject = submission.person.removeprefix(PERSON)
            connections = self.of(subject)
            if not connections:
                self._keep(subject, _receipt(submission))
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

    def _keep(self, subject: str, receipt: Receipt) -> None:
        kept = self._kept.pop(subject, {})
        kept.pop(receipt.id, None)
        kept[receipt.id] = receipt
        self._kept[subject] = kept  # the last to be forgotten
        if len(kept) > NEWS_KEPT:
            del kept[next(iter(kept))]
        if len(self._kept) > PEOPLE_AWAY:
            del self._kept[next(iter(self._kept))]


def _receipt(submission: Submission) -> Receipt:
    """What the author may see of it. Why something is held is the staff's business."""
    reason = submission.reason if submission.state is State.REJECTED else ""
    return Receipt(submission.room, submission.id, submission.state, None, reason or None, submission.message)
