"""News for authors who are not connected: kept until they are, in memory, for so many and no more."""

from __future__ import annotations

from typing import Final

from fanout.core.submission import Submission

PEOPLE_AWAY: Final = 10_000
"""Authors for whom news is kept; those who were away longest are forgotten first, and can still ask over HTTP."""

NEWS_KEPT: Final = 20
"""Submissions of one author of which the latest news is kept."""

VISITOR: Final = "visitor:"
"""How the person behind a visitor's identity begins; the subject follows."""


class Mailbox:
    """The latest news of each submission, by its author's identity."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[str, Submission]] = {}

    def keep(self, submission: Submission) -> None:
        """Keep this for its author; it takes the place of older news of the same submission. Authors without an
        identity have nothing kept: nobody could tell that it is they who come back."""
        if not submission.person.startswith(VISITOR):
            return
        subject = submission.person.removeprefix(VISITOR)
        kept = self._kept.pop(subject, {})
        kept.pop(submission.id, None)
        kept[submission.id] = submission
        self._kept[subject] = kept  # the last to be forgotten
        if len(kept) > NEWS_KEPT:
            del kept[next(iter(kept))]
        if len(self._kept) > PEOPLE_AWAY:
            del self._kept[next(iter(self._kept))]

    def take(self, subject: str) -> list[Submission]:
        """What this author has missed, oldest news first; it is not kept any longer."""
        return list(self._kept.pop(subject, {}).values())
