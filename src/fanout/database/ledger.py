"""What every ledger does alike: transactions that leave nothing behind when they fail, probes, and erasing.

A ledger is what happens within the transactions of one file (`fanout.database.writer.Ledger`). This is the part of it
that does not depend on what the file is about.
"""

from __future__ import annotations

import sqlite3
from typing import Final

from fanout.database.file import BUSY_SECONDS, truncate_wal

ERASE_SECONDS: Final = 0.1
"""How long erasing waits for readers while others wait for it. Our own reads take milliseconds; for a stranger's that
takes longer it is tried again."""


class FileLedger:
    """The connection that alone writes a file. Used by one thread only.

    Args:
        probe: A statement that really writes, to something that nobody reads.
    """

    def __init__(self, connection: sqlite3.Connection, probe: str) -> None:
        self._connection = connection
        self._probe = probe
        self._stale = True
        """Whether what is known by heart must be read again, since nothing has been read or a transaction has
        failed."""
        self.unerased = False
        """Whether something that is to be gone may still be read in the file or its write-ahead log."""

    def probe(self) -> None:
        """A small transaction that really writes, without waiting for anybody's lock.

        Raises:
            sqlite3.Error: Writing is not possible.
        """
        self._wait_for_locks(0)
        try:
            self._begin()
            self._connection.execute(self._probe)
            self._connection.execute("COMMIT")
        except BaseException:
            self._undo()
            raise
        finally:
            self._wait_for_locks(BUSY_SECONDS)

    def erase(self) -> None:
        """Make what is to be gone unreadable, if nobody reads from the file; `unerased` says whether that succeeded."""
        self._wait_for_locks(ERASE_SECONDS)
        self.unerased = not self._erased()
        self._wait_for_locks(BUSY_SECONDS)

    def close(self) -> None:
        """Close the connection."""
        truncate_wal(self._connection)
        self._connection.close()

    def _erased(self) -> bool:
        """Empty the write-ahead log, where the pages from before are; whether nobody was in the way."""
        return truncate_wal(self._connection)

    def _wait_for_locks(self, seconds: float) -> None:
        self._connection.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")

    def _begin(self) -> None:
        if self._connection.in_transaction:  # even undoing has failed before
            self._connection.execute("ROLLBACK")
        self._connection.execute("BEGIN IMMEDIATE")

    def _undo(self) -> None:
        self._stale = True
        if self._connection.in_transaction:  # after many errors SQLite has done it already
            self._connection.execute("ROLLBACK")
