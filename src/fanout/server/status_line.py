"""The live line of a server on a terminal: how many listen and what goes out to them, rewritten every second."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import Final, TextIO

import trio

from fanout.core.histogram import Histogram
from fanout.feed.statistics import EdgeStatistics

INTERVAL_SECONDS: Final = 1.0
"""Between two lines: rates over a second are what one can follow with the eye."""

USUAL_COLUMNS: Final = 80
"""Width of a terminal that does not know its own."""

_CLEAR: Final = "\r\x1b[2K"


class StatusLine:
    """A terminal whose last line is ours. Logs are written through it, so that they scroll above the line.

    It has the part of a text file's interface that loggers use.

    Args:
        shared: Other processes write here too, and one of them shows the line: a log line of any takes it away, and
            within a second it is there again.
    """

    def __init__(self, terminal: TextIO, *, shared: bool = False) -> None:
        self._terminal = terminal
        self._shared = shared
        self._line = ""

    @classmethod
    def on(cls, file: TextIO, *, shared: bool = False) -> StatusLine | None:
        """One on this file, if it is a terminal."""
        return cls(file, shared=shared) if file.isatty() else None

    def write(self, text: str) -> int:
        """Write a log line above the status line."""
        if self._line or self._shared:
            self._terminal.write(_CLEAR)
        self._terminal.write(text)
        if self._line and text.endswith("\n"):
            self._terminal.write(self._line)
        return len(text)

    def show(self, line: str) -> None:
        """Put `line` in the place of the one that is shown; empty to take it away."""
        try:
            width = os.get_terminal_size(self._terminal.fileno()).columns or USUAL_COLUMNS
        except OSError:
            width = USUAL_COLUMNS
        self._line = line[: width - 1]
        self._terminal.write(_CLEAR + self._line)
        self._terminal.flush()

    def flush(self) -> None:
        self._terminal.flush()

    def isatty(self) -> bool:
        return self._terminal.isatty()

    def fileno(self) -> int:
        return self._terminal.fileno()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The counts of one moment, in seconds of the monotonic clock."""

    at: float
    statistics: EdgeStatistics
    messages: int
    latency: tuple[int, ...]

    @classmethod
    def take(cls, statistics: EdgeStatistics, messages: int) -> Snapshot:
        return cls(monotonic(), statistics, messages, tuple(statistics.delivery.counts))


def status_text(before: Snapshot, now: Snapshot) -> str:
    """What happened between two snapshots, as one line."""
    seconds = max(now.at - before.at, 1e-6)
    statistics = now.statistics
    deliveries = statistics.deliveries - before.statistics.deliveries
    since = Histogram(statistics.delivery.bounds)
    since.counts = [after - earlier for after, earlier in zip(now.latency, before.latency, strict=True)]
    since.count = sum(since.counts)
    parts = [
        f"{sum(statistics.listeners.values()):,} listeners",
        f"{(now.messages - before.messages) / seconds:,.1f} messages/s",
        f"{deliveries / seconds:,.0f} deliveries/s",
    ]
    if since.count:
        parts.append(f"99 % within {since.quantile(0.99) * 1000:g} ms")
    if statistics.slow:
        parts.append(f"{statistics.slow:,} slow")
    if gaps := sum(statistics.gaps.values()):
        parts.append(f"{gaps:,} gaps")
    return "  ".join(parts)


async def keep_showing(line: StatusLine, take: Callable[[], Awaitable[Snapshot]]) -> None:
    """Show what happens, for ever; when cancelled, the line is taken away."""
    before = await take()
    try:
        while True:
            await trio.sleep(INTERVAL_SECONDS)
            now = await take()
            line.show(status_text(before, now))
            before = now
    finally:
        line.show("")
