"""For integrators who have a trio-websocket server of their own: one connection, one room, one call.

This is the way in at human scale: a task and an encoding for each listener. The hub carries crowds.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgpack
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection

from fanout.core.closing import Bye, CloseCode
from fanout.core.limits import HEARTBEAT_SECONDS, LINGER_SECONDS, SILENCE_SECONDS
from fanout.core.position import Position
from fanout.engine.room import Room
from fanout.errors import EngineClosed, FanoutError, ListenerOvertaken
from fanout.wire.problem import close_code_of
from fanout.wire.rendered import Format, as_object, encode_json
from fanout.wire.replies import RoomWelcome, Welcome, reply_as_object


async def attach(
    connection: WebSocketConnection,
    room: Room,
    *,
    after: Position | str | None = None,
    last: int | None = None,
    format: Format = Format.JSON,
) -> None:
    """Make an accepted connection a listener of a room; return when it has closed, whoever closed it.

    It gets a welcome, then everything, as listeners of the server do; what it says is read and dropped. A ping goes out
    every `HEARTBEAT_SECONDS`, and one that is not answered within `SILENCE_SECONDS` ends the connection: so does a
    client that takes nothing for so long. Everything else that ends it is said in a `bye` first: the listener was too
    slow for a lossless room (4008), the engine closes (1001), a position can't be read (4009), the log fails (1011).

    Args:
        after, last: As for `Room.listen`; text straight from a query will do.
        format: `Format.JSON` or `Format.MSGPACK`: what the connection's subprotocol promised.
    Raises:
        ValueError: `format` is not one for a WebSocket.
    Cancellation: safe; the connection stays open, and may have lost a message halfway: close it.
    """
    if format is Format.EVENTS:
        raise ValueError("a WebSocket carries Format.JSON or Format.MSGPACK")
    said: Bye | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_drop_what_it_says, connection, nursery.cancel_scope)
        nursery.start_soon(_check_that_it_lives, connection, nursery.cancel_scope)
        with suppress(ConnectionClosed):
            bye = await _carry(connection, room, after, last, format)
            await _send(connection, reply_as_object(bye), format)
            said = bye
        nursery.cancel_scope.cancel()
    if said is not None:
        with trio.move_on_after(LINGER_SECONDS):
            await connection.aclose(said.code, said.reason)
    with trio.move_on_after(0):  # closed already, or dead and perhaps halfway through a frame: nothing more is sent
        await connection.aclose()


async def _carry(
    connection: WebSocketConnection, room: Room, after: Position | str | None, last: int | None, format: Format
) -> Bye:
    """Welcome and entries, until something other than the connection ends it: what to say then."""
    try:
        async with room.listen(after=after, last=last) as listener:
            here = RoomWelcome(listener.position, room.settings.mode, listener.recovery)
            welcome = Welcome(secrets.token_hex(6), HEARTBEAT_SECONDS, {room.name: here})
            await _send(connection, reply_as_object(welcome), format)
            async for entry in listener:
                await _send(connection, as_object(entry), format)
    except ListenerOvertaken as error:
        return Bye(CloseCode.TOO_SLOW, "too slow", position=error.resume_after, room=room.name)
    except EngineClosed:
        pass
    except FanoutError as error:
        return Bye(close_code_of(error), error.code, room=room.name)
    return Bye(CloseCode.GOING_AWAY, "The server is going down.", after_ms=1000 + secrets.randbelow(2000))


async def _send(connection: WebSocketConnection, fields: Mapping[str, Any], format: Format) -> None:
    payload = msgpack.packb(fields) if format is Format.MSGPACK else encode_json(fields).decode()
    await connection.send_message(payload)


async def _drop_what_it_says(connection: WebSocketConnection, over: trio.CancelScope) -> None:
    try:
        while True:
            await connection.get_message()
    except ConnectionClosed:
        over.cancel()


async def _check_that_it_lives(connection: WebSocketConnection, over: trio.CancelScope) -> None:
    try:
        while True:
            await trio.sleep(HEARTBEAT_SECONDS)
            with trio.fail_after(SILENCE_SECONDS):
                await connection.ping()
    except (ConnectionClosed, trio.TooSlowError):
        over.cancel()
