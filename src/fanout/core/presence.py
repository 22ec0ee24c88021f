"""How many are here, and how often a room may be told. Visitors are people, listeners connections: 20,000 and 30,000
once."""

from __future__ import annotations

PRESENCE_SENDS_PER_SECOND = 1000
"""What telling everybody may cost a room: with more listeners it is told less often, so that a count never weighs on
messages."""


def presence_interval_seconds(listeners: int) -> float:
    """The least time between two presence frames of a room: a second, or longer where there are many to tell."""
    return max(1.0, listeners / PRESENCE_SENDS_PER_SECOND)


class Presence:
    """Counts one room's listeners, and its visitors by identity. A listener without an identity is a visitor of its
    own."""

    __slots__ = ("_anonymous", "_connections", "_told", "_told_at")

    def __init__(self) -> None:
        self._connections: dict[str, int] = {}
        self._anonymous = 0
        self._told: tuple[int, int] = (0, 0)
        self._told_at = float("-inf")

    @property
    def listeners(self) -> int:
        return self._anonymous + sum(self._connections.values())

    @property
    def visitors(self) -> int:
        return self._anonymous + len(self._connections)

    def join(self, identity: str) -> None:
        if identity:
            self._connections[identity] = self._connections.get(identity, 0) + 1
        else:
            self._anonymous += 1

    def leave(self, identity: str) -> None:
        if not identity:
            self._anonymous -= 1
        elif self._connections[identity] == 1:
            del self._connections[identity]
        else:
            self._connections[identity] -= 1

    def news(self, now: float) -> tuple[int, int] | None:
        """The counts (listeners, visitors) if they changed since they were last told and enough time has passed; else
        None."""
        counts = (self.listeners, self.visitors)
        if counts == self._told or now - self._told_at < presence_interval_seconds(counts[0]):
            return None
        self._told, self._told_at = counts, now
        return counts
