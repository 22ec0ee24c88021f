"""The parent's side of the load client: starts it on its own core, gives it commands, reads its answers."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
"""Where `python -m benchmarks` runs."""

SETTLE_SECONDS: Final = 0.3
"""After the last handshake, before anything is published: some servers answer it before they have subscribed the
listener."""


class LoadFailed(Exception):
    """The client broke, or the server did not do what the benchmark needs; the message says which."""


CORES: Final = sorted(os.sched_getaffinity(0))
ALL_CORES: Final = -1
"""For processes that the kernel may run where it likes: there are more of them than cores."""


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Pin processes that are started inside to one core, where there are at least two; to none with ALL_CORES."""
    before = os.sched_getaffinity(0)
    if core == ALL_CORES:
        os.sched_setaffinity(0, CORES)
    elif len(CORES) > 1:
        os.sched_setaffinity(0, {CORES[core % len(CORES)]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@dataclass(frozen=True)
class Target:
    """Where and how the listeners connect."""

    host: str
    port: int
    path: str
    raw: bool = False
    """No handshake: the floor sends frames at once."""
    events: bool = False
    """Server-sent events instead of WebSocket."""
    resume_path: str = ""
    """Path for a listener that comes back; POSITION stands for where it was. Empty: the server cannot resume."""


class LoadClient:
    """One client process. Methods raise LoadFailed; use it as a context manager."""

    def __init__(self, core: int = 1) -> None:
        with on_core(core):
            self.process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.load.client"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
        self._unread = b""
        self._connected = 0

    def __enter__(self) -> LoadClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()

    def ask(self, do: str, patience: float = 30.0, **arguments: Any) -> dict[str, Any]:
        """Give one command and return the answer, which has at least `cpu_share`: the client's use of its core."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        os.write(self.process.stdin.fileno(), json.dumps({"do": do, **arguments}).encode() + b"\n")
        deadline = time.monotonic() + patience
        while b"\n" not in self._unread:
            ready, _, _ = select.select([self.process.stdout], [], [], max(deadline - time.monotonic(), 0.0))
            more = os.read(self.process.stdout.fileno(), 1 << 20) if ready else b""
            if not more:
                raise LoadFailed(f"the load client did not answer {do!r}" + (" in time" if not ready else ": it ended"))
            self._unread += more
        line, _, self._unread = self._unread.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def connect(
        self, target: Target, count: int, *, size: int, number: int = 0, in_flight: int = 256, seconds: float = 120.0
    ) -> dict[str, Any]:
        """Connect `count` listeners, the first message they expect being `number` + 1; return when all are connected.

        The answer has `open_s`, the time from the first SYN to the last finished handshake.
        """
        self.ask("connect", count=count, number=number, size=size, in_flight=in_flight, **vars(target))
        answer = self.ask("wait_open", seconds + 5, seconds=seconds)
        opened = answer["open"] - self._connected
        if opened < count:
            why = ", ".join(answer["refused"]) or f"{seconds:g} s were not enough"
            raise LoadFailed(f"only {opened} of {count} listeners connected: {why}")
        self._connected += count
        return answer

    def expect(self, number: int) -> None:
        """Arm the next `wait`: to be called before message `number` is published."""
        self.ask("expect", number=number)

    def wait(self, count: int, seconds: float = 60.0) -> dict[str, Any]:
        """Wait until `count` listeners have had the expected message; the answer says when the first had it (`p0_ns`),
        and `p50_ns`, `p99_ns`, `p100_ns`."""
        answer = self.ask("wait_reached", seconds + 5, seconds=seconds, count=count)
        if not answer["done"]:
            why = "".join(f"; refused: {why}" for why in answer["refused"][:1])
            have = f"only {answer['reached']} of {count} listeners had the message"
            raise LoadFailed(f"after {seconds:g} s {have}; {answer['open']} are connected{why}")
        return answer

    def begin(self) -> None:
        """Start counting anew."""
        self.ask("begin")

    def report(self) -> dict[str, Any]:
        """Return what was counted since `begin`: deliveries, latencies, faults, and the client's share of its core."""
        return self.ask("report", 120.0)
