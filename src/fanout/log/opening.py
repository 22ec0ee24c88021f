"""The front door of the library: an engine on the log that fits, with one call."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from fanout.engine.engine import Engine, open_engine_on
from fanout.engine.ports import Log
from fanout.log.memory import MemoryLog
from fanout.log.sqlite import open_sqlite_log

LOG_FILE: Final = "log.sqlite3"
"""The log's name in the data directory."""


@asynccontextmanager
async def open_engine(data: Path | None = None, *, log: Log | None = None) -> AsyncIterator[Engine]:
    """Open an engine, and close it with its log at the end.

    Args:
        data: A directory, made when it is not there; what is published is kept in it and survives a crash.
        log: A log of your own. With neither, everything is in memory and gone at the end.

    Raises:
        ConfigurationError: `data` can't be used: another process has it, or what is in it is not a log of ours.
    """
    if data is not None and log is not None:
        raise ValueError("give a directory or a log, not both")
    if log is None:
        log = MemoryLog() if data is None else await open_sqlite_log(Path(data) / LOG_FILE)
    async with open_engine_on(log) as engine:
        yield engine
