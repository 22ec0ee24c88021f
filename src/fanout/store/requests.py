"""What the writer of the desk's records can be asked for, and what a transaction is going to write."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from fanout.core.audit import GENESIS, AuditDraft, AuditEntry, link
from fanout.core.submission import Decision, Submission
from fanout.moderation.ports import Arrival, Document, SentAs


@dataclass(frozen=True, slots=True)
class Receive:
    """Take these in."""

    arrivals: Sequence[Arrival]


@dataclass(frozen=True, slots=True)
class Decide:
    """Take these steps."""

    decisions: Sequence[Decision]
    audited: bool


@dataclass(frozen=True, slots=True)
class Put:
    """Keep these records."""

    documents: Sequence[Document]
    audit: Sequence[AuditDraft]


@dataclass(frozen=True, slots=True)
class PhoneKey:
    """The event's key to hash telephone numbers with; made if there is none."""


@dataclass(frozen=True, slots=True)
class Purge:
    """Destroy what tells of people in this room."""

    room: str
    audit: AuditDraft
    progress: Callable[[int], None]
    """Called in the thread that does it, with how many submissions are done."""


Request = Receive | Decide | Put | PhoneKey | Purge


@dataclass(slots=True)
class Trail:
    """Where the audit's chain ends."""

    number: int = 0
    head: str = GENESIS

    def linked(self, drafts: Sequence[AuditDraft]) -> Iterator[AuditEntry]:
        """The entries that follow, one for each."""
        for draft in drafts:
            entry = link(self.number + 1, draft, self.head)
            self.number, self.head = entry.number, entry.hash
            yield entry


@dataclass(slots=True)
class Batch:
    """What the requests of one transaction have led to so far, laid over what is in the file.

    Args:
        kept: Submissions as the file has them; `now`: as they stand. Both only those that have been asked about.
        known: Which submission each arrival's name belongs to.
    """

    kept: dict[str, Submission] = field(default_factory=dict)
    now: dict[str, Submission] = field(default_factory=dict)
    known: dict[SentAs, str] = field(default_factory=dict)
    new: list[str] = field(default_factory=list)
    changed: dict[str, None] = field(default_factory=dict)
    documents: list[Document] = field(default_factory=list)
    audit: list[AuditEntry] = field(default_factory=list)

    def keep(self, found: Submission, *, known: bool) -> None:
        """Note one that is in the file. `known`: its source id has not been purged."""
        self.kept[found.id] = self.now[found.id] = found
        if known:
            self.known[found.room, found.source, found.source_id] = found.id
