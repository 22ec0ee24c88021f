"""Pages of the queue, fast whatever is asked for: which of the indices leads, and how far it has to be followed.

What a desk looks at is a room's submissions in some states from some sources. Each such list has its place in the
index `queue`, in the order of the numbers, so a page is the beginnings of a few lists, merged. Words have their own
index, and so have persons and mergers. Times have only the list of spans: it says which numbers are worth looking at.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, Final

from fanout.core.limits import MAX_SEQ
from fanout.core.submission import Submission
from fanout.moderation.ports import Query, SentAs
from fanout.store.rows import COLUMNS, SOURCES, STATES, in_powers_of_two, submission_of, values
from fanout.store.schema import SPAN
from fanout.store.word_index import match_of
from fanout.store.words import Search, search_of

FEW: Final = 300
"""So many can be looked through for words one by one in 10 ms; only beyond that the index of words is asked."""

MANY: Final = 15
"""When more than so many of those few have a word, the index takes longer than 20 ms to gather a million's; looking
through all for a page of them takes less than 40."""

MOST_LISTS: Final = 100
"""Lists that are merged in one statement: SQLite takes 500."""


_Lists = list[tuple[int, int, int, int]]
"""Room, state, source and length of lists of the queue."""


@dataclass(frozen=True, slots=True)
class _Range:
    """Numbers above `after`, up to `last`."""

    after: int
    last: int


@dataclass(frozen=True, slots=True)
class _Condition:
    """A condition on `submissions AS s`, and its values."""

    sql: str
    values: tuple[Any, ...]


class Pages:
    """Reads pages on a connection for reading; each call is one transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def page(self, query: Query) -> list[Submission]:
        """Up to `query.limit` submissions, oldest first. May raise `sqlite3.Error`."""
        limit = max(min(query.limit, MAX_SEQ), 0)
        search = search_of(query.search)
        condition = self._condition(query)
        if condition is None or limit == 0:
            return []
        found: list[Submission] = []
        for numbers in self._ranges(query):
            found += self._in_range(query, search, condition, numbers, limit - len(found))
            if len(found) >= limit:
                break
        return found

    def known(self, names: Sequence[SentAs]) -> dict[SentAs, Submission]:
        """Of these, what has come before. May raise `sqlite3.Error`."""
        asked = [(room, SOURCES[source], own) for room, source, own in names]
        found = {}
        for part in in_powers_of_two(asked):
            rows = self._connection.execute(
                f"WITH asked (name, source, source_id) AS ({values(3, len(part))}) SELECT {COLUMNS} "  # noqa: S608
                "FROM asked CROSS JOIN rooms ON rooms.name = asked.name CROSS JOIN submissions AS s "
                "ON s.source_id = asked.source_id AND s.room = rooms.room AND s.source = asked.source",
                list(chain.from_iterable(part)),
            )
            for submission in map(submission_of, rows):
                found[submission.room, submission.source, submission.source_id] = submission
        return found

    def _condition(self, query: Query) -> _Condition | None:
        """All that is asked for save numbers and words; None when nothing can fulfil it."""
        conditions: list[tuple[str, tuple[Any, ...]]] = []
        if query.room is not None:
            room = self._connection.execute("SELECT room FROM rooms WHERE name = ?", (query.room,)).fetchone()
            if room is None:
                return None
            conditions.append(("s.room = ?", room))
        if query.states:
            conditions.append(_among("s.state", (STATES[state] for state in query.states)))
        if query.sources:
            conditions.append(_among("s.source", (SOURCES[source] for source in query.sources)))
        if query.since is not None:
            conditions.append(("s.at >= ?", (_within_range(query.since),)))
        if query.until is not None:
            conditions.append(("s.at < ?", (_within_range(query.until),)))
        if query.person is not None:
            people = self._connection.execute(
                "SELECT person FROM people WHERE pseudonym = ?", (query.person,)
            ).fetchall()
            if not people:
                return None
            conditions.append(_among("s.person", (person for (person,) in people)))
        if query.merged_into is not None:
            conditions.append(("s.merged_into = ?", (query.merged_into,)))
        sql = " AND ".join(sql for sql, _ in conditions) or "1"
        return _Condition(sql, tuple(value for _, values in conditions for value in values))

    def _ranges(self, query: Query) -> Iterator[_Range]:
        """Where what is asked for may be, by the times."""
        after = max(min(query.after, MAX_SEQ), 0)
        if query.since is None and query.until is None:
            yield _Range(after, MAX_SEQ)
            return
        since = 0 if query.since is None else _within_range(query.since)
        until = MAX_SEQ if query.until is None else _within_range(query.until)
        spans = self._connection.execute(
            "SELECT span FROM spans WHERE span >= ? AND latest >= ? AND earliest < ? ORDER BY span",
            (after // SPAN, since if query.since is not None else -MAX_SEQ, until),
        ).fetchall()
        first = last = None
        for (span,) in spans:
            if last is not None and span == last + 1:
                last = span
                continue
            if first is not None and last is not None:
                yield _Range(max(first * SPAN - 1, after), (last + 1) * SPAN - 1)
            first = last = span
        if first is not None and last is not None:
            yield _Range(max(first * SPAN - 1, after), (last + 1) * SPAN - 1)

    def _in_range(
        self, query: Query, search: Search | None, condition: _Condition, numbers: _Range, limit: int
    ) -> list[Submission]:
        if query.person is not None or query.merged_into is not None:
            index = "submissions_by_merger" if query.person is None else "submissions_by_person"
            return self._led_by(index, condition, numbers, search, limit)
        lists = self._lists(query)
        if search is not None and sum(count for *_, count in lists) > FEW:
            return self._by_words(query, search, lists, condition, numbers, limit)
        return self._along(query, lists, condition, numbers, search, limit)

    def _along(
        self, query: Query, lists: _Lists, condition: _Condition, numbers: _Range, search: Search | None, limit: int
    ) -> list[Submission]:
        """Those that fulfil the condition, one after the other."""
        if query.room is None and not query.states and not query.sources:
            return self._led_by(None, condition, numbers, search, limit)
        return self._merged(query, lists, condition, numbers, search, limit)

    def _led_by(
        self, index: str | None, condition: _Condition, numbers: _Range, search: Search | None, limit: int
    ) -> list[Submission]:
        """Those that fulfil the condition, along an index, or along the numbers themselves."""
        how = "NOT INDEXED" if index is None else f"INDEXED BY {index}"
        statement = (
            f"SELECT {COLUMNS} FROM submissions AS s {how} "  # noqa: S608
            f"WHERE {condition.sql} AND s.number > ? AND s.number <= ? ORDER BY s.number"
        )
        return self._fitting(statement, (*condition.values, numbers.after, numbers.last), search, limit)

    def _lists(self, query: Query) -> _Lists:
        """The lists that are asked for, without the empty ones."""
        counts = self._connection.execute(
            "SELECT room, state, source, messages FROM counts WHERE messages > 0 "
            "AND (?1 IS NULL OR room = (SELECT room FROM rooms WHERE name = ?1))",
            (query.room,),
        )
        states = {STATES[state] for state in query.states or STATES}
        sources = {SOURCES[source] for source in query.sources or SOURCES}
        return [found for found in counts if found[1] in states and found[2] in sources]

    def _merged(
        self,
        query: Query,
        lists: _Lists,
        condition: _Condition,
        numbers: _Range,
        search: Search | None,
        limit: int,
    ) -> list[Submission]:
        """The beginnings of these lists, as one."""
        found: list[Submission] = []
        after = numbers.after
        while len(found) < limit:
            wanted = limit if search is None else FEW
            some = sorted(self._beginnings(query, lists, _Range(after, numbers.last), wanted))[:wanted]
            for begin in range(0, len(some), MOST_LISTS):
                part = some[begin : begin + MOST_LISTS]
                marks = ", ".join("?" * len(part))
                statement = (
                    f"SELECT {COLUMNS} FROM submissions AS s NOT INDEXED WHERE s.number IN ({marks}) "  # noqa: S608
                    f"AND {condition.sql} ORDER BY s.number"
                )
                found += self._fitting(statement, (*part, *condition.values), search, limit - len(found))
            if len(some) < wanted:
                break
            after = some[-1]
        return found

    def _beginnings(self, query: Query, lists: _Lists, numbers: _Range, limit: int) -> Iterator[int]:
        times, when = "", []
        if query.since is not None:
            times += " AND at >= ?"
            when.append(_within_range(query.since))
        if query.until is not None:
            times += " AND at < ?"
            when.append(_within_range(query.until))
        one = (
            "SELECT number FROM (SELECT number FROM submissions INDEXED BY queue "  # noqa: S608
            f"WHERE room = ? AND state = ? AND source = ? AND number > ? AND number <= ?{times} "
            "ORDER BY number LIMIT ?)"
        )
        for begin in range(0, len(lists), MOST_LISTS):
            part = lists[begin : begin + MOST_LISTS]
            values = [
                value
                for room, state, source, _ in part
                for value in (room, state, source, numbers.after, numbers.last, *when, limit)
            ]
            for (number,) in self._connection.execute(" UNION ALL ".join([one] * len(part)), values):
                yield number

    def _by_words(
        self, query: Query, search: Search, lists: _Lists, condition: _Condition, numbers: _Range, limit: int
    ) -> list[Submission]:
        """Those that have the words. The first few are looked through: what many have is found there, and the index,
        which gathers every submission with the beginning of a word before it gives the first, is not asked for it."""
        some = self._along(query, lists, condition, numbers, None, FEW)
        found = [one for one in some if search.fits(one)][:limit]
        if len(some) < FEW or len(found) == limit:
            return found
        left, rest = _Range(some[-1].number, numbers.last), limit - len(found)
        beginning = Search(frozenset(), search.beginning)
        if sum(map(beginning.fits, some)) > MANY:
            if not search.whole:
                return found + self._along(query, lists, condition, left, search, rest)
            return found + self._indexed(match_of(search.whole), search, condition, left, rest)
        return found + self._indexed(match_of(search.whole, search.beginning), search, condition, left, rest)

    def _indexed(
        self, match: str, search: Search, condition: _Condition, numbers: _Range, limit: int
    ) -> list[Submission]:
        """Along the index of words, and then the newest, which are not in it yet."""
        (indexed,) = self._connection.execute("SELECT indexed FROM progress").fetchone()
        statement = (
            f"SELECT {COLUMNS} FROM words AS w CROSS JOIN submissions AS s NOT INDEXED ON s.number = w.rowid "  # noqa: S608
            f"WHERE words MATCH ? AND w.rowid > ? AND w.rowid <= ? AND {condition.sql} ORDER BY w.rowid"
        )
        found = self._fitting(statement, (match, numbers.after, numbers.last, *condition.values), search, limit)
        newest = _Range(max(numbers.after, indexed), numbers.last)
        return found + self._led_by(None, condition, newest, search, limit - len(found))

    def _fitting(self, statement: str, values: Iterable[Any], search: Search | None, limit: int) -> list[Submission]:
        with closing(self._connection.execute(statement, tuple(values))) as rows:
            found = map(submission_of, rows)
            return list(islice((one for one in found if search is None or search.fits(one)), limit))


def _among(column: str, values: Iterable[int]) -> tuple[str, tuple[int, ...]]:
    known = tuple(values)
    return f"{column} IN ({', '.join('?' * len(known))})", known


def _within_range(time: int) -> int:
    return max(min(time, MAX_SEQ), -MAX_SEQ)
