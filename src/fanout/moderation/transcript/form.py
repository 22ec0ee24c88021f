"""What every form of a transcript has: a beginning, exchanges, in the internal view the queue and the audit, an end.

A form writes down each part as it comes, so that a queue of a million submissions never stands in memory as text. It
reads no clock and makes up nothing: the same content gives the same characters.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import ClassVar, Final

from fanout.core.audit import AuditEntry
from fanout.core.message import Author
from fanout.core.submission import Submission
from fanout.core.verdict import Opinion
from fanout.moderation.transcript.content import Exchange, Line, Record, Stage
from fanout.moderation.transcript.words import KINDS, ROLES, WORDS

_BEGIN: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STEERS: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069]")
"""Controls, and characters that turn the direction of what stands around them. Ends of lines are not among them."""


class Form(ABC):
    """One transcript being written, in one form. Every method returns the next characters."""

    media_type: ClassVar[str]
    suffix: ClassVar[str]
    policy: ClassVar[str] = "default-src 'none'"
    """Of its content, for whoever shows it (CSP)."""

    def __init__(self, stage: Stage, language: str) -> None:
        self.stage = stage
        self.language = language
        self.words: Mapping[str, str] = WORDS[language]

    @abstractmethod
    def opening(self) -> str:
        """Everything before the first exchange."""

    @abstractmethod
    def exchange(self, exchange: Exchange) -> str: ...

    @abstractmethod
    def queue(self) -> str:
        """What stands between the last exchange and the first record: the internal view only, as are the next three."""

    @abstractmethod
    def record(self, record: Record) -> str: ...

    @abstractmethod
    def audit(self) -> str:
        """What stands between the last record and the first other entry of the audit."""

    @abstractmethod
    def entry(self, entry: AuditEntry) -> str: ...

    @abstractmethod
    def closing(self) -> str: ...

    def kind(self, kind: str) -> str:
        """What a message is called."""
        return KINDS[self.language].get(kind, kind)

    def role(self, author: Author) -> str:
        """In which role somebody speaks."""
        return ROLES[self.language].get(author.role, author.role)

    def speaker(self, author: Author) -> str:
        """Who speaks, in one line. The role is always there: a visitor could call themselves `Ann (guest)`."""
        name, role = one_line(author.name) or self.words["unnamed"], self.role(author)
        return f"{name} ({role})" if role else name

    def heard(self, line: Line) -> str:
        """What is added to a line: when, and what became of it."""
        parts = [clock(line.at)]
        if line.corrected_at is not None:
            parts.append(self.words["corrected"].format(time=clock(line.corrected_at)))
        if line.retracted_at is not None:
            parts.append(self.words["retracted"].format(time=clock(line.retracted_at)))
        return ", ".join(parts)

    def facts(self, submission: Submission) -> list[tuple[str, str]]:
        """Everything about a submission but its text, named, without what is not known."""
        words = self.words
        facts = [
            ("id", submission.id),
            (words["from"], one_line(submission.name)),
            (words["source"], one_line(f"{submission.source} {submission.source_id}")),
            (words["person"], one_line(submission.person)),
            (words["received"], moment(submission.at)),
            (words["state"], str(submission.state)),
            (words["reason"], one_line(submission.reason)),
            (words["decided"], moment(submission.decided_at) if submission.decided_at else ""),
            (words["by"], one_line(submission.by)),
            (words["into"], submission.merged_into or ""),
            (words["message"], submission.message or ""),
            (words["opinions"], "; ".join(map(opinion, submission.opinions))),
        ]
        return [(name, value) for name, value in facts if value]


def opinion(given: Opinion) -> str:
    """What a plug-in said, in one line."""
    parts = [given.kind, given.rule, given.reason, given.similar_to or "", given.failure]
    shadow = " (shadow)" if given.shadow else ""
    return one_line(f"{given.plugin}{shadow}: {' · '.join(part for part in parts if part)}")


def told(entry: AuditEntry) -> str:
    """An entry of the audit in one line."""
    draft = entry.draft
    detail = " ".join(f"{key}={value}" for key, value in sorted(draft.detail.items()))
    words = (str(entry.number), moment(draft.at), draft.action, draft.subject, draft.by, detail)
    return one_line(" · ".join(word for word in words if word))


def lines_of(text: str) -> list[str]:
    """The lines of a text, whatever ends them, without characters that steer; at least one."""
    return [_STEERS.sub("", line).rstrip() for line in text.splitlines()] or [""]


def one_line(text: str) -> str:
    """A name or anything else that must stay in one line."""
    return " ".join(_STEERS.sub("", text).split())


def clock(at: int) -> str:
    """The time of day, UTC."""
    return f"{_BEGIN + timedelta(milliseconds=at):%H:%M:%S}"


def moment(at: int) -> str:
    """Date and time, UTC."""
    return f"{_BEGIN + timedelta(milliseconds=at):%Y-%m-%d %H:%M:%S}"


def span(stage: Stage) -> str:
    """From the first line to the last, UTC; empty when nothing was said."""
    times = [line.at for exchange in stage.exchanges for line in (exchange.lead, *exchange.replies)]
    if not times:
        return ""
    first, last = moment(min(times)), moment(max(times))
    end = last.removeprefix(first[:11])
    return f"{first} – {end} UTC" if first != last else f"{first} UTC"  # noqa: RUF001 (an en dash between two times)
