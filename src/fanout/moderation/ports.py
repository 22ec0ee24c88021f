"""What moderation needs from outside, as a port: where submissions, decisions and the desk's other records are kept.

The suite `fanout.testing.check_store` runs against every implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from fanout.core.audit import AuditDraft, AuditEntry
from fanout.core.submission import Decision, Source, State, Submission


@dataclass(frozen=True, slots=True)
class Arrival:
    """A submission that has just come in: checked, not yet numbered. `at` is in milliseconds since 1970, UTC.

    Args:
        id: What everybody will call it by: twelve lower-case letters and digits, chosen by chance (`id_taken` if used).
    """

    id: str
    room: str
    source: Source
    source_id: str
    person: str
    name: str
    text: str
    at: int


SentAs = tuple[str, Source, str]
"""What a sender calls an arrival by: the room, the source, and the sender's own id for it."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the store made of an arrival. `repeated`: it was there already, and this is how it stands now."""

    submission: Submission
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """Which submissions to show, oldest first.

    Args:
        room: None for every room.
        states: Empty for every state; so with `sources`.
        after: Only numbers above this one: the last one of the page before.
        search: Words that the text, the original and the name must hold between them, all of them, case and accents
            aside; the last one may be the beginning of a word. What has neither letter nor digit is no word.
        since, until: Received from then on, and before then, in milliseconds since 1970; None is open.
        person: Only this person's; nothing is the empty one's, which stands for the unknown.
        merged_into: Only those that this one speaks for.
    """

    room: str | None = None
    states: frozenset[State] = frozenset()
    sources: frozenset[Source] = frozenset()
    after: int = 0
    limit: int = 50
    search: str = ""
    since: int | None = None
    until: int | None = None
    person: str | None = None
    merged_into: str | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """Messages, and the different people who sent them."""

    messages: int = 0
    people: int = 0


@dataclass(frozen=True, slots=True)
class Tallies:
    """One room's exact counts. Repeats are not in them; what was purged still is."""

    total: Count
    by_source: Mapping[Source, Count]
    by_state: Mapping[State, int]


class Kind(StrEnum):
    """The desk's other records."""

    BAN = "ban"
    RULES = "rules"
    PREPARED_ANSWER = "prepared_answer"
    ANSWER_LINE = "answer_line"
    PLUGIN = "plugin"
    """Whether a person has switched it off."""
    AIRING = "airing"
    """How far everything that was decided is published."""


@dataclass(frozen=True, slots=True)
class Document:
    """A small record: a JSON object under a kind, a room and an id. `body` None: it is gone."""

    kind: Kind
    room: str
    id: str
    body: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge has done: how many submissions it went through, and which rooms still have people, by name."""

    submissions: int
    peopled: tuple[str, ...] = ()


class Store(Protocol):
    """Keeps submissions, numbers them, and applies decisions.

    Order: submissions are numbered from 1 in the order of the commits; `page` and `unreviewed` follow it.
    Loss: what `receive`, `decide`, `put`, `phone_key` or `purge` has returned survives whatever this store claims to
    survive.
    Duplicates: an arrival whose room, source and source id are known is a repeat, also after a restart; it changes
    nothing and counts nowhere. Two arrivals in one call may be each other's repeat.
    Atomicity: a call is done whole or not at all. Each decision is `fanout.core.submission.decide` on the submission as
    it stands in that transaction, so of two that exclude each other the second raises; the audit entries are in the
    same transaction as what they tell of, and each carries the hash of the one before (`fanout.core.audit`).
    Failure: what can't be committed raises `StoreUnavailable` and leaves no trace.
    Cancellation: a call once begun is finished, whoever waits.
    """

    async def receive(self, arrivals: Sequence[Arrival]) -> list[Receipt]:
        """Number and keep; return when durable, in the order given.

        Raises:
            StoreUnavailable: None was taken; so below.
            InvalidInput: `id_taken`; none was taken.
        """
        ...

    async def decide(self, decisions: Sequence[Decision], *, audited: bool = True) -> list[Submission]:
        """Take these steps, all or none, and return the submissions as they stand then, in the order given.

        Args:
            audited: Whether each leaves an audit entry. Only the first step of a submission on which nobody and no rule
                has decided leaves none.
        Raises:
            SubmissionNotFound: An id, or that of `into`, is not there.
            TransitionRefused, InvalidInput: as `fanout.core.submission.decide`; also `merge_into_other_room`, and
                `merge_into_merged` when that one is merged itself.
        """
        ...

    async def put(self, documents: Sequence[Document], audit: Sequence[AuditDraft] = ()) -> None:
        """Keep these records in place of those of the same kind, room and id, with what the audit says of it."""
        ...

    async def documents(self, kind: Kind, room: str | None = None) -> list[Document]:
        """Every record of that kind, in the order of their making; of one room, or of all."""
        ...

    async def known(self, names: Sequence[SentAs]) -> dict[SentAs, Submission]:
        """Of these, what has come before, as it stands now: an arrival of that name would be its repeat."""
        ...

    async def find(self, submission_id: str) -> Submission | None:
        """The submission as it stands."""
        ...

    async def find_message(self, message_id: str) -> Submission | None:
        """The submission that became this message, unless it has been aired anew as another one."""
        ...

    async def page(self, query: Query) -> list[Submission]:
        """Up to `query.limit` submissions. Fast at millions of rows, whatever is asked for."""
        ...

    async def unreviewed(self, after: int, limit: int) -> list[Submission]:
        """Those still received, over all rooms, with numbers above `after`: what a crash left to be reviewed."""
        ...

    async def run_sheet(self, room: str) -> list[Submission]:
        """What is cued in a room: the pinned first, each group by rank."""
        ...

    async def tallies(self, room: str) -> Tallies:
        """A room's counts, exact."""
        ...

    async def audit(self, after: int = 0, limit: int = 1000, subject: str | None = None) -> list[AuditEntry]:
        """Entries with numbers above `after`, oldest first; with `subject`, only those about it."""
        ...

    async def phone_key(self) -> bytes:
        """The event's key to hash telephone numbers with, 32 bytes; made and durable when it is first asked for."""
        ...

    async def purge(self, room: str, audit: AuditDraft, progress: Callable[[int], None] = lambda done: None) -> Purged:
        """Destroy everything that tells of people in the room: pseudonyms, bans, senders' ids (repeats are no longer
        known), drafts of answers, and of what is not on air names, texts, reasons and opinions; of answers the texts,
        which the log has. When no other room has people any more, the telephone key goes too, and the bans that hold
        for every room or for a telephone, wherever. Tallies, audit, states and the final texts on air stay. What it
        destroyed is in no file in readable form when it returns.

        Args:
            progress: Called in the event loop now and then with how many submissions it has gone through so far. It
                must be quick and must not raise.
        Raises:
            StoreUnavailable: Nothing was destroyed, or it was and may still be read in a file, as the detail says; then
                asking again finishes it.
        """
        ...

    @property
    def available(self) -> bool:
        """Whether the last attempt to write succeeded."""
        ...

    async def aclose(self) -> None:
        """Finish what was begun, then close."""
        ...
