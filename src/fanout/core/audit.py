"""The audit trail as a chain: each entry carries the hash of the one before, so that a change or a removal shows.

Entries name people of the staff, plug-ins and submissions by id; never a visitor's words, name or number, so that a
purge need not touch them. The chain tells whoever has a copy of its last hash that nothing before it was changed;
against somebody who can rewrite the whole file, and has no such copy to fear, a chain without a witness protects
nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

GENESIS: Final = "0" * 64
"""The hash that the first entry carries as that of the one before."""


@dataclass(frozen=True, slots=True)
class AuditDraft:
    """What happened, before it has a number. `at` is in milliseconds since 1970, UTC.

    Args:
        by: A staff member's name and role, `plug-in NAME`, `visitor` or `command line`.
        action: What was done: a step's name, `ban`, `lift_ban`, `set_rules`, `purge`…
        room: The room that it concerns, or empty.
        subject: What it was done to: a submission's, a ban's or a message's id.
        detail: The rest, as strings.
    """

    at: int
    by: str
    action: str
    room: str = ""
    subject: str = ""
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One link of the chain. `number` counts from 1 without a hole."""

    number: int
    draft: AuditDraft
    previous: str
    hash: str


def link(number: int, draft: AuditDraft, previous: str) -> AuditEntry:
    """The entry that follows the one whose hash is `previous`."""
    return AuditEntry(number, draft, previous, _hash(number, draft, previous))


def _hash(number: int, draft: AuditDraft, previous: str) -> str:
    """SHA-256 over the fields, each led by its length, so that no two entries write down alike."""
    detail = (word for pair in sorted(draft.detail.items()) for word in pair)
    fields = (str(number), str(draft.at), draft.by, draft.action, draft.room, draft.subject, previous, *detail)
    return sha256(b"".join(b"%d:%b" % (len(word), word) for word in map(str.encode, fields))).hexdigest()


@dataclass(frozen=True, slots=True)
class Fault:
    """Where the chain is broken, and how."""

    number: int
    what: str


@dataclass(slots=True)
class Chain:
    """Checks a trail entry by entry. `number` and `head` are those of the last entry that was sound."""

    number: int = 0
    head: str = GENESIS

    def check(self, entries: Iterable[AuditEntry]) -> Fault | None:
        """Take the next entries; the first thing that is wrong with them, or None."""
        for entry in entries:
            if entry.number != self.number + 1:
                return Fault(self.number + 1, f"is missing; entry {entry.number} comes next")
            if entry.previous != self.head:
                return Fault(entry.number, "does not carry the hash of the entry before it")
            if entry.hash != _hash(entry.number, entry.draft, entry.previous):
                return Fault(entry.number, "was changed: its hash is not that of its content")
            self.number, self.head = entry.number, entry.hash
        return None
