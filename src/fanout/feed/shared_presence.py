"""One edge's share of who is in a room: what it has to tell the engine's process, and what it is told of the whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from fanout.core.presence import Presence


class SharedPresence(Presence):
    """Counts this edge's listeners like any presence; `news` is of all edges.

    Args:
        changed: Called when there is something to report and was nothing before.
    """

    __slots__ = ("_changed", "_joined", "_left", "_news", "_told_of_all")

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__()
        self._changed = changed
        self._joined: Counter[str] = Counter()
        self._left: Counter[str] = Counter()
        self._news: tuple[int, int] | None = None
        self._told_of_all: tuple[int, int] | None = None

    def join(self, identity: str) -> None:
        super().join(identity)
        self._note(self._joined, identity)

    def leave(self, identity: str) -> None:
        super().leave(identity)
        self._note(self._left, identity)

    def _note(self, moved: Counter[str], identity: str) -> None:
        if not self._joined and not self._left:
            self._changed()
        moved[identity] += 1

    def report(self) -> tuple[dict[str, int], dict[str, int]]:
        """Connections of each identity that have joined and left since the last report."""
        joined, self._joined = self._joined, Counter()
        left, self._left = self._left, Counter()
        return dict(joined), dict(left)

    def begin_anew(self) -> None:
        """Whoever is told knows nothing: the next report has everybody."""
        self._left = Counter()
        self._joined = Counter(self._connections)
        if self._anonymous:
            self._joined[""] = self._anonymous
        if self._joined:
            self._changed()

    def told(self, listeners: int, visitors: int) -> None:
        """So many are here, over all edges."""
        self._news = (listeners, visitors)

    def news(self, now: float) -> tuple[int, int] | None:
        """The counts of all edges, if they changed since. How often that may be was decided where they are summed."""
        if self._news == self._told_of_all:
            return None
        self._told_of_all = self._news
        return self._news
