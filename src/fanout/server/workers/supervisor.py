"""The process that is started by `fanout serve --workers`: starts the others, watches them, and takes them down.

It holds the doors. Each edge accepts at sockets of its own on the same port (SO_REUSEPORT, socket(7)), and the
supervisor keeps them open: so who has connected to an edge that dies waits in the kernel until the next one accepts,
and a process that makes room hands over without a refused connection. It holds the sockets between the processes too:
an engine that is started again finds its edges waiting there.
"""

from __future__ import annotations

import secrets
import shutil
import signal
import socket
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import structlog
import trio

from fanout.server.data_directory import SECRET_BYTES
from fanout.server.doors import close_doors, open_doors, tls_context, url_of
from fanout.server.edge_share import edge_settings
from fanout.server.logs import configure_logs
from fanout.server.resources import raise_descriptor_limit
from fanout.server.settings import Config
from fanout.server.status_line import StatusLine
from fanout.server.workers.orders import DRAIN, HURRY, REPLACE, STOP, Health, Orders
from fanout.server.workers.slot import DiedAtStart, Slot

STOP_SECONDS: Final = 60.0
"""How long the processes may take to stop, before they are killed: sending everybody away takes ten, a request that is
under way ten more."""

WRONGLY_SET: Final = 2
"""The exit code of a process that can't start with its settings."""

WAITING_EDGES: Final = 256
"""Edges that may wait at a socket of the engine while it is being started."""

WISHES: Final = {DRAIN: signal.SIGTERM, REPLACE: signal.SIGHUP}
"""What the engine's process may ask for, by the line that it writes."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Between:
    """The sockets between the processes, at paths that nobody else can reach."""

    feed: socket.socket
    requests: socket.socket


def run_supervisor(config: Config, edges: int, say: Callable[[str], None]) -> int:
    """Run a server of so many edges until a signal stops it; `say` is told where it listens. Returns the exit code.

    Raises:
        ConfigurationError: An address can't be opened, or no edge could start. What else can be wrong, the engine says.
    """
    configure_logs(config.log_format, StatusLine.on(sys.stderr, shared=True) or sys.stderr)
    edge_settings(config, raise_descriptor_limit(), 0, edges)  # else each edge would say it
    if config.tls_cert is not None and config.tls_key is not None:
        tls_context(config.tls_cert, config.tls_key)
    if config.memory and config.secret is None:  # they must agree on one
        config = msgspec.structs.replace(config, secret=secrets.token_urlsafe(SECRET_BYTES))
    with _sockets_between() as between:
        return trio.run(Supervisor(config, edges, between).run, say)


@contextmanager
def _sockets_between() -> Iterator[_Between]:
    folder = Path(tempfile.mkdtemp(prefix="fanout-"))  # mode 0700
    try:
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as feed,
            socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as requests,
        ):
            for sock, name in ((feed, "feed"), (requests, "requests")):
                sock.bind(str(folder / name))
                sock.listen(WAITING_EDGES)
            yield _Between(feed, requests)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Supervisor:
    """The slots, and what is done with all of them."""

    def __init__(self, config: Config, edges: int, between: _Between) -> None:
        self._config = config
        self._names = [f"edge-{number}" for number in range(1, edges + 1)]
        self._between = between
        self._doors: dict[str, list[socket.socket]] = {}
        self._slots: list[Slot] = []
        self._begun: Counter[str] = Counter()
        """How many processes each name has had."""
        self._stopping = False

    async def run(self, say: Callable[[str], None]) -> int:
        """Start everything, say where, and obey signals until one says to stop. Returns the exit code."""
        try:
            with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
                self._open_all_doors()
                async with trio.open_nursery() as nursery:
                    try:
                        await self._start(nursery)
                    except DiedAtStart as death:
                        if death.code != WRONGLY_SET:  # else it has said so
                            log.error("not_started", reason=str(death))
                        await self._stop(signals)
                        nursery.cancel_scope.cancel()
                        return death.code
                    secure = self._config.tls_cert is not None
                    for door in self._doors[self._names[0]]:
                        say(f"fanout listening on {url_of(door, secure=secure)}")
                    await self._until_stopped(signals, nursery)
                    code = await self._stop(signals)
                    nursery.cancel_scope.cancel()
            log.info("stopped")
            return code
        finally:
            self._close_all_doors()

    async def _start(self, nursery: trio.Nursery) -> None:
        engine = Slot(
            "engine", nursery, self._engine_orders, died=self._died, changed=self._tell_engine, heard=self._asked
        )
        self._slots.append(engine)
        await engine.start()
        deaths: list[DiedAtStart] = []

        async def start(slot: Slot) -> None:
            try:
                await slot.start()
            except DiedAtStart as death:
                deaths.append(death)

        for name in self._names:
            self._slots.append(self._edge_slot(name, nursery))
        async with trio.open_nursery() as starting:
            for slot in self._slots[1:]:
                starting.start_soon(start, slot)
        if deaths:
            raise deaths[0]

    def _edge_slot(self, name: str, nursery: trio.Nursery) -> Slot:
        def died(delay: float) -> None:
            if delay and len(self._doors) > 1:  # nobody would answer there so long: the kernel sends people to others
                self._close_doors(name)
            self._died(delay)

        return Slot(name, nursery, lambda: self._edge_orders(name), died=died, changed=self._tell_engine)

    async def _until_stopped(self, signals: AsyncIterator[int], nursery: trio.Nursery) -> None:
        rolling = False

        async def roll() -> None:
            nonlocal rolling
            await self._replace_edges()
            rolling = False

        async for number in signals:
            if number != signal.SIGHUP:
                log.info("draining", signal=signal.Signals(number).name, seconds=self._config.drain_seconds)
                return
            if rolling:
                log.warning("already_replacing")
            else:
                rolling = True
                nursery.start_soon(roll)

    async def _replace_edges(self) -> None:
        """One by one, each when the one before has made room; nobody any more once the server stops."""
        for slot in self._slots[1:]:
            if self._stopping:
                return
            log.info("replacing", process=slot.name)
            try:
                await slot.replace()
            except DiedAtStart as death:
                if not self._stopping:
                    log.error("not_replaced", process=slot.name, reason=str(death))
                return
        log.info("all_replaced")

    async def _stop(self, signals: AsyncIterator[int]) -> int:
        """Have every process stop, at once all of them; wait for them. A second signal hurries. Returns the exit code:
        that something was wrong with one of them can be seen from outside."""
        self._stopping = True
        self._close_all_doors()
        for slot in self._slots:
            slot.stop(STOP)
        with trio.move_on_after(STOP_SECONDS):
            async with trio.open_nursery() as nursery:

                async def hurry() -> None:
                    async for number in signals:
                        if number == signal.SIGHUP:
                            continue
                        log.info("hurrying")
                        for slot in self._slots:
                            slot.stop(HURRY)

                nursery.start_soon(hurry)
                for slot in self._slots:
                    await slot.ended()
                nursery.cancel_scope.cancel()
        for slot in self._slots:
            slot.stop(signal.SIGKILL)
        return max((slot.exit_code for slot in self._slots), default=0)

    def _asked(self, line: bytes) -> None:
        """What an operator has asked the engine's process for is done as if a signal had come. The rest is what a
        plug-in prints."""
        if number := WISHES.get(line):
            signal.raise_signal(number)
        else:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()

    def _died(self, delay: float) -> None:
        self._tell_engine()

    def _tell_engine(self) -> None:
        """Which processes do nothing but die: whoever asks whether the server is ready hears of it."""
        engine = self._slots[0].current
        if engine is not None:
            failing = tuple(slot.name for slot in self._slots if slot.failing)
            trio.lowlevel.spawn_system_task(engine.tell, Health(failing))

    # --- orders and doors ---------------------------------------------------------------------------------------------

    def _engine_orders(self) -> tuple[Orders, Sequence[int]]:
        return self._orders("engine", [self._between.feed, self._between.requests])

    def _edge_orders(self, name: str) -> tuple[Orders, Sequence[int]]:
        if name not in self._doors:
            self._open_doors(name)
        return self._orders(name, self._doors[name])

    def _orders(self, name: str, doors: Sequence[socket.socket]) -> tuple[Orders, Sequence[int]]:
        descriptors = tuple(door.fileno() for door in doors)
        feed, requests = self._between.feed.getsockname(), self._between.requests.getsockname()
        number = self._names.index(name) if name in self._names else 0
        begun = self._begun[name]
        self._begun[name] += 1
        return Orders(name, number, len(self._names), begun, self._config, feed, requests, descriptors), descriptors

    def _open_all_doors(self) -> None:
        close_doors(open_doors(self._config))  # another server's port would be shared without a word
        for name in self._names:
            self._open_doors(name)

    def _open_doors(self, name: str) -> None:
        if self._config.unix is not None and self._doors:  # a path can't be shared as a port can: all accept at one
            self._doors[name] = next(iter(self._doors.values()))
            return
        doors = self._doors[name] = open_doors(self._config, shared=True)
        if self._config.port == 0 and self._config.unix is None:
            self._config = msgspec.structs.replace(self._config, port=doors[0].getsockname()[1])

    def _close_doors(self, name: str) -> None:
        if self._config.unix is None:
            close_doors(self._doors.pop(name, []))

    def _close_all_doors(self) -> None:
        for doors in self._doors.values():
            close_doors(doors)
        self._doors = {}
