"""A memory that can't grow without end, for what filters know of people and texts: the newest keys stay, old ones go.

It has two generations. What is written goes to the young one; when that is full, it becomes the old one, and what was
old is forgotten, all at once and at no cost. So the newest `capacity` keys are always known, and never more than twice
as many are kept.
"""

from __future__ import annotations

from typing import Final, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

CAPACITY: Final = 131_072
"""Keys of one generation. A person with one number is about 150 bytes: 40 MiB when both are full."""


class Recent(Generic[K, V]):
    """Remembers a value for each of the newest `capacity` keys."""

    __slots__ = ("_capacity", "_old", "_young")

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self._young) + sum(key not in self._young for key in self._old)

    def get(self, key: K) -> V | None:
        """What was last put there, if it is not forgotten."""
        value = self._young.get(key)
        return self._old.get(key) if value is None else value

    def put(self, key: K, value: V) -> None:
        """Remember it, as the newest."""
        young = self._young
        if len(young) >= self._capacity and key not in young:
            self._old, self._young = young, {}
            young = self._young
        young[key] = value
