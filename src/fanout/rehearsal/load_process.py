"""A load process from outside: it is given its orders, told when to begin, and says in lines of JSON what it saw."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from typing import Any, Self

import trio


class LoadProcess:
    """One that runs. `orders` says what it plays."""

    def __init__(self, process: trio.Process, orders: dict[str, Any]) -> None:
        self._process, self._unread, self.orders = process, b"", orders

    @classmethod
    async def start(cls, orders: dict[str, Any]) -> Self:
        """Start one, which is ready when it has said its first line."""
        command = [sys.executable, "-m", "fanout.rehearsal.load"]
        started = cls(await trio.lowlevel.open_process(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE), orders)
        await started.tell(orders)
        return started

    @property
    def listens(self) -> bool:
        """Whether it plays an audience, which has to be told when nobody speaks any more."""
        return bool(self.orders["kind"] == "audience")

    async def tell(self, what: object) -> None:
        """One line for it."""
        assert self._process.stdin is not None
        await self._process.stdin.send_all(json.dumps(what).encode() + b"\n")

    async def line(self) -> Any:
        """The next one that it says; None at its end."""
        assert self._process.stdout is not None
        while b"\n" not in self._unread:
            received = await self._process.stdout.receive_some(1 << 20)
            if not received:
                return None
            self._unread += received
        line, _, self._unread = self._unread.partition(b"\n")
        return json.loads(line)

    def kill(self) -> None:
        """Whatever it does."""
        self._process.kill()

    async def ended(self) -> None:
        """Return when it has. Cancellation: waits all the same."""
        with trio.CancelScope(shield=True):
            await self._process.wait()


@trio.lowlevel.enable_ki_protection
def kill_all(processes: Iterable[LoadProcess]) -> None:
    """At one go: who presses Ctrl-C again while they end leaves none of them behind."""
    for process in processes:
        process.kill()
