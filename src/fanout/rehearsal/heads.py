"""How far each room is, and has to be: what a room publishes belongs in every room that follows it.

The server's own position of a room can't say so: where following is broken, a room stands still, and nobody in it has
missed anything that it knows of.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from fanout.core.position import Position
from fanout.rehearsal.house import House
from fanout.rehearsal.scenario import Scenario

Head = tuple[str, int]
"""Epoch and number."""


class Heads:
    """Of all rooms of a scenario, since `begin`."""

    def __init__(self, house: House, scenario: Scenario) -> None:
        self._house = house
        self._follows = {name: rooms.followed for rooms in scenario.rooms for name in rooms.names()}
        self._began: dict[str, Head] = {}

    def begin(self) -> None:
        """From here on rooms that follow have to come as far as those that they follow.

        Raises:
            Unreachable: The server does not say.
        """
        self._began = self._known()

    def now(self) -> dict[str, Head]:
        """How far each room is, or has to be where that is further.

        Raises:
            Unreachable: The server does not say.
        """
        return as_followed(self._began, self._known(), self._follows)

    def _known(self) -> dict[str, Head]:
        known = {name: self._house.call("operator", "GET", f"/v1/rooms/{quote(name)}") for name in self._follows}
        positions = {name: Position.parse(each["position"]) for name, each in known.items()}
        return {name: (position.epoch, position.seq) for name, position in positions.items()}


def as_followed(
    began: Mapping[str, Head], now: Mapping[str, Head], follows: Mapping[str, tuple[str, ...]]
) -> dict[str, Head]:
    """`now`, with each room at least as many further than it was as any that it follows, directly or through others."""
    first = {room: began[room][1] if began[room][0] == epoch else 0 for room, (epoch, _) in now.items()}
    came = {room: head - first[room] for room, (_, head) in now.items()}
    for _ in now:  # as long as any chain of rooms may be
        came = {room: max([more, *(came[each] for each in follows[room])]) for room, more in came.items()}
    return {room: (epoch, first[room] + came[room]) for room, (epoch, _) in now.items()}
