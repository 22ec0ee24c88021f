"""Rooms, people and their counts: what a store in SQLite knows by heart of them, and writes with what it counts."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain

from fanout.core.submission import Source, Submission
from fanout.store.rows import SOURCES, STATES, in_powers_of_two, values

EVERY_SOURCE = 0
"""In `crowds`: the people of all sources, each once."""


class TallyBook:
    """Used within the ledger's transactions. To be read again (`load`) after one that did not happen."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def load(self) -> None:
        """Read it from the file."""
        select = self._connection.execute
        self._rooms: dict[str, int] = {name: room for room, name in select("SELECT room, name FROM rooms")}
        self._counts = Counter({(room, source, state): count for room, source, state, count in select(
            "SELECT room, source, state, messages FROM counts")})  # fmt: skip
        self._crowds = Counter({(room, source): people for room, source, people in select(
            "SELECT room, source, people FROM crowds")})  # fmt: skip
        (self._next_person,) = select("SELECT coalesce(max(person), 0) + 1 FROM people").fetchone()
        self._dirty_counts: set[tuple[int, int, int]] = set()
        self._dirty_crowds: set[tuple[int, int]] = set()

    def known_room(self, name: str) -> int | None:
        """The room's number, if it has one."""
        return self._rooms.get(name)

    def room(self, name: str) -> int:
        """The room's number; it is given one."""
        number = self._rooms.get(name)
        if number is None:
            made = self._connection.execute("INSERT INTO rooms (name) VALUES (?)", (name,))
            assert made.lastrowid is not None
            number = self._rooms[name] = made.lastrowid
        return number

    def arrived(self, submissions: Sequence[Submission]) -> dict[tuple[int, str], int]:
        """Count these, which are new, and their people; the numbers of the people, by room and pseudonym."""
        sources: dict[tuple[int, str], int] = {}
        for submission in submissions:
            room, source = self.room(submission.room), SOURCES[submission.source]
            self._add((room, source, STATES[submission.state]), 1)
            if submission.person:
                person = (room, submission.person)
                sources[person] = sources.get(person, 0) | 1 << source
        return self._meet(sources)

    def moved(self, before: Submission, after: Submission) -> None:
        """Count one that was in another state."""
        if before.state is not after.state:
            room, source = self.room(before.room), SOURCES[before.source]
            self._add((room, source, STATES[before.state]), -1)
            self._add((room, source, STATES[after.state]), 1)

    def write(self) -> None:
        """Bring the file up to date."""
        counts = [(*place, self._counts[place]) for place in self._dirty_counts]
        crowds = [(*place, self._crowds[place]) for place in self._dirty_crowds]
        self._run("REPLACE INTO counts", counts)
        self._run("REPLACE INTO crowds", crowds)
        self._dirty_counts.clear()
        self._dirty_crowds.clear()

    def _meet(self, sources: dict[tuple[int, str], int]) -> dict[tuple[int, str], int]:
        known = self._known(sources)
        numbers, new, seen = {}, [], []
        for (room, pseudonym), now in sources.items():
            person, before = known.get((room, pseudonym), (self._next_person, 0))
            numbers[room, pseudonym] = person
            if before | now == before:
                continue
            if before:
                seen.append((before | now, person))
            else:
                self._next_person += 1
                self._enlarge((room, EVERY_SOURCE))
                new.append((person, room, pseudonym, now))
            for source in SOURCES.values():
                if now & ~before & 1 << source:
                    self._enlarge((room, source))
        self._run("INSERT INTO people", new)
        if seen:
            self._connection.executemany("UPDATE people SET sources = ? WHERE person = ?", seen)
        return numbers

    def _known(self, people: Iterable[tuple[int, str]]) -> dict[tuple[int, str], tuple[int, int]]:
        known = {}
        for part in in_powers_of_two(list(people)):
            found = self._connection.execute(
                f"WITH asked (room, pseudonym) AS ({values(2, len(part))}) SELECT p.room, p.pseudonym, p.person, p.sources "  # noqa: S608, E501
                "FROM asked CROSS JOIN people AS p ON p.pseudonym = asked.pseudonym AND p.room = asked.room",
                list(chain.from_iterable(part)),
            )
            known.update({(room, pseudonym): (person, sources) for room, pseudonym, person, sources in found})
        return known

    def _add(self, place: tuple[int, int, int], messages: int) -> None:
        self._counts[place] += messages
        self._dirty_counts.add(place)

    def _enlarge(self, place: tuple[int, int]) -> None:
        self._crowds[place] += 1
        self._dirty_crowds.add(place)

    def _run(self, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
        for part in in_powers_of_two(rows):
            self._connection.execute(
                f"{statement} {values(len(part[0]), len(part))}", list(chain.from_iterable(part))
            )  # fmt: skip


def source_of(number: int) -> Source:
    """The source that the file calls by this number."""
    return next(source for source, known in SOURCES.items() if known == number)
