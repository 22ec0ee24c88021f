"""A room's count of who is here, where a plug-in wants to hear of each who comes and goes; else it is only a count."""

from __future__ import annotations

from collections.abc import Callable

from fanout.core.presence import Presence

Tell = Callable[[bool, int], None]
"""Somebody has joined (or left), and so many are here now."""


class ToldPresence(Presence):
    """Counts like any presence, and tells."""

    __slots__ = ("_count", "_tell")

    def __init__(self, tell: Tell) -> None:
        super().__init__()
        self._tell = tell
        self._count = 0  # the sum of everybody's connections would take as long as there are visitors

    def join(self, identity: str) -> None:
        super().join(identity)
        self._count += 1
        self._tell(True, self._count)

    def leave(self, identity: str) -> None:
        super().leave(identity)
        self._count -= 1
        self._tell(False, self._count)
