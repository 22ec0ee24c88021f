"""What a client holds of each room, and what follows for everything that arrives: hand on, drop, or don't believe.

The server promises order and no duplicates on one connection. This class keeps the same promise across connections, and
does not take the server's word for it: a position that was had before is dropped; one that is not the next, without a
gap that says so, is not handed on. The connection is then cut once and the missing part asked for; if it still does not
come, the hole is named in a `Gap` of our own. So every position comes at most once, in order, and none is missing in
silence.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fanout.client.target import Wish
from fanout.core.cursor import Recovery
from fanout.core.message import Entry, Gap, GapReason
from fanout.core.position import Position
from fanout.errors import InvalidInput

Item = Entry | Gap
"""What a listener is given: a message, a retraction, or a gap."""


class Discontinuity(Exception):
    """Something is missing before an item, and no gap said so. Cut the connection and resume: the server has it."""

    def __init__(self, room: str, held: Position, arrived: Position) -> None:
        super().__init__(f"{room}: {arrived} came after {held}, and nothing between")
        self.room, self.held, self.arrived = room, held, arrived


@dataclass(slots=True)
class _Standing:
    """One room. `held`: all up to here was handed on. `untouched`: nothing of it came on this connection yet.
    `insisted`: where we already cut a connection for a hole."""

    held: Position | None
    last: int | None
    untouched: bool = True
    insisted: Position | None = None


class Resume:
    """The rooms of one client. `duplicates` counts what was dropped because it had been had before."""

    def __init__(self, wishes: Iterable[Wish] = ()) -> None:
        self._rooms: dict[str, _Standing] = {}
        self.duplicates = 0
        for wish in wishes:
            self.add(wish)

    def add(self, wish: Wish) -> None:
        """Want one more room.

        Raises:
            InvalidInput: `already_subscribed`.
        """
        if wish.room in self._rooms:
            raise InvalidInput(f"The room {wish.room!r} is subscribed already.", code="already_subscribed")
        self._rooms[wish.room] = _Standing(wish.after, wish.last)

    def remove(self, room: str) -> None:
        """Want it no longer; what still arrives of it is dropped. Does nothing for a room that is not wanted."""
        self._rooms.pop(room, None)

    def wishes(self) -> tuple[Wish, ...]:
        """What to ask for on a new connection, from which everything is awaited anew."""
        for standing in self._rooms.values():
            standing.untouched = True
        return tuple(
            Wish(room, standing.held, standing.last if standing.held is None else None)
            for room, standing in self._rooms.items()
        )

    def welcomed(self, room: str, position: Position, recovery: Recovery) -> None:
        """The server said where we stand: what follows is owed from here on, even if nothing has come yet.

        What we held counts more: a welcome that skips it shows as a hole when the next item comes.
        """
        standing = self._rooms.get(room)
        if standing and standing.held is None and recovery is Recovery.LIVE:
            standing.held = position

    def accept(self, item: Item) -> tuple[Item, ...]:
        """What to hand on now that `item` arrived: nothing, the item, or a gap of our own and the item.

        Raises:
            Discontinuity: Something before it is missing; nothing has changed.
        """
        standing = self._rooms.get(item.room)
        if standing is None:
            return ()
        first, last = (item.first, item.last) if isinstance(item, Gap) else (item.position, item.position)
        held = standing.held
        new_stream = isinstance(item, Gap) and item.reason is GapReason.EPOCH
        if held is None or (new_stream and (standing.untouched or held.epoch != last.epoch)):
            return self._hand_on(standing, last, item)
        if held.epoch == last.epoch and last.seq <= held.seq:
            self.duplicates += 1
            return ()
        if held.epoch == last.epoch and first.seq <= held.seq + 1:
            if isinstance(item, Gap) and first.seq <= held.seq:
                item = Gap(item.room, Position(held.epoch, held.seq + 1), last, item.reason)
            return self._hand_on(standing, last, item)
        if standing.insisted != held:
            standing.insisted = held
            raise Discontinuity(item.room, held, first)
        return self._hand_on(standing, last, *self._with_hole_named(held, item, first, last))

    def _hand_on(self, standing: _Standing, last: Position, *items: Item) -> tuple[Item, ...]:
        standing.held = last
        standing.untouched = False
        return items

    @staticmethod
    def _with_hole_named(held: Position, item: Item, first: Position, last: Position) -> tuple[Item, ...]:
        """A gap from what is held up to the item, and the item; a gap is widened instead."""
        same_stream = held.epoch == last.epoch
        begin = Position(last.epoch, held.seq + 1 if same_stream else 1)
        reason = GapReason.EXPIRED if same_stream else GapReason.EPOCH
        if isinstance(item, Gap):
            return (Gap(item.room, begin, last, item.reason if same_stream else reason),)
        return (Gap(item.room, begin, Position(first.epoch, first.seq - 1), reason), item)
