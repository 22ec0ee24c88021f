"""One edge's share of who is let in: what it has to report, so that the limits hold over all edges."""

from __future__ import annotations

from collections import Counter

from fanout.core.admission import Admission, Refusal


class SharedAdmission(Admission):
    """Counts like any admission, and remembers by address what has changed."""

    def __init__(self, max_connections: int, max_per_address: int, full_retry_seconds: float) -> None:
        super().__init__(max_connections, max_per_address, full_retry_seconds)
        self._moved: Counter[str] = Counter()

    def admit(self, address: str, chance: float) -> Refusal | None:
        refusal = super().admit(address, chance)
        if refusal is None:
            self._note(address, 1)
        return refusal

    def release(self, address: str) -> None:
        super().release(address)
        self._note(address, -1)

    def _note(self, address: str, change: int) -> None:
        self._moved[address] += change

    def report(self) -> dict[str, int]:
        """By how many connections each address has more than at the last report, or fewer."""
        moved, self._moved = self._moved, Counter()
        return {address: change for address, change in moved.items() if change}

    def begin_anew(self) -> None:
        """Whoever is told knows nothing: the next report has everybody."""
        self._moved = Counter(self._by_address)
        unknown = self.admitted - self._moved.total()
        if unknown:
            self._moved[""] = unknown
