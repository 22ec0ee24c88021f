"""One server as one process: descriptors, logs, signals, the line on stdout, and the way out."""

from __future__ import annotations

import gc
import os
import resource
import signal
import sys
import threading
from collections.abc import AsyncIterator, Callable
from typing import Final

import structlog
import trio

from fanout.server.logs import configure_logs
from fanout.server.server import Server, open_server
from fanout.server.settings import Config
from fanout.server.status_line import Snapshot, StatusLine, keep_showing

COLLECT_AFTER_ALLOCATIONS = 50_000
"""Container objects made before the garbage collector looks at the young ones; Python's own default is 700. At 500
bytes each that is 25 MB of cycles at the worst, and the hot path makes none."""


HELD_SECONDS: Final = 2.0
"""How long a plug-in that shields itself and does not end may keep the process after everything is closed. It has been
cancelled, given its grace and named by then."""


def raise_descriptor_limit() -> int:
    """Lift the soft limit on descriptors to the hard one, which no right is needed for; the limit as it then is."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def run_server(config: Config, say: Callable[[str], None]) -> None:
    """Run a server until a signal stops it and it has drained; `say` is told where it listens.

    Raises:
        ConfigurationError: It can't start with these settings.
    """
    line = StatusLine(sys.stderr) if sys.stderr.isatty() else None
    configure_logs(config.log_format, line or sys.stderr)
    last_resort = threading.Timer(HELD_SECONDS, _leave)
    last_resort.daemon = True
    try:
        trio.run(serve, config, raise_descriptor_limit(), say, line, last_resort.start)
    finally:
        last_resort.cancel()


def _leave() -> None:
    """End the process where trio can't: it waits for every task, and nothing ends one that does not want to."""
    structlog.get_logger().error("held_by_a_plugin", seconds=HELD_SECONDS)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(1)


async def serve(
    config: Config,
    descriptors: int,
    say: Callable[[str], None],
    line: StatusLine | None,
    closed: Callable[[], None],
) -> None:
    """Start; say where; wait for SIGTERM or SIGINT; drain; a second signal hurries. `closed` is called at the end,
    when nothing is left to lose, however it comes."""
    try:
        await _serve_until_stopped(config, descriptors, say, line)
    finally:
        closed()


async def _serve_until_stopped(
    config: Config, descriptors: int, say: Callable[[str], None], line: StatusLine | None
) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with open_server(config, descriptors) as server, trio.open_nursery() as nursery:
            settle_memory()
            for url in server.urls:
                say(f"fanout listening on {url}")
            if line is not None:
                nursery.start_soon(keep_showing, line, lambda: snapshot(server))
            received = signal.Signals(await anext(signals))
            structlog.get_logger().info("draining", signal=received.name, seconds=config.drain_seconds)
            async with trio.open_nursery() as draining:
                draining.start_soon(_hurry, signals, draining.cancel_scope)
                await server.drain()
                draining.cancel_scope.cancel()
            nursery.cancel_scope.cancel()
    structlog.get_logger().info("stopped")


def settle_memory() -> None:
    """Take what starting has made out of the garbage collector's sight, and have it look less often.

    Listeners are many small objects that live long, and everybody waits while the collector looks through all of them:
    33 ms with what the server consists of alone (53,000 objects), twice that with 19,000 listeners.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER_ALLOCATIONS, 10, 100)


async def _hurry(signals: AsyncIterator[int], scope: trio.CancelScope) -> None:
    """A second signal: what still waits is cut; what was acknowledged is in the log all the same."""
    await anext(signals)
    structlog.get_logger().info("hurrying")
    scope.cancel()


def snapshot(server: Server) -> Snapshot:
    """The counts of this moment."""
    return Snapshot.take(server.edge.statistics(), sum(server.engine.statistics().messages.values()))
