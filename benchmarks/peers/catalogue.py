"""Every server that can be measured: how to start it, where listeners connect, how one publishes, why it is missing."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Final

from benchmarks.load.control import ALL_CORES, ROOT, Target
from benchmarks.load.publisher import CommandPublisher, FramePublisher, WebSocketPublisher
from benchmarks.peers import install
from benchmarks.peers.process import Server

ROOM: Final = "bench"
SECRET: Final = "a secret for benchmarks only, 32 bytes"
SERVERS: Final = install.HERE / "servers"


@dataclass(frozen=True)
class Options:
    """What a benchmark may ask of a server that can do it."""

    durable: bool = False
    """Messages are on disk before they are acknowledged."""
    events: bool = False
    """Listeners come by server-sent events."""
    mode: str = "stage"
    """fanout's kind of room."""
    plugins: tuple[str, ...] = ()
    """Plug-ins that look at submissions."""
    workers: int = 0
    """Processes that carry listeners; 0: one process for everything."""
    rooms: int = 0
    """More rooms, all of which follow the one that is published to."""
    all_cores: bool = False
    """Nothing is pinned: there are more processes than cores."""


@dataclass(frozen=True)
class Peer:
    """One server in the comparison."""

    name: str
    label: str
    start: Callable[[Options], Server]
    missing: Callable[[], str]
    """Why it cannot be had here; empty when it can."""
    version: Callable[[], str]
    floor: bool = False


def no_reason() -> str:
    return ""


def said(*command: str) -> Callable[[], str]:
    """Return a function that asks a program for its version."""

    def ask() -> str:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
        found = re.search(r"\d+\.\d[\w.-]*", done.stdout + done.stderr)
        return found[0] if found else "?"

    return ask


# --- fanout ----------------------------------------------------------------------------------------------------------


FANOUT: Final = [sys.executable, "-m", "fanout"]


@cache
def token(role: str = "publisher") -> str:
    """Return a token, as an operator gets one; good for every server with the same secret."""
    command = [*FANOUT, "token", "--role", role, "--room", ROOM]
    environment = os.environ | {"FANOUT_SECRET": SECRET}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=20, check=True)
    return done.stdout.strip()


def followers(rooms: int) -> list[str]:
    """The names of so many rooms that follow the one that is published to."""
    return [f"portal-{i}" for i in range(1, rooms + 1)]


def start_fanout(options: Options) -> Server:
    def command(folder: Path) -> list[str]:
        place = ["--data", str(folder / "data")] if options.durable else ["--memory"]
        plugins = [word for name in options.plugins for word in ("--plugin", name)]
        rooms = [f'[rooms.{name}]\nfollows = ["{ROOM}"]\n' for name in followers(options.rooms)]
        (folder / "rooms.toml").write_text(f'[rooms.{ROOM}]\nmode = "{options.mode}"\n' + "".join(rooms))
        many = ["--workers", str(options.workers)] if options.workers else []
        return [*FANOUT, "serve", "--port", "0", *place, *many, "--config", str(folder / "rooms.toml"), *plugins]

    server = Server(
        command,
        environment={"FANOUT_SECRET": SECRET},
        core=ALL_CORES if options.all_cores else 0,
        seconds=20 + 3 * options.workers,
    )
    if options.events:
        path, resume = f"/v1/rooms/{ROOM}/events", f"/v1/rooms/{ROOM}/events?after=POSITION"
    else:
        path, resume = f"/v1/ws?room={ROOM}", f"/v1/ws?room={ROOM}&after={ROOM}@POSITION"
    server.target = Target(server.host, server.port, path, events=options.events, resume_path=resume)
    server.make_publisher = lambda: CommandPublisher(server.host, server.port, ROOM, token())
    return server


# --- the others ------------------------------------------------------------------------------------------------------


def websocket_peer(command: list[str], environment: dict[str, str] | None = None) -> Callable[[Options], Server]:
    """Return a starter for a server with listeners on /sub and a publisher on /pub."""

    def start(options: Options) -> Server:
        server = Server(lambda folder: command, environment=environment)
        server.target = Target(server.host, server.port, "/sub")
        server.make_publisher = lambda: WebSocketPublisher(server.host, server.port, "/pub")
        return server

    return start


def start_nchan(options: Options) -> Server:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]

    def command(folder: Path) -> list[str]:
        config = (SERVERS / "nchan.conf").read_text()
        user = "root" if os.getuid() == 0 else "nobody"
        values = {"PREFIX": folder, "PORT": port, "USER": user, "MODULES": install.nchan_modules()}
        for name, value in values.items():
            config = config.replace(name, str(value))
        (folder / "nginx.conf").write_text(config)
        return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]

    server = Server(command, address=("127.0.0.1", port))
    server.target = Target(server.host, server.port, "/sub")
    server.make_publisher = lambda: WebSocketPublisher(server.host, server.port, "/pub")
    return server


def nchan_missing() -> str:
    if shutil.which("nginx") is None or install.nchan_modules() is None:
        return "nginx with nchan is not installed (apt install nginx libnginx-mod-nchan)"
    return ""


def start_floor(*command: str) -> Callable[[Options], Server]:
    def start(options: Options) -> Server:
        server = Server(lambda folder: list(command), core=ALL_CORES if options.all_cores else 0)
        server.target = Target(server.host, server.port, "", raw=True)
        server.make_publisher = lambda: FramePublisher(server.host, server.publisher_port)
        return server

    return start


def bun(*arguments: str) -> list[str]:
    return [str(install.bun_binary() or "bun"), *arguments]


def uvloop_version() -> str:
    found = list((install.PEERS / "python").glob("uvloop-*.dist-info"))
    return f" on uvloop {found[0].name.split('-')[1].removesuffix('.dist')}" if found else ""


NODE: Final = {"NODE_PATH": str(install.PEERS / "node_modules")}
PYTHON: Final = {"PYTHONPATH": str(install.PEERS / "python")}

PEERS: Final[dict[str, Peer]] = {
    peer.name: peer
    for peer in (
        Peer("fanout", "fanout", start_fanout, no_reason, lambda: metadata.version("fanout-live")),
        Peer(
            "bun",
            "Bun",
            lambda options: websocket_peer(bun("run", str(SERVERS / "bun.js")))(options),
            lambda: "" if install.bun_binary() else "npm could not install Bun's platform package",
            lambda: said(*bun("--version"))(),
        ),
        Peer(
            "uws",
            "uWebSockets in Node",
            websocket_peer(["node", str(SERVERS / "uws.js")], NODE),
            install.uws_missing,
            lambda: "20.30 on Node " + said("node", "--version")(),
        ),
        Peer(
            "ws",
            "ws in Node",
            websocket_peer(["node", str(SERVERS / "ws.js")], NODE),
            lambda: install.node_missing("ws"),
            lambda: said("node", "-p", f"require({str(install.PEERS / 'node_modules/ws/package.json')!r}).version")(),
        ),
        Peer("nchan", "nchan in nginx", start_nchan, nchan_missing, said("nginx", "-v")),
        Peer(
            "websockets",
            "websockets broadcast()",
            websocket_peer([sys.executable, str(SERVERS / "websockets_broadcast.py")], PYTHON),
            no_reason,
            lambda: metadata.version("websockets") + uvloop_version(),
        ),
        Peer(
            "trio-websocket",
            "trio-websocket, a task each",
            websocket_peer([sys.executable, str(SERVERS / "trio_textbook.py")]),
            no_reason,
            lambda: metadata.version("trio-websocket"),
        ),
        Peer(
            "floor-c",
            "floor: send() in C",
            start_floor(str(install.FLOOR)),
            lambda: "" if install.FLOOR.exists() else "there is no C compiler (apt install gcc)",
            lambda: "",
            floor=True,
        ),
        Peer(
            "floor-python",
            "floor: send() in Python",
            start_floor(sys.executable, str(SERVERS / "floor.py")),
            no_reason,
            lambda: "",
            floor=True,
        ),
        Peer(
            "floor-trio",
            "floor: a turn of trio, send() in Python",
            start_floor(sys.executable, str(SERVERS / "floor_trio.py")),
            no_reason,
            lambda: "",
            floor=True,
        ),
        Peer(
            "floor-handshake",
            "floor: a bare handshake in Python",
            websocket_peer([sys.executable, str(SERVERS / "floor_handshake.py")]),
            no_reason,
            lambda: "",
            floor=True,
        ),
    )
}
