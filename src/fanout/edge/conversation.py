"""What a WebSocket listener may say once it is here, and what it is answered."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from math import ceil
from time import perf_counter
from typing import TYPE_CHECKING

from fanout.core.admission import TokenBucket
from fanout.core.closing import Bye, CloseCode
from fanout.core.limits import COMMAND_BURST, COMMANDS_PER_SECOND, MAX_REFUSED_COMMANDS
from fanout.core.principal import Role
from fanout.edge.connection import Connection, Stage
from fanout.edge.inbound import receive_frames
from fanout.edge.places import listener_id, take_place
from fanout.edge.room_view import NotYet
from fanout.errors import FanoutError, InvalidInput, ProtocolViolation, TooSoon
from fanout.wire.commands import Command, Ping, Publish, Submit, Subscribe, Unsubscribe, read_command
from fanout.wire.frames import Binary, Close, Received, Text, close_frame, pong_frame
from fanout.wire.frames import Ping as PingFrame
from fanout.wire.rendered import Format
from fanout.wire.replies import Error, Pong, Published, Welcome, render_reply

if TYPE_CHECKING:
    from trio import Nursery

    from fanout.edge.hub import Hub

CLIENTS_OWN_CODES = 3000
"""Close codes from here on mean what a client pleases (RFC 6455 §7.4.2); they count as one, for a label of ours is not
a client's to choose."""

COMMANDS_WAITING = 100
"""Publications and submissions of one connection that may wait for the log or the desk; more are refused with
`rate_limited`."""


class Conversation:
    """Answers the commands of WebSocket listeners. `nursery` runs what has to wait for the log or the desk."""

    def __init__(self, hub: Hub, heartbeat_seconds: int, nursery: Nursery) -> None:
        self._hub = hub
        self._heartbeat_seconds = heartbeat_seconds
        self._nursery = nursery

    def received(self, connection: Connection, data: bytes) -> None:
        """Take what came over a listener's socket."""
        if not connection.is_websocket:
            return  # an event stream's client has nothing to say
        try:
            receive_frames(connection, data, self._hub.max_frame_bytes, self._take)
        except ProtocolViolation as violation:
            self._hub.statistics.errors[violation.code] += 1
            self._hub.sending.leave(connection, Bye(CloseCode(violation.close_code), violation.detail))

    def _take(self, connection: Connection, item: Received) -> None:
        match item:
            case Text(payload) | Binary(payload):
                self._command(connection, payload)
            case PingFrame(payload):
                with suppress(TooSoon):  # beyond the rate it is not answered; the next one is (§5.5.3)
                    self._within_rate(connection)
                    self._hub.sending.control(connection, pong_frame(payload))
            case Close(code, _):
                self._hub.statistics.closes[min(code, CLIENTS_OWN_CODES)] += 1
                self._hub.sending.last(connection, close_frame(code))

    def _command(self, connection: Connection, payload: str | bytes) -> None:
        if isinstance(payload, str) is not (connection.format is Format.JSON):
            wanted = "JSON in text frames" if connection.format is Format.JSON else "MessagePack in binary frames"
            raise ProtocolViolation(f"This connection speaks {wanted}.", close_code=CloseCode.BAD_COMMAND)
        ref: str | None = None
        try:
            self._within_rate(connection)
            command = read_command(payload, connection.format)
            ref = getattr(command, "ref", None)
            self._obey(connection, command)
        except ProtocolViolation:
            raise
        except FanoutError as error:
            self._refuse(connection, error, ref)

    def _within_rate(self, connection: Connection) -> None:
        """Visitors' commands have a rate; a flood ends the connection."""
        if connection.principal.role is not Role.VISITOR:
            return
        extra = connection.more()
        now = perf_counter()
        if extra.bucket is None:
            extra.bucket = TokenBucket(COMMANDS_PER_SECOND, COMMAND_BURST, now)
        if extra.bucket.take(now):
            extra.refused = 0
            return
        extra.refused += 1
        if extra.refused > MAX_REFUSED_COMMANDS:
            raise ProtocolViolation("Far too many commands.", close_code=CloseCode.BAD_COMMAND, code="flood")
        after_s = extra.bucket.seconds_until_next()
        raise TooSoon(f"{COMMANDS_PER_SECOND} commands a second are the most; wait {after_s:.2f} s.", after_s=after_s)

    def _refuse(self, connection: Connection, error: FanoutError, ref: str | None) -> None:
        self._hub.statistics.errors[error.code] += 1
        after_ms = ceil(error.after_s * 1000) if isinstance(error, TooSoon) else None
        reply = Error(error.code, error.detail, getattr(error, "ref", None) or ref, after_ms=after_ms)
        self._hub.sending.control(connection, render_reply(reply, connection.format))

    def _obey(self, connection: Connection, command: Command) -> None:
        match command:
            case Subscribe() | Unsubscribe():
                postponed = None if connection.extra is None else connection.extra.postponed
                if not postponed:
                    self._move(connection, command)
                elif len(postponed) >= COMMANDS_WAITING:
                    raise InvalidInput(f"{COMMANDS_WAITING} commands wait already.", code="rate_limited")
                else:
                    postponed.append(command)
            case Ping():
                self._hub.sending.control(connection, render_reply(Pong(), connection.format))
            case Publish() | Submit():
                self._hand_up(connection, command)

    def _move(self, connection: Connection, command: Subscribe | Unsubscribe) -> None:
        """Into a room or out of one; once this edge follows it, and has heard as much of it as they have."""
        if isinstance(command, Unsubscribe):
            subscription = connection.subscription(command.room)
            if subscription is None:
                raise InvalidInput(f"This connection does not listen to {command.room!r}.", code="not_subscribed")
            self._hub.unsubscribe(subscription)
            return
        try:
            welcome, gap, place = take_place(self._hub, connection, command.room, command.after, command.last)
        except NotYet as obstacle:
            connection.more().postponed.appendleft(command)
            obstacle.call_back(partial(self._move_on, connection))
            return
        reply = Welcome(listener_id(connection), self._heartbeat_seconds, {command.room: welcome})
        self._hub.sending.first(connection, render_reply(reply, connection.format) + gap, (place,))

    def _move_on(self, connection: Connection, refusal: FanoutError | None) -> None:
        """What the first of the postponed commands waited for is there, or can't be had."""
        postponed = connection.more().postponed
        waits = len(postponed)
        while postponed and connection.stage is Stage.LISTENING and len(postponed) <= waits:
            command, waits = postponed.popleft(), len(postponed)
            try:
                if refusal is not None:
                    raise refusal
                self._move(connection, command)
            except FanoutError as error:
                self._refuse(connection, error, None)
            except Exception as fault:
                self._hub.fault(fault, connection)
            refusal = None
            self._hub.rooms.up_to_date = False  # the others may have come when that was not certain any more

    def _hand_up(self, connection: Connection, command: Publish | Submit) -> None:
        """Queue what has to wait; what one connection says is handed up in the order in which it came."""
        extra = connection.more()
        if len(extra.waiting) >= COMMANDS_WAITING:
            raise InvalidInput(f"{COMMANDS_WAITING} commands wait already.", code="rate_limited")
        extra.waiting.append(command)
        if not extra.handing_up:
            extra.handing_up = True
            self._nursery.start_soon(self._hand_up_all, connection)

    async def _hand_up_all(self, connection: Connection) -> None:
        extra = connection.more()
        while extra.waiting:
            command = extra.waiting.popleft()
            try:
                if isinstance(command, Publish):
                    await self._publish(connection, command)
                else:
                    await self._submit(connection, command)
            except FanoutError as error:
                if connection.stage is Stage.LISTENING:
                    self._refuse(connection, error, command.ref)
            except Exception as fault:
                self._hub.fault(fault, connection)
        extra.handing_up = False

    async def _publish(self, connection: Connection, command: Publish) -> None:
        message = await self._hub.feed.publish(connection.principal, command)
        if connection.stage is Stage.LISTENING:
            reply = Published(message.room, message.id, message.position, command.ref)
            self._hub.sending.control(connection, render_reply(reply, connection.format))

    async def _submit(self, connection: Connection, command: Submit) -> None:
        authors = self._hub.authors
        authors.submitting(connection)
        try:
            submission = await self._hub.feed.submit(connection.principal, command, connection.address)
            authors.answered(connection, submission, command.ref)
        finally:
            authors.settled(connection)
