"""Submissions and audit entries as rows of their tables, and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final, TypeVar

import msgspec

from fanout.core.audit import AuditDraft, AuditEntry
from fanout.core.submission import Before, Source, State, Submission
from fanout.core.verdict import Opinion

T = TypeVar("T")

MOST_ROWS: Final = 256
"""Rows of one statement; more makes it no faster."""

SOURCES: Final = {Source.WEB: 1, Source.SMS: 2, Source.API: 3, Source.IMPORT: 4}
"""As the file has them: never another number for the same. So below."""

STATES: Final = {
    State.RECEIVED: 1,
    State.HELD: 2,
    State.APPROVED: 3,
    State.CUED: 4,
    State.AIRED: 5,
    State.ANSWERED: 6,
    State.REJECTED: 7,
    State.WITHDRAWN: 8,
    State.MERGED: 9,
}

SOURCE_OF: Final = {number: source for source, number in SOURCES.items()}
STATE_OF: Final = {number: state for state, number in STATES.items()}

COLUMNS: Final = (
    "s.number, s.id, (SELECT name FROM rooms AS r WHERE r.room = s.room), s.source, s.source_id, "
    "(SELECT pseudonym FROM people AS p WHERE p.person = s.person), s.at, s.state, s.merged_into, s.message, s.rest"
)
"""What `submission_of` reads, of `submissions AS s`."""

SOURCE_ID: Final = 4
"""Which of them is the source id; None once it is purged."""

AUDIT_COLUMNS: Final = "number, at, by, action, room, subject, detail, lower(hex(previous)), lower(hex(hash))"
"""What `entry_of` reads. As hexadecimal digits even if somebody has put something else there: that is for the chain to
find out."""


class _Before(msgspec.Struct, array_like=True):
    """What an undo brings back; a text of None is the present one, as it is nearly always."""

    state: int
    text: str | None
    original: str | None
    reason: str
    merged_into: str | None
    rank: str
    pinned: bool


class _Rest(msgspec.Struct, array_like=True):
    """What of a submission is only read."""

    text: str
    name: str
    original: str | None
    reason: str
    by: str
    decided_at: int
    rank: str
    pinned: bool
    opinions: tuple[Opinion, ...]
    before: _Before | None


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Rest).decode
_encode_detail = msgspec.json.Encoder().encode
_decode_detail = msgspec.json.Decoder(dict[str, str]).decode


def rest_of(submission: Submission) -> bytes:
    """What is kept of it in `rest`.

    Raises:
        UnicodeEncodeError: A text has half a surrogate pair.
    """
    s, before = submission, None
    if s.before is not None:
        b = s.before
        text = None if b.text == s.text else b.text
        before = _Before(STATES[b.state], text, b.original, b.reason, b.merged_into, b.rank, b.pinned)
    return _encode(
        _Rest(s.text, s.name, s.original, s.reason, s.by, s.decided_at, s.rank, s.pinned, s.opinions, before)
    )


def submission_of(row: tuple[Any, ...]) -> Submission:
    """The submission that a row of `COLUMNS` holds."""
    number, submission_id, room, source, source_id, person, at, state, merged_into, message, rest = row
    kept = _decode(rest)
    before = None
    if kept.before is not None:
        b = kept.before
        text = kept.text if b.text is None else b.text
        before = Before(STATE_OF[b.state], text, b.original, b.reason, b.merged_into, b.rank, b.pinned)
    return Submission(
        number, submission_id, room, SOURCE_OF[source], source_id or "", person or "", kept.name, kept.text, at,
        STATE_OF[state], kept.original, kept.reason, kept.by, kept.decided_at, merged_into, message, kept.rank,
        kept.pinned, kept.opinions, before,
    )  # fmt: skip


def audit_row(entry: AuditEntry) -> tuple[Any, ...]:
    """The row for an audit entry."""
    draft = entry.draft
    return (
        entry.number, draft.at, draft.by, draft.action, draft.room, draft.subject,
        _encode_detail(draft.detail).decode(), bytes.fromhex(entry.previous), bytes.fromhex(entry.hash),
    )  # fmt: skip


def entry_of(row: tuple[Any, ...]) -> AuditEntry:
    """The entry that a row of `AUDIT_COLUMNS` holds."""
    number, at, by, action, room, subject, detail, previous, own = row
    return AuditEntry(number, AuditDraft(at, by, action, room, subject, _decode_detail(detail)), previous, own)


def in_powers_of_two(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """The rows in as few pieces as powers of two allow, so that the statements are few enough to stay prepared."""
    begin = 0
    while begin < len(rows):
        size = min(1 << (len(rows) - begin).bit_length() - 1, MOST_ROWS)
        yield rows[begin : begin + size]
        begin += size


@cache
def values(columns: int, rows: int) -> str:
    """`VALUES` with so many question marks. One statement for many rows: see `fanout.log.rows.insert`."""
    one = ", ".join("?" * columns)
    return "VALUES " + ", ".join([f"({one})"] * rows)
