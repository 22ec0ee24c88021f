"""One server as one process: descriptors, logs, signals, the line on stdout, and the way out."""

from __future__ import annotations

import signal
import sys
from collections.abc import AsyncIterator, Callable

import structlog
import trio

from fanout.server.last_resort import last_resort
from fanout.server.logs import configure_logs
from fanout.server.resources import raise_descriptor_limit, settle_memory
from fanout.server.server import Server, open_server
from fanout.server.settings import Config
from fanout.server.status_line import Snapshot, StatusLine, keep_showing


def run_server(config: Config, say: Callable[[str], None]) -> None:
    """Run a server until a signal stops it and it has drained; `say` is told where it listens.

    Raises:
        ConfigurationError: It can't start with these settings.
    """
    line = StatusLine.on(sys.stderr)
    configure_logs(config.log_format, line or sys.stderr)
    with last_resort() as closed:
        trio.run(serve, config, raise_descriptor_limit(), say, line, closed)


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
        async with open_server(config, descriptors, _stop) as server, trio.open_nursery() as nursery:
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


def _stop() -> None:
    """An operator asks for what SIGTERM asks for."""
    signal.raise_signal(signal.SIGTERM)


async def _hurry(signals: AsyncIterator[int], scope: trio.CancelScope) -> None:
    """A second signal: what still waits is cut; what was acknowledged is in the log all the same."""
    await anext(signals)
    structlog.get_logger().info("hurrying")
    scope.cancel()


async def snapshot(server: Server) -> Snapshot:
    """The counts of this moment."""
    return Snapshot.take(server.edge.statistics(), sum(server.engine.statistics().messages.values()))
