"""What was said on a stage, put in order: questions with their answers, as finally corrected, without what was taken
back. Of a question that was taken back and has answers, its place is left: they would answer the one before it.

A correction counts for the message that it refers to, through other corrections too. When the message is taken back,
so is what corrected it, whether or not that was taken back as well: it says the same thing in other words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from itertools import count

from fanout.core.audit import AuditEntry
from fanout.core.message import Author, Entry, Message, Retraction
from fanout.core.submission import Submission

CORRECTION = "correction"
QUESTION = "question"


class View(StrEnum):
    """For whom a transcript is."""

    PUBLIC = "public"
    """Only what was aired."""
    INTERNAL = "internal"
    """Also the queue with its decisions, earlier wordings, and that something was taken back."""


@dataclass(frozen=True, slots=True)
class Wording:
    """What a message said before it was corrected. `at` is in milliseconds since 1970, UTC; so below."""

    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Line:
    """One message as it stands now; with `retracted_at`, nothing is left of it but when it was said and taken back."""

    id: str
    kind: str
    author: Author
    text: str
    at: int
    corrected_at: int | None = None
    earlier: tuple[Wording, ...] = ()
    retracted_at: int | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question, or anything else that refers to nothing before it, with everything that refers to it. `number`
    counts the questions, from 1; nothing else has one."""

    number: int | None
    lead: Line
    replies: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """What a room's transcript shows of the room itself. `position` is the last one that it looked at."""

    room: str
    title: str
    position: str
    view: View
    exchanges: tuple[Exchange, ...]

    @property
    def heading(self) -> str:
        return self.title or self.room


@dataclass(frozen=True, slots=True)
class Record:
    """A submission with what the audit says of it, oldest first."""

    submission: Submission
    decisions: tuple[AuditEntry, ...] = ()


def exchanges_of(entries: Iterable[Entry], view: View) -> tuple[Exchange, ...]:
    """The exchanges of a room's entries, in the order in which each began. Messages without text are left out."""
    groups = _grouped(_lines(list(entries)))
    if view is View.PUBLIC:
        groups = [shown for group in groups if (shown := _published(group))]
    number = count(1)
    return tuple(
        Exchange(next(number) if _counts(lead, view) else None, lead, tuple(replies)) for lead, *replies in groups
    )


def _published(group: list[Line]) -> list[Line]:
    """What the public has of these: the first of them also when it was taken back, if something refers to it."""
    lead, *replies = group
    shown = [line for line in replies if line.retracted_at is None]
    return [lead, *shown] if shown or lead.retracted_at is None else []


def _counts(lead: Line, view: View) -> bool:
    return lead.kind == QUESTION and (view is View.INTERNAL or lead.retracted_at is None)


@dataclass(slots=True)
class _Said:
    """A message that corrects nothing, and what became of it."""

    message: Message
    wordings: list[Wording] = field(default_factory=list)
    retracted_at: int | None = None


@dataclass(frozen=True, slots=True)
class _Referring:
    line: Line
    re: str | None


def _lines(entries: Sequence[Entry]) -> list[_Referring]:
    retracted = {entry.target: entry.at for entry in entries if isinstance(entry, Retraction)}
    said: dict[str, _Said] = {}
    corrected: dict[str, str] = {}  # the id of a correction, and that of the message that it is about in the end
    for entry in entries:
        if isinstance(entry, Retraction):
            continue
        target = None if entry.re is None else corrected.get(entry.re, entry.re)
        if entry.kind == CORRECTION and target in said:
            corrected[entry.id] = target
            if not entry.retracted:
                said[target].wordings.append(Wording(entry.text, entry.at))
        elif entry.retracted:
            said[entry.id] = _Said(entry, retracted_at=retracted.get(entry.id, entry.at))
        elif entry.text:
            said[entry.id] = _Said(replace(entry, re=target), [Wording(entry.text, entry.at)])
    return [_Referring(_line(one), one.message.re) for one in said.values()]


def _line(said: _Said) -> Line:
    message = said.message
    if said.retracted_at is not None:
        return Line(
            message.id, message.kind, Author("", message.author.role), "", message.at, retracted_at=said.retracted_at
        )
    *earlier, final = said.wordings
    return Line(
        message.id, message.kind, message.author, final.text, message.at,
        corrected_at=final.at if earlier else None, earlier=tuple(earlier),
    )  # fmt: skip


def _grouped(lines: Sequence[_Referring]) -> list[list[Line]]:
    groups: list[list[Line]] = []
    group_of: dict[str, list[Line]] = {}
    for referring in lines:
        group = None if referring.re is None else group_of.get(referring.re)
        if group is None:
            group = []
            groups.append(group)
            if referring.re is not None:
                group_of[referring.re] = group  # several answers to what is not here stay together
        group.append(referring.line)
        group_of[referring.line.id] = group
    return groups
