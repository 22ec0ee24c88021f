"""Plays the evening on a server of its own, fills the hall with a crowd in another process, and shows what it measures.

The numbers are the crowd's: it sits at the other end of every socket, checks each position, and takes the time.
"""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from itertools import cycle
from typing import Any, Final

import trio

from fanout.core.principal import Role
from fanout.errors import ConfigurationError, FanoutError
from fanout.server.demo.cast import Cast
from fanout.server.demo.evening import FOYER, PARTNERS, STAGE
from fanout.server.logs import configure_logs
from fanout.server.resources import raise_descriptor_limit
from fanout.server.server import Server, open_server
from fanout.server.settings import Config, RoomConfig
from fanout.server.status_line import StatusLine

LISTENERS: Final = 5000
"""A full hall that any laptop can seat."""

ARRIVALS_PER_SECOND: Final = 1000
"""So that one can watch the hall fill."""

QUIET_SECONDS: Final = 5
"""Between two lines of numbers where there is no terminal to rewrite one on."""

SPARE_DESCRIPTORS: Final = 1000
"""What the server needs besides its listeners: see `edge_settings`."""

LEAVING_SECONDS: Final = 10.0
"""How long the crowd may take to say its verdict."""

MOST_PORT: Final = 65535


class Hall:
    """The audience: a process of its own, as browsers would be, and the last that it said (`said`).

    It has a session of its own too, so that Ctrl-C reaches us alone and we end it in good order.
    """

    def __init__(self, url: str, listeners: int) -> None:
        rooms = [part for name in (STAGE, *PARTNERS, FOYER) for part in ("--room", name)]
        options = ["--listeners", str(listeners), "--rate", str(ARRIVALS_PER_SECOND), "--allow-gaps"]
        self._command = [sys.executable, "-m", "fanout.client.crowd", "--url", url, *rooms, *options]
        self._process: trio.Process | None = None
        self._leaving = False
        self.said: dict[str, Any] = {}

    async def run(self, show: Callable[[str], None], *, task_status: trio.TaskStatus[None]) -> None:
        """Let them in, and `show` every second what they measure, until they are gone.

        Raises:
            FanoutError: They left by themselves, which nobody asked them to.
        """
        self._process = process = await trio.lowlevel.open_process(
            self._command, stdout=subprocess.PIPE, start_new_session=True
        )
        task_status.started()
        try:
            assert process.stdout is not None
            unread = b""
            async for received in process.stdout:
                *lines, unread = (unread + received).split(b"\n")
                for said in lines:
                    self.said = json.loads(said)
                    show(_numbers(self.said))
        finally:
            process.kill()
            with trio.CancelScope(shield=True):
                await process.wait()
        if not self._leaving:
            raise FanoutError(
                "The simulated audience ended by itself; what it said above tells why.", code="no_audience"
            )

    def leave(self) -> None:
        """Ask them to go; they say their verdict first."""
        self._leaving = True
        self._signal(signal.SIGTERM)

    def cut(self) -> None:
        """Break every connection at once."""
        self._signal(signal.SIGUSR1)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)


def _numbers(said: dict[str, Any]) -> str:
    """What the crowd measured, as one line."""
    parts = [f"{said['listeners']:,} listeners", f"{said['delivered']:,} deliveries"]
    if "rate" in said:
        parts.append(f"{said['rate']:,} a second")
    if said["p50_ms"] is not None:
        parts.append(f"p50 {said['p50_ms']:g} ms  p99 {said['p99_ms']:g} ms")
    if said["resumed"]:
        parts.append(f"{said['resumed']:,} resumed")
    wrong = said["lost"] + said["repeated"] + said["disordered"]
    parts.append(f"gaps {said['gaps']:,}  lost or repeated {wrong:,}")
    return "  ".join(parts)


def run_demo(port: int, listeners: int | None, say: Callable[[str], None]) -> int:
    """Play the evening, again and again, until SIGINT or SIGTERM; the exit code says whether all got everything.

    Args:
        port: To listen on; if somebody else does, any other.
        listeners: In the hall; None for `LISTENERS`, or as many as this process may have descriptors for.
    Raises:
        ConfigurationError: There can't be such a port or so many listeners.
    """
    if not 0 <= port <= MOST_PORT:
        raise ConfigurationError("--port", f"a whole number from 0 to {MOST_PORT}; not {port}.")
    descriptors = raise_descriptor_limit()
    most = max(descriptors - SPARE_DESCRIPTORS, 1)
    if listeners is not None and not 1 <= listeners <= most:
        raise ConfigurationError("--listeners", f"a whole number from 1 to {most} here; not {listeners}.")
    line = StatusLine.on(sys.stderr)
    configure_logs("console", line or sys.stderr)
    return trio.run(play, free_port(port), listeners or min(LISTENERS, most), descriptors, say, line)


def free_port(wanted: int) -> int:
    """`wanted`, if nobody has it on this machine; else 0, which means any."""
    try:
        with socket.create_server(("127.0.0.1", wanted)):
            return wanted
    except OSError:
        return 0


async def play(port: int, listeners: int, descriptors: int, say: Callable[[str], None], line: StatusLine | None) -> int:
    """The server, the stage, the foyer and the hall, in this order; ended in the opposite one."""
    rooms = {
        STAGE: RoomConfig(mode="moderated", title="The evening", chat=FOYER),
        **{name: RoomConfig(mode="stage", follows=(STAGE,), title=title) for name, title in PARTNERS.items()},
        FOYER: RoomConfig(mode="open", title="The foyer"),
    }
    config = Config(port=port, memory=True, rooms=rooms, drain_seconds=2.0)
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with open_server(config, descriptors) as server:
            _welcome(server, say)
            hall = Hall(server.urls[0], listeners)
            async with trio.open_nursery() as audience:
                await audience.start(hall.run, _shower(line, say))
                async with trio.open_nursery() as playing:
                    cast = Cast(server.engine, server.moderation, hall.cut)
                    for part in (cast.play, cast.ask, cast.chat):
                        playing.start_soon(part)
                    await anext(signals)
                    playing.cancel_scope.cancel()
                hall.leave()
                audience.cancel_scope.deadline = trio.current_time() + LEAVING_SECONDS
            await server.drain()
    if line is not None:
        line.show("")
    return _farewell(hall.said, say)


def _farewell(said: dict[str, Any], say: Callable[[str], None]) -> int:
    """The last numbers and what they mean; the exit code.

    Only promises count here: how fast this machine is today, and who was just coming back when the evening ended, is
    not held against the server.
    """
    if said.get("type") != "verdict":
        raise FanoutError("The simulated audience did not say what it got.", code="no_audience")
    say(_numbers(said))
    broken = {name: said[name] for name in ("lost", "repeated", "disordered", "out_of_step", "stopped") if said[name]}
    if broken:
        say(f"Something was promised and not kept: {broken}")
        return 1
    say("Everybody got everything, once and in order.")
    return 0


def _welcome(server: Server, say: Callable[[str], None]) -> None:
    url = server.urls[0]
    program = "fanout" if shutil.which("fanout") else sys.argv[0]  # what can be typed as it stands
    moderator, operator = (
        server.tokens.issue(role, ["*"], name="You", ttl=12 * 3600) for role in (Role.MODERATOR, Role.OPERATOR)
    )
    say(
        f"fanout listening on {url}\n\n"
        "  Open these in a browser. Ask, approve with the key A, put it on air, and answer:\n\n"
        f"  The visitor's page:  {url}/rooms/{STAGE}\n"
        f"  The desk:            {url}/rooms/{STAGE}/desk#token={moderator}\n"
        f"  The stage:           {url}/rooms/{STAGE}/stage#token={moderator}\n"
        f"  A window for a site: {url}/embed/{STAGE}\n"
        f"  The transcript:      {url}/v1/rooms/{STAGE}/transcript\n"
        f"  In a terminal:       {program} listen {STAGE} --url {url}\n\n"
        "  A browser holds one session of the staff, and this is another's. In a private window:\n\n"
        f"  The operator's page: {url}/operate#token={operator}\n\n"
        "  Ctrl-C ends it.\n"
    )


def _shower(line: StatusLine | None, say: Callable[[str], None]) -> Callable[[str], None]:
    """What shows the numbers: in place on a terminal, elsewhere a line now and then."""
    if line is not None:
        return line.show
    seconds = cycle(range(QUIET_SECONDS))
    return lambda numbers: say(numbers) if next(seconds) == 0 else None
