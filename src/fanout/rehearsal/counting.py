"""What the server itself counts of a run: its tallies, less what they were when the run began.

Somebody's own server has a history: the rehearsal before this one, or the last multiple of a search for headroom.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from urllib.parse import quote

from fanout.rehearsal.house import House
from fanout.rehearsal.measures import added, less


class Counting:
    """Of the rooms that take questions; of none, there is nothing to count."""

    def __init__(self, house: House, rooms: Collection[str]) -> None:
        self._house, self._rooms = house, sorted(rooms)
        self.before: dict[str, Any] = added([])
        self._written_before = [0.0, 0.0]
        self.newest: dict[str, int] = {}
        """The number of the last submission that each room had before; what this run brings has higher ones."""

    def begin(self) -> None:
        """From here on it counts.

        Raises:
            Unreachable: The server does not say.
        """
        tallies = self._tallies()
        self.before = added(list(tallies.values()))
        self._written_before = self._written()
        self.newest = {room: self._newest(room) if each["messages"] else 0 for room, each in tallies.items()}

    def since(self) -> dict[str, Any] | None:
        """The tallies of this run.

        Raises:
            Unreachable: The server does not say.
        """
        return less(added(list(self._tallies().values())), self.before) if self._rooms else None

    def per_send(self) -> float | None:
        """Messages in one write to a listener's socket, on average; None where the server shows nobody its metrics, has
        begun to count anew, or has written nothing."""
        deliveries, sends = (now - before for now, before in zip(self._written(), self._written_before, strict=True))
        return deliveries / sends if deliveries > 0 and sends > 0 else None

    def _written(self) -> list[float]:
        return self._house.metrics("fanout_deliveries_total", "fanout_sends_total")

    def _tallies(self) -> dict[str, dict[str, Any]]:
        path = "/v1/rooms/{}/tallies"
        return {room: self._house.call("moderator", "GET", path.format(quote(room))) for room in self._rooms}

    def _newest(self, room: str) -> int:
        """Found by asking whether there is one above a number, for nobody reads a million of them."""
        above = 1
        while self._has_above(room, above):
            above *= 2
        below = above // 2
        while above - below > 1:
            middle = (below + above) // 2
            below, above = (middle, above) if self._has_above(room, middle) else (below, middle)
        return above

    def _has_above(self, room: str, number: int) -> bool:
        path = f"/v1/rooms/{quote(room)}/submissions?limit=1&after={number}"
        return bool(self._house.call("moderator", "GET", path)["submissions"])
