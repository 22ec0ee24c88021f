"""Ways to break the promises of a server, for the tests that must notice: each bends what a connection is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Entry = dict[str, Any]
Bend = Callable[[int, list[Entry]], list[Entry]]
"""Given the number of a connection and what it should be sent, what it is sent."""


def drop_every(every: int) -> Bend:
    """Leave one message in `every` out, another one for each connection."""
    return lambda number, entries: [each for each in entries if not _chosen(number, each, every)]


def repeat_every(every: int) -> Bend:
    """Send one message in `every` twice."""
    return lambda number, entries: [each for each in entries for _ in range(1 + _chosen(number, each, every))]


def swap_every(every: int) -> Bend:
    """Hold one message in `every` back until the one after it was sent."""
    held: dict[int, Entry] = {}

    def bend(number: int, entries: list[Entry]) -> list[Entry]:
        sent = []
        for each in entries:
            if _chosen(number, each, every):
                held[number] = each
                continue
            sent.append(each)
            if number in held:
                sent.append(held.pop(number))
        return sent

    return bend


def _chosen(number: int, entry: Entry, every: int) -> bool:
    """One in `every`, scattered over connections and messages."""
    return (entry["seq"] * 37 + number * 101) % every == 0
