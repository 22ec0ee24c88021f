"""Checks that every listener gets every message once and in order, at a cost that leaves the client idle enough.

Taking each frame apart for each listener would make Python the bottleneck. But a broadcast is the same bytes for
everybody: what one listener received was taken apart once (a `Chunk`), and for any other listener that stands at the
same message it is enough that the bytes are equal, all of them. Nothing is sampled.
"""

from __future__ import annotations

from array import array
from collections import Counter
from typing import Any, Final

from benchmarks.load.payload import MARK, POSITION

TICK_NS: Final = 10_000
"""Latencies are counted in steps of 10 µs: finer than a scheduler's turn, coarse enough to add up millions."""

MAX_EXAMPLES: Final = 5
"""Faults told in words; the others are only counted."""


class Chunk:
    """The bytes of one read, taken apart once."""

    __slots__ = ("arrivals", "data", "dues", "last")

    def __init__(self, data: bytes, last: int, dues: list[int]) -> None:
        self.data = data
        self.last = last  # number of the last message, or what it was before when the bytes hold none
        self.dues = dues  # when each message in it was due
        self.arrivals = array("q")  # one entry for each listener that received exactly these bytes


class Ledger:
    """What arrived, what should have, and how late it was."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.chunks: dict[int, Chunk] = {}  # by place(): the hot loop looks here first
        self.positions: dict[int, str] = {}  # the server's own name for a message, where it has one
        self.owed: dict[
            int, set[int]
        ] = {}  # listener -> numbers that were jumped over and may still come, out of order
        self._retired: list[Chunk] = []
        self.faults: Counter[str] = Counter()
        self.examples: list[str] = []
        self.gaps = 0

    @staticmethod
    def place(number: int, length: int) -> int:
        """Return the key for `length` bytes read by a listener that stands at message `number`."""
        return number << 24 | length

    def take_apart(self, who: int, number: int, messages: list[bytes]) -> tuple[int, list[int]]:
        """Check one listener's messages against where it stands; return where it stands now, and their due times."""
        dues: list[int] = []
        for message in messages:
            mark = MARK.search(message)
            if mark is None:
                self.gaps += b'"type":"gap"' in message
                continue
            if len(mark[0]) != self.size:
                self.fault("damaged", f"message {mark[1].decode()} has {len(mark[0])} bytes instead of {self.size}")
            got = int(mark[1])
            if got not in self.positions and (position := POSITION.search(message)):
                self.positions[got] = position[1].decode()
            if got > number:
                if got > number + 1:
                    self.owed.setdefault(who, set()).update(range(number + 1, got))
                number = got
            elif got in self.owed.get(who, ()):
                self.owed[who].discard(got)
                self.fault("reordered", f"message {got} came after {number}")
            else:
                self.fault("repeated", f"message {got} came again after {number}")
            dues.append(int(mark[2]))
        return number, dues

    def remember(self, number: int, data: bytes, last: int, dues: list[int], now: int) -> None:
        """Keep a whole, faultless read, so that the next listener's need only be compared with it."""
        key = self.place(number, len(data))
        if (old := self.chunks.get(key)) is not None:
            self._retired.append(old)
        self.chunks[key] = Chunk(data, last, dues)
        self.chunks[key].arrivals.append(now)

    def count_alone(self, dues: list[int], now: int) -> None:
        """Count messages of a read that was not worth remembering."""
        chunk = Chunk(b"", 0, dues)
        chunk.arrivals.append(now)
        self._retired.append(chunk)

    def fault(self, kind: str, words: str) -> None:
        """Count a fault of the server, and tell the first few."""
        self.faults[kind] += 1
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(f"{kind}: {words}")

    def close(self, missing: int = 0) -> dict[str, Any]:
        """Return counts and latencies since the last call, and start anew. `missing`: messages that nobody jumped over,
        because nothing came after them."""
        ticks: Counter[int] = Counter()
        reads = 0
        for chunk in (*self._retired, *self.chunks.values()):
            reads += len(chunk.arrivals)
            for tick, listeners in Counter(arrival // TICK_NS for arrival in chunk.arrivals).items():
                for due in chunk.dues:
                    ticks[max(tick - due // TICK_NS, 0)] += listeners
        missing += sum(map(len, self.owed.values()))
        if missing:
            self.fault("missing", f"{missing} messages never came")
            self.faults["missing"] = missing
        report = {
            "deliveries": ticks.total(),
            "reads": reads,
            "latency_ms": quantiles(ticks),
            "faults": dict(self.faults),
            "examples": self.examples,
            "gaps": self.gaps,
        }
        self.chunks.clear()
        self._retired.clear()
        self.owed.clear()
        self.faults = Counter()
        self.examples = []
        self.gaps = 0
        return report


def quantiles(ticks: Counter[int]) -> dict[str, float]:
    """Return p50, p90, p99 and the largest of a histogram, in milliseconds."""
    total, seen = ticks.total(), 0
    wanted = {"p50": 0.50 * total, "p90": 0.90 * total, "p99": 0.99 * total, "max": total}
    found: dict[str, float] = {}
    for tick in sorted(ticks):
        seen += ticks[tick]
        for name, rank in wanted.items():
            if name not in found and seen >= rank:
                found[name] = tick * TICK_NS / 1e6
    return found
