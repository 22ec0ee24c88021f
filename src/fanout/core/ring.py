"""The last N entries of a room in memory, by sequence number, shared by everybody who listens.

Appending and reading cost the same however many listeners there are: a listener is a number (its cursor), never a
queue.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Ring(Generic[T]):
    """Items numbered densely; the newest is `head`, the oldest still held is `oldest` (`head + 1` when it is empty).

    Args:
        capacity: How many items are held at most.
        head: The number before the first item to come, when the stream is older than this ring.
    """

    __slots__ = ("_slots", "capacity", "head", "oldest")

    def __init__(self, capacity: int, head: int = 0) -> None:
        if capacity < 1:
            raise ValueError("a ring holds at least one item")
        self.capacity = capacity
        self.head = head
        self.oldest = head + 1
        self._slots: list[T | None] = [None] * capacity

    def append(self, item: T) -> int:
        """Add the next item and return its number; the oldest leaves when the ring is full."""
        self.head += 1
        self._slots[self.head % self.capacity] = item
        if self.head - self.oldest >= self.capacity:
            self.oldest += 1
        return self.head

    def after(self, cursor: int, limit: int) -> list[T]:
        """Up to `limit` items that follow `cursor`, oldest first.

        Raises:
            LookupError: The first of them has left the ring; ask `overtaken` before.
        """
        if cursor + 1 < self.oldest:
            raise LookupError(f"{cursor + 1} has left the ring, which begins at {self.oldest}")
        count = min(self.head - cursor, limit)
        if count <= 0:
            return []
        begin = (cursor + 1) % self.capacity
        end = begin + count
        found = self._slots[begin:end]
        if end > self.capacity:
            found += self._slots[: end - self.capacity]
        return found  # type: ignore[return-value]  # every slot from oldest to head is filled

    def overtaken(self, cursor: int) -> bool:
        """Whether something that follows `cursor` has already left the ring."""
        return cursor + 1 < self.oldest

    def replace(self, number: int, item: T) -> None:
        """Put another item in the place of `number`, if the ring still holds it."""
        if self.oldest <= number <= self.head:
            self._slots[number % self.capacity] = item

    def resized(self, capacity: int) -> Ring[T]:
        """A ring of another capacity with the newest items of this one."""
        kept = self.after(max(self.oldest - 1, self.head - capacity), capacity)
        ring: Ring[T] = Ring(capacity, self.head - len(kept))
        for item in kept:
            ring.append(item)
        return ring

    def __iter__(self) -> Iterator[T]:
        return iter(self.after(self.oldest - 1, self.capacity))

    def __len__(self) -> int:
        return self.head - self.oldest + 1
