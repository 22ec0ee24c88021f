"""More listeners than one process may have descriptors: several processes of crowd.c, asked together.

Each takes a share, with source addresses of its own, since each address has 28,000 ports. They run where the kernel
puts them, beside the server's processes.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from benchmarks.load.control import ALL_CORES, LoadFailed, Target, on_core
from benchmarks.peers.install import CROWD

MOST_EACH: Final = 19_500
"""Listeners in one process, of 20,000 descriptors."""

FIRST_ADDRESS: Final = 16
"""Sources are 127.16.0.1 and up: away from those of the other clients, whose ports may still be waiting (TIME_WAIT)."""

TICK_MS: Final = 0.1
"""Latencies are counted in such steps, as in crowd.c."""

AGAIN_SECONDS: Final = 0.1
"""Before those who do not read by themselves are asked once more."""

FAULTS: Final = ("missing", "again", "damaged", "broken", "disconnected")


class Crowd:
    """Listeners of one run, over as many processes as they need. Methods raise LoadFailed; a context manager.

    Args:
        shares: How many listeners connect where: to several servers, each with its share, or all to one.
        size: Bytes of a text.
        rooms: Listeners are spread over these; none: the server has no handshake.
        late: Nobody reads before `read`, and when a message came is what the kernel noted then.
    """

    def __init__(
        self,
        shares: Sequence[tuple[Target, int]],
        size: int,
        rooms: Sequence[str] = (),
        *,
        in_flight: int = 256,
        late: bool = False,
    ) -> None:
        if not CROWD.exists():
            raise LoadFailed(
                "crowd.c is not compiled: there is no C compiler (apt install gcc), or --no-fetch was given"
            )
        self.listeners = sum(count for _, count in shares)
        self._processes: list[subprocess.Popen[bytes]] = []
        self._counts: list[int] = []
        for target, wanted in shares:
            parts = -(-wanted // MOST_EACH)
            self._counts += [wanted * (i + 1) // parts - wanted * i // parts for i in range(parts)]
            for count in self._counts[-parts:]:
                where = [target.host, target.port, FIRST_ADDRESS + len(self._processes), count]
                words = [*where, -(-in_flight // parts), size, int(late), *rooms]
                with on_core(ALL_CORES):
                    process = subprocess.Popen(
                        [str(CROWD), *map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
                    )
                self._processes.append(process)

    def __enter__(self) -> Crowd:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()

    def ask(self, command: str, patience: float = 60.0) -> list[dict[str, Any]]:
        """Give everybody a command, then collect the answers."""
        for process in self._processes:
            assert process.stdin is not None
            os.write(process.stdin.fileno(), command.encode() + b"\n")
        return self._answers(command, patience)

    def connect(self, seconds: float = 120.0) -> dict[str, Any]:
        """Connect everybody who is not connected, from where they stand; return when all are, and how long it took."""
        self.ask("connect")
        answers = self.ask(f"wait_open {seconds}", seconds + 10)
        opened = sum(answer["open"] for answer in answers)
        if opened < self.listeners:
            why = next((answer["refused"] for answer in answers if answer["refused"]), f"{seconds:g} s were too few")
            raise LoadFailed(f"only {opened} of {self.listeners} listeners connected: {why}")
        return {"open_s": max(answer["open_s"] for answer in answers), "cpu_share": _total(answers, "cpu_share")}

    def expect(self, number: int) -> None:
        """Arm the next `wait` or `read`: to be called before message `number` is published."""
        self.ask(f"expect {number}")

    def wait(self, seconds: float = 120.0) -> tuple[int, int]:
        """Wait until everybody has had the expected message; return when the first had it, and the last."""
        for process, count in zip(self._processes, self._counts, strict=True):
            assert process.stdin is not None
            os.write(process.stdin.fileno(), f"wait_reached {count} {seconds}\n".encode())
        return self._reached(self._answers("wait_reached", seconds + 10))

    def read(self, seconds: float = 10.0) -> tuple[int, int]:
        """Have those who did not read do so now; return when the first, and the last, got the expected message. Whoever
        has not got it yet is asked again for so long: a server at real-time priority is stopped for 50 ms at times."""
        deadline = time.monotonic() + seconds
        while True:
            answers = self.ask("read")
            if sum(answer["reached"] for answer in answers) >= self.listeners or time.monotonic() > deadline:
                return self._reached(answers)
            time.sleep(AGAIN_SECONDS)

    def report(self) -> dict[str, Any]:
        """What was counted since `begin`, over all; latencies are of deliveries, in milliseconds."""
        answers = self.ask("report")
        ticks: Counter[int] = Counter()
        for answer in answers:
            ticks.update(dict(answer["ticks"]))
        faults = {kind: total for kind in FAULTS if (total := int(_total(answers, kind)))}
        return {
            "deliveries": int(_total(answers, "deliveries")),
            "gaps": int(_total(answers, "gaps")),
            "faults": faults,
            "examples": [answer["example"] for answer in answers if answer["example"]][:5],
            "cpu_share": _total(answers, "cpu_share"),
            "cpu_s": _total(answers, "cpu_s"),
            "p50_ms": _quantile(ticks, 0.50),
            "p99_ms": _quantile(ticks, 0.99),
        }

    def _reached(self, answers: list[dict[str, Any]]) -> tuple[int, int]:
        reached = sum(answer["reached"] for answer in answers)
        if reached < self.listeners:
            raise LoadFailed(f"only {reached} of {self.listeners} listeners had the message")
        return min(answer["first_ns"] for answer in answers), max(answer["last_ns"] for answer in answers)

    def _answers(self, command: str, patience: float) -> list[dict[str, Any]]:
        deadline = time.monotonic() + patience
        return [self._answer(process, command, deadline) for process in self._processes]

    def _answer(self, process: subprocess.Popen[bytes], command: str, deadline: float) -> dict[str, Any]:
        assert process.stdout is not None
        received = b""
        while not received.endswith(b"\n"):  # one answer for each command, so nothing follows it
            ready, _, _ = select.select([process.stdout], [], [], max(deadline - time.monotonic(), 0.0))
            more = os.read(process.stdout.fileno(), 1 << 20) if ready else b""
            if not more:
                raise LoadFailed(f"a load client did not answer {command!r}" + (": it ended" if ready else " in time"))
            received += more
        answer: dict[str, Any] = json.loads(received)
        return answer


def _total(answers: list[dict[str, Any]], value: str) -> float:
    return float(sum(answer[value] for answer in answers))


def _quantile(ticks: Counter[int], part: float) -> float:
    """Which latency, in milliseconds, this part of the deliveries does not exceed."""
    wanted, seen = part * ticks.total(), 0
    for tick in sorted(ticks):
        seen += ticks[tick]
        if seen >= wanted:
            return tick * TICK_MS
    return 0.0
