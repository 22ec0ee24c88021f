"""Frames from a WebSocket client; between two reads nothing is kept but half a frame."""

from __future__ import annotations

from collections.abc import Callable

from fanout.edge.connection import Connection, Stage
from fanout.errors import ProtocolViolation
from fanout.wire.frames import FrameReader, FrameViolation, Received

Take = Callable[[Connection, Received], None]


def receive_frames(connection: Connection, data: bytes, max_message_bytes: int, take: Take) -> None:
    """Give `take` everything that these bytes complete, in order, until the connection leaves.

    Raises:
        ProtocolViolation: With the code to close with; what came whole before the violation has been taken.
    """
    reader = connection.inbound
    if not isinstance(reader, FrameReader):
        reader = FrameReader(max_message_bytes)
    violation: ProtocolViolation | None = None
    try:
        received = reader.feed(data)
    except FrameViolation as broken:
        received, violation = broken.received, broken
    connection.inbound = reader
    for item in received:
        take(connection, item)
        if connection.stage is not Stage.LISTENING:
            return
    if violation is not None:
        raise violation
    if reader.resting:
        connection.inbound = None
