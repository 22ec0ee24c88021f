"""Which submissions have which words: kept behind by a few hundred, which searches look through themselves.

SQLite's full-text index likes many rows at a time: a few in each of many transactions cost several times as much.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Final

from fanout.core.submission import Submission
from fanout.store.rows import COLUMNS, in_powers_of_two, submission_of, values
from fanout.store.words import searched_text, words_of

BEHIND: Final = 512
"""Submissions that wait to be indexed together. To look through them takes about 3 ms."""

PIECE: Final = 2048
"""Rows that are read at a time while many are fed."""


def words_in(submission: Submission) -> str:
    """What is indexed of it: its words with a blank between, as the index's `ascii` tokenizer takes them apart again
    whatever their letters are."""
    return " ".join(words_of(searched_text(submission)))


def match_of(whole: Iterable[str], beginning: str = "") -> str:
    """These words, and the beginning of one, in the index's language; they have nothing that would need care in it."""
    return " ".join([f'"{word}"' for word in sorted(whole)] + ([f'"{beginning}" *'] if beginning else []))


class WordIndex:
    """Used within the ledger's transactions. To be read again (`load`) after one that did not happen."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._indexed = 0
        self._waiting: dict[int, str] = {}
        """What is searched of those that are not indexed, by number; of some that came before `load`, nothing."""

    def load(self) -> None:
        """Read from the file how far it is."""
        (self._indexed,) = self._connection.execute("SELECT indexed FROM progress").fetchone()
        self._waiting.clear()

    def arrived(self, submissions: Iterable[Submission]) -> None:
        """These are new, and wait to be indexed."""
        for submission in submissions:
            self._waiting[submission.number] = searched_text(submission)

    def changed(self, pairs: Iterable[tuple[Submission, Submission]]) -> None:
        """Take the new words of these in place of the old ones."""
        for before, after in pairs:
            if before.number in self._waiting:
                self._waiting[before.number] = searched_text(after)
            elif before.number <= self._indexed and searched_text(before) != searched_text(after):
                self._connection.execute(
                    "INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)", (before.number, words_in(before))
                )
                self._connection.execute(
                    "INSERT INTO words (rowid, text) VALUES (?, ?)", (after.number, words_in(after))
                )

    def follow(self, last: int) -> None:
        """Catch up with number `last` once it is worth it."""
        if last - self._indexed >= BEHIND:
            self.feed(last)

    def feed(self, last: int) -> None:
        """Catch up with number `last`."""
        while self._indexed < last:
            end = min(self._indexed + PIECE, last)
            self._insert([(number, " ".join(words_of(text))) for number, text in self._texts(end)])
            self._indexed = end
        self._connection.execute("UPDATE progress SET indexed = ?", (self._indexed,))

    def clear(self) -> None:
        """Forget all of it."""
        self._connection.execute("INSERT INTO words (words) VALUES ('delete-all')")
        self._indexed = 0
        self._waiting.clear()

    def _texts(self, end: int) -> list[tuple[int, str]]:
        """What is searched of those from the first that is not indexed to `end`, by number."""
        if self._indexed + 1 in self._waiting:  # then all that follow are
            return [(number, self._waiting.pop(number)) for number in range(self._indexed + 1, end + 1)]
        found = self._connection.execute(
            f"SELECT {COLUMNS} FROM submissions AS s WHERE number > ? AND number <= ?",  # noqa: S608
            (self._indexed, end),
        )
        for number in range(self._indexed + 1, end + 1):
            self._waiting.pop(number, None)
        return [(row[0], searched_text(submission_of(row))) for row in found]

    def _insert(self, rows: Sequence[tuple[int, str]]) -> None:
        for part in in_powers_of_two([row for row in rows if row[1]]):
            self._connection.execute(
                f"INSERT INTO words (rowid, text) {values(2, len(part))}", list(chain.from_iterable(part))
            )  # fmt: skip
