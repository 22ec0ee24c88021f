"""A WebSocket echo over the edge's own hub and framing: what protocol suites such as Autobahn are pointed at.

    python -m fanout.testing.echo --port 9001

Every message comes back as it was sent. It is not a part of any event: no rooms, no tokens, no limits but one on size.
"""

from __future__ import annotations

import argparse
import socket
from collections.abc import Callable, Sequence

import msgspec
import trio

from fanout.core.admission import Admission
from fanout.core.message import Entry, Message
from fanout.core.principal import Principal
from fanout.edge.arrival import Arrival
from fanout.edge.connection import Connection, Stage
from fanout.edge.door import Door
from fanout.edge.handover import Handover
from fanout.edge.hub import Hub
from fanout.edge.inbound import receive_frames
from fanout.edge.settings import EdgeSettings
from fanout.errors import ProtocolViolation, RoomNotFound
from fanout.feed.engine_feed import Unmoderated
from fanout.feed.port import Follower
from fanout.wire.commands import Publish
from fanout.wire.frames import (
    Binary,
    Close,
    Ping,
    Received,
    Text,
    binary_frame,
    close_frame,
    pong_frame,
    text_frame,
)
from fanout.wire.join import WEBSOCKET_PATH, HubRequest, handshake_response, hub_request
from fanout.wire.request_head import RequestHead

MAX_ECHO_BYTES = 16 * 1024 * 1024
"""Largest message echoed: the largest that Autobahn's cases send."""


class NoRooms(Unmoderated):
    """The feed of an edge that has no rooms."""

    def follow(self, room: str, follower: Follower) -> Callable[[], None]:
        follower.refused(RoomNotFound("The echo has no rooms."))
        return lambda: None

    async def read(self, room: str, after: int, limit: int) -> Sequence[Entry]:
        raise RoomNotFound("The echo has no rooms.")

    async def catch_up(self) -> None:
        pass

    async def publish(self, principal: Principal, command: Publish) -> Message:
        raise RoomNotFound("The echo has no rooms.")


class Echo:
    """Sends every message back."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def greet(self, connection: Connection, request: HubRequest) -> None:
        self._hub.admission.admit(connection.address, 0.0)
        self._hub.statistics.listeners["websocket"] += 1
        connection.stage = Stage.LISTENING
        self._hub.sending.control(connection, handshake_response(request))

    def received(self, connection: Connection, data: bytes) -> None:
        try:
            receive_frames(connection, data, MAX_ECHO_BYTES, self._take)
        except ProtocolViolation as violation:
            self._hub.sending.last(connection, close_frame(violation.close_code, violation.detail))

    def _take(self, connection: Connection, item: Received) -> None:
        match item:
            case Text(text):
                self._hub.sending.control(connection, text_frame(text.encode()))
            case Binary(data):
                self._hub.sending.control(connection, binary_frame(data))
            case Ping(payload):
                self._hub.sending.control(connection, pong_frame(payload))
            case Close(code):
                self._hub.sending.last(connection, close_frame(code))


def any_path(head: RequestHead) -> HubRequest | None:
    """The echo answers at every path."""
    return hub_request(msgspec.structs.replace(head, path=WEBSOCKET_PATH, query=""))


async def serve_echo(sock: socket.socket, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    """Echo at a listening socket, for ever."""
    settings = EdgeSettings()
    hub = Hub(NoRooms(), Admission(settings.max_listeners, settings.max_per_address), MAX_ECHO_BYTES)
    echo = Echo(hub)
    arrival = Arrival(hub, settings.handshake_seconds, echo.greet, _hand_over, any_path)
    hub.connect_stages(arriving=arrival, listening=echo, secure=arrival.secure)
    Door(hub, arrival, sock).set_open(True)
    task_status.started()
    try:
        await hub.read()
    finally:
        hub.close()


def _hand_over(handover: Handover) -> None:
    handover.sock.close()


def main() -> None:
    """Run the echo until it is interrupted."""
    parser = argparse.ArgumentParser(prog="python -m fanout.testing.echo", description=__doc__.split("\n")[0])
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    arguments = parser.parse_args()
    with socket.create_server((arguments.host, arguments.port), backlog=4096) as sock:
        print(f"echo listening on ws://{arguments.host}:{sock.getsockname()[1]}", flush=True)  # noqa: T201
        try:
            trio.run(serve_echo, sock)
        except KeyboardInterrupt:
            return


if __name__ == "__main__":
    main()
