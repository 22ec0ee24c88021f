"""Who has which submission in hand, so that two moderators never work on the same one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from fanout.core.message import iso_time
from fanout.errors import TransitionRefused

LEASE_MILLISECONDS: Final = 60_000
"""How long a lease holds after its last use: one reads a long question and thinks about it; who has left keeps nobody
waiting."""

MAX_LEASES: Final = 10_000
"""Leases at a time, over all rooms. Beyond, the one that ends first is given up."""


@dataclass(frozen=True, slots=True)
class Lease:
    """`holder` is who it is, `by` what they are called; `until` is in milliseconds since 1970, UTC."""

    submission: str
    room: str
    holder: str
    by: str
    until: int


@dataclass(slots=True)
class Leases:
    """At most one lease a submission. Those that have ended count for nothing."""

    _leases: dict[str, Lease] = field(default_factory=dict)
    """In the order of their ends."""

    def check(self, submission_ids: Iterable[str], holder: str, now: int) -> None:
        """Do nothing if nobody else has one of these.

        Raises:
            TransitionRefused: `leased`.
        """
        for submission_id in submission_ids:
            lease = self._leases.get(submission_id)
            if lease is not None and lease.holder != holder and lease.until > now:
                raise TransitionRefused(
                    f"{lease.by} has this in hand until {iso_time(lease.until)} at the latest.", code="leased"
                )

    def claim(self, submission_id: str, room: str, holder: str, by: str, now: int) -> Lease:
        """Take it in hand, or keep it there.

        Raises:
            TransitionRefused: `leased`.
        """
        self.check([submission_id], holder, now)
        self._leases.pop(submission_id, None)
        lease = self._leases[submission_id] = Lease(submission_id, room, holder, by, now + LEASE_MILLISECONDS)
        return lease

    def release(self, submission_id: str, holder: str) -> bool:
        """Lay it down; False when it was not in this one's hands."""
        lease = self._leases.get(submission_id)
        if lease is None or lease.holder != holder:
            return False
        del self._leases[submission_id]
        return True

    def drop(self, submission_id: str) -> Lease | None:
        """Take it out of whoever's hands it is in; None: of nobody's."""
        return self._leases.pop(submission_id, None)

    def held(self, submission_id: str, holder: str, now: int) -> bool:
        """Whether this one has it in hand."""
        lease = self._leases.get(submission_id)
        return lease is not None and lease.holder == holder and lease.until > now

    def of(self, room: str, now: int) -> list[Lease]:
        """The leases of a room, those that end first before the others."""
        return [lease for lease in self._leases.values() if lease.room == room and lease.until > now]

    @property
    def next_end(self) -> int | None:
        """When the next one ends; None: there is none."""
        return next((lease.until for lease in self._leases.values()), None)

    def over(self, now: int) -> list[Lease]:
        """Take out those that have ended, and what there is beyond `MAX_LEASES`; which they were."""
        gone = []
        while self._leases:
            first = next(iter(self._leases.values()))
            if first.until > now and len(self._leases) <= MAX_LEASES:
                break
            gone.append(self._leases.pop(first.submission))
        return gone
