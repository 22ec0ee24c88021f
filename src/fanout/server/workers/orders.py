"""What a process of the server is told at its start, over its standard input; the line that keeps it alive; and what it
says itself, over its standard output.

The supervisor keeps the other end open and says now and then how the server is. When it is gone, however it went, the
line ends, and the process stops as after a signal: nobody is left behind.
"""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import msgspec
import trio

from fanout.server.settings import Config

STOP: Final = signal.SIGTERM
"""Stop, with all others."""

RETIRE: Final = signal.SIGHUP
"""Make room for another process at the same doors."""

HURRY: Final = signal.SIGUSR1
"""Wait for nobody any longer. Not a second STOP: a service manager sends one to every process of the group, and so does
the supervisor."""

STANDARD_INPUT: Final = 0

LINE_BYTES: Final = 64 * 1024
"""One read of the line."""

READY: Final = b"ready\n"
"""What a process writes to its standard output when it serves."""

DRAIN: Final = b"fanout: drain\n"
"""What the engine's process writes there when an operator asks that the whole server be drained; the supervisor does as
after SIGTERM."""

REPLACE: Final = b"fanout: replace\n"
"""The same, of the edges and SIGHUP."""


ASK: Final = b"alive?\n"
"""What the supervisor says now and then to a process that serves. One that is stopped, or computes for ever, does not
answer."""

ALIVE: Final = b"fanout: alive\n"
"""The answer, on standard output."""


class Orders(msgspec.Struct, frozen=True):
    """The first line.

    Args:
        process: What it is called in logs and metrics: `engine`, `edge-1`…
        number: Which of the edges it is, from 0; `edges`: how many there are to be; `begun`: how many there have been
            in its place.
        feed: The path of the engine's socket for edges; `requests`: of that for ordinary requests. For the engine,
            `doors` are those two, listening.
        doors: Descriptors that the process has inherited.
    """

    process: str
    number: int
    edges: int
    begun: int
    config: Config
    feed: str
    requests: str
    doors: tuple[int, ...]


class Health(msgspec.Struct, frozen=True):
    """A later line: which processes do nothing but die."""

    failing: tuple[str, ...] = ()


def _plain(value: object) -> object:
    assert isinstance(value, Path)
    return str(value)


def _path(kind: type, value: Any) -> Any:
    return Path(value)


_encode: Final = msgspec.json.Encoder(enc_hook=_plain).encode
_read_orders: Final = msgspec.json.Decoder(Orders, dec_hook=_path)
_read_health: Final = msgspec.json.Decoder(Health)


def line_of(said: Orders | Health) -> bytes:
    """As it goes over the line."""
    return _encode(said) + b"\n"


def read_orders() -> Orders:
    """This process's orders. Waits for them; ends the process if the supervisor goes before it has given any."""
    received = bytearray()
    while not received.endswith(b"\n"):
        read = os.read(STANDARD_INPUT, 1)  # no more than the line: what follows is read as it comes
        if not read:
            raise SystemExit(1)
        received += read
    return _read_orders.decode(received)


async def later_lines() -> AsyncIterator[bytes]:
    """What the supervisor says later; ends when it is gone."""
    rest = b""
    async with trio.lowlevel.FdStream(os.dup(STANDARD_INPUT)) as line:
        while data := await line.receive_some(LINE_BYTES):
            *whole, rest = (rest + bytes(data)).split(b"\n")
            for written in whole:
                yield written + b"\n"


async def obey(heard: Callable[[Health], None]) -> None:
    """Answer the supervisor, and pass on what it says; return when it is gone. Cancellation: safe."""
    async for line in later_lines():
        if line == ASK:
            tell_supervisor(ALIVE)
        else:
            heard(_read_health.decode(line))


def tell_supervisor(line: bytes) -> None:
    """Say one of the lines above."""
    os.write(1, line)
