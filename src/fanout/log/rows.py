"""Entries as rows of the `entries` table, and back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Final, TypeAlias, TypeVar

import msgspec

from fanout.core.message import Author, Draft, Entry, Message, Retraction
from fanout.core.position import Position

Row: TypeAlias = tuple[
    int, int, int, int, str | None, str | None, str | None, str | None, str | None, int, bytes | None
]

T = TypeVar("T")

MOST_ROWS: Final = 256
"""Rows of one INSERT: 2,816 values, within SQLite's limit of 32,766; more makes it no faster."""

_COLUMNS: Final = "r.name, r.epoch, e.seq, e.at, e.id, e.kind, e.role, e.re, e.target, e.retracted, e.content"

SELECT: Final = f"SELECT {_COLUMNS} FROM entries AS e JOIN rooms AS r ON r.room = e.room "  # noqa: S608

SELECT_MESSAGE: Final = f"""SELECT {_COLUMNS} FROM entries AS e INDEXED BY messages_by_id
    JOIN rooms AS r ON r.room = e.room WHERE e.room = ? AND e.id = ? ORDER BY e.seq LIMIT 1"""  # noqa: S608

SELECT_RETRACTION: Final = f"""SELECT {_COLUMNS} FROM entries AS e INDEXED BY retractions_by_target
    JOIN rooms AS r ON r.room = e.room WHERE e.room = ? AND e.target = ? ORDER BY e.seq LIMIT 1"""  # noqa: S608
"""The indices are named because SQLite, without statistics, would rather walk through the whole room."""

REDACT: Final = """UPDATE entries INDEXED BY messages_by_id SET retracted = 1, content = zeroblob(length(content))
    WHERE room = ? AND id = ? AND seq < ? AND retracted = 0"""
"""As many zeros as there were bytes, so that the row is overwritten where it stands: see `fanout.log.schema`."""


@cache
def insert(rows: int) -> str:
    """The statement that inserts so many rows at once.

    Python's sqlite3 gives the interpreter lock away with every statement and waits for it afterwards, up to 5 ms each
    time when the event loop is busy; so a group should be few statements, not one a row.
    """
    values = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"] * rows)
    return f"INSERT INTO entries VALUES {values}"  # noqa: S608 - question marks and nothing else


@cache
def select_keys(keys: int) -> str:
    """The statement that looks up so many keys at once, each by a room's number and the key."""
    pairs = ", ".join(["(?, ?)"] * keys)
    return (
        f"WITH asked (room, key) AS (VALUES {pairs}) SELECT k.room, k.key, k.fingerprint, k.first, k.count "  # noqa: S608
        "FROM asked CROSS JOIN keys AS k ON k.room = asked.room AND k.key = asked.key"  # CROSS: not the other way round
    )


def in_powers_of_two(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """The rows in as few pieces as powers of two allow, so that the statements are few enough to stay prepared."""
    begin = 0
    while begin < len(rows):
        size = min(1 << (len(rows) - begin).bit_length() - 1, MOST_ROWS)
        yield rows[begin : begin + size]
        begin += size


class _Content(msgspec.Struct, array_like=True):
    """What a retraction takes away."""

    text: str
    name: str
    data: Any


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Content).decode


def content_of(draft: Draft) -> bytes | None:
    """What a retraction would take away, encoded; None for a retraction itself.

    Raises:
        TypeError: The data is not made of what JSON knows.
        UnicodeEncodeError: A text has half a surrogate pair.
    """
    if draft.target is not None:
        return None
    return _encode(_Content(draft.text, draft.author.name, draft.data))


def row_of(number: int, room: int, seq: int, draft: Draft, content: bytes | None) -> Row:
    """The row for a draft that gets `seq` in the room with the number `room`."""
    if draft.target is not None:
        return (number, room, seq, draft.at, None, None, None, None, draft.target, 0, None)
    return (number, room, seq, draft.at, draft.id, draft.kind, draft.author.role, draft.re, None, 0, content)


def entry_of(row: tuple[Any, ...]) -> Entry:
    """The entry that a row of `SELECT` holds; a retracted message comes redacted."""
    room, epoch, seq, at, message_id, kind, role, re, target, retracted, content = row
    position = Position(epoch, seq)
    if target is not None:
        return Retraction(room, position, target, at)
    if retracted:
        return Message(room, position, message_id, kind, Author("", role), "", at, re=re, retracted=True)
    kept = _decode(content)
    return Message(room, position, message_id, kind, Author(kept.name, role), kept.text, at, re=re, data=kept.data)
