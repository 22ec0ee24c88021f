"""The client for people's programs: `async for item in client`, and it comes back by itself.

One task owns the connection and reconnects; the queue between it and the reader is short, so a reader that is too slow
is felt by the server, which closes (4008) and lets us resume, and nothing grows meanwhile.
"""

from __future__ import annotations

import collections
import itertools
import random
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import trio
import trio_websocket

from fanout.client.comeback import Comeback, Stopped
from fanout.client.connection import Connection
from fanout.client.news import (
    Answer,
    CommandRefused,
    Connecting,
    Finished,
    Live,
    News,
    NotConfirmed,
    State,
    Waiting,
)
from fanout.client.resume import Item, Resume
from fanout.client.speech import Spoken
from fanout.client.target import Target, Wish
from fanout.core.message import Gap
from fanout.core.position import Position
from fanout.core.room import room_name
from fanout.errors import FanoutError, InvalidInput
from fanout.wire.commands import Command, Publish, Submit, Subscribe, Unsubscribe
from fanout.wire.rendered import Format
from fanout.wire.replies import Error, Notice, Presence, Published, Submission, Typing, Welcome

QUEUED_ITEMS: Final = 256
"""Items that wait for the reader: a second of a busy chat. When they are full, the socket is not read."""


class Client:
    """A listener of some rooms, made by `open_client`. Iterate over it from one task.

    Every message, retraction and gap comes once and in the order of its room, across any number of connections.
    """

    def __init__(
        self, target: Target, resume: Resume, connect: Callable[[], Connection], watch: Callable[[News], None] | None
    ) -> None:
        self._resume, self._connect, self._watch = resume, connect, watch
        self._connection: Connection | None = None
        self._comeback = Comeback()
        self._queue: collections.deque[Item] = collections.deque()
        self._moved = trio.lowlevel.ParkingLot()
        self._answers: dict[str, Answer] = {}
        self._subscribing: tuple[str, Answer] | None = None
        self._one_subscription = trio.Lock()
        self._refs = itertools.count(1)
        self._here: set[str] = set()  # the rooms of the present connection
        self._closing = False
        self.target = target
        self.state: State = Connecting()
        self.positions: dict[str, Position] = {}
        """Where the reader stands in each room: what was handed out, not what was received. Good for `after`."""
        self.presence: dict[str, Presence] = {}
        """The last known counts of each room."""

    @property
    def duplicates(self) -> int:
        """Items that the server sent although they had been had; none was handed out."""
        return self._resume.duplicates

    def __aiter__(self) -> Client:
        return self

    async def __anext__(self) -> Item:
        """The next item.

        Raises:
            Stopped: The server does not want this client back, and everything before has been handed out.
        Cancellation: safe; an item is either handed out or stays.
        """
        while not self._queue:
            if isinstance(self.state, Finished):
                if self.state.error is None:
                    raise StopAsyncIteration
                raise self.state.error
            await self._moved.park()
        await trio.lowlevel.checkpoint_if_cancelled()
        item = self._queue.popleft()
        self.positions[item.room] = item.last if isinstance(item, Gap) else item.position
        self._moved.unpark_all()
        return item

    async def wait_live(self) -> None:
        """Wait until the server has welcomed us; at once if it has.

        Raises:
            Stopped: It will not. Cancellation: safe.
        """
        while not isinstance(self.state, Live):
            if isinstance(self.state, Finished):
                raise self.state.error or Stopped("The client is closed.", code="closed")
            await self._moved.park()

    async def publish(
        self,
        room: str,
        text: str,
        *,
        kind: str = "message",
        re: str | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> Published:
        """Publish (staff); returns when it is durable. Waits for a connection if there is none.

        Raises:
            CommandRefused: The server says why. NotConfirmed: The connection broke meanwhile. Stopped.
        Cancellation: whether it was published is not known then.
        """
        ref = f"p{next(self._refs)}"
        published = await self._ask(ref, Publish(room, text, kind, ref, re, data))
        assert isinstance(published, Published)
        return published

    async def submit(self, room: str, text: str, *, name: str = "", ref: str | None = None) -> Submission:
        """Send what a visitor has to say; returns when it is durable. What becomes of it later comes to `watch`.

        Args:
            name: The display name, if not the one that comes with the token.
            ref: What comes back with each news of it. Somebody with an identity may send the same again under the same
                `ref`: it stays one submission.
        Raises:
            CommandRefused: The server says why, and perhaps when to try again. NotConfirmed: The connection broke
            meanwhile. Stopped. InvalidInput: `ref_in_use`: a submission with this `ref` waits for its answer.
        Cancellation: whether it was taken is not known then.
        """
        ref = f"s{next(self._refs)}" if ref is None else ref
        if ref in self._answers:
            raise InvalidInput(f"Another command with the ref {ref!r} waits for its answer.", code="ref_in_use")
        submission = await self._ask(ref, Submit(room, text, name, ref))
        assert isinstance(submission, Submission)
        return submission

    async def _ask(self, ref: str, command: Publish | Submit) -> Published | Submission | Welcome:
        await self.wait_live()
        answer = self._answers[ref] = Answer()
        try:
            await self._say(command)
            return await answer.wait()
        finally:
            del self._answers[ref]

    async def subscribe(self, room: str, *, after: Position | str | None = None, last: int | None = None) -> None:
        """Listen to one more room from now on, also after reconnections. Returns when the server has said yes.

        Raises:
            CommandRefused: It said no, and the room is forgotten. InvalidInput: `already_subscribed`, and the
            mistakes of `open_client`. Stopped.
        Cancellation: the room may be subscribed or not; `unsubscribe` makes sure.
        """
        wish = Wish(room_name(room), Position.parse(after) if isinstance(after, str) else after, last)
        async with self._one_subscription:
            self._resume.add(wish)
            while True:
                await self.wait_live()
                if room in self._here:
                    return
                connected = self.state
                answer = Answer()
                self._subscribing = (room, answer)
                try:
                    await self._say(Subscribe(room, wish.after, last))
                    await answer.wait()
                except CommandRefused:
                    self._resume.remove(room)
                    raise
                except NotConfirmed:
                    while self.state is connected:  # the next connection asks for it from its first byte
                        await self._moved.park()
                finally:
                    self._subscribing = None

    async def unsubscribe(self, room: str) -> None:
        """Listen to it no more. Items that wait already are still handed out; later ones are not."""
        self._resume.remove(room)
        self._here.discard(room)
        if isinstance(self.state, Live):
            try:
                await self._say(Unsubscribe(room))
            except NotConfirmed:
                return  # the next connection will not ask for it

    async def _say(self, command: Command) -> None:
        assert self._connection is not None
        self._moved.unpark_all()  # a listener that waits for room in the queue must now read on, for the answer
        try:
            await self._connection.send(command)
        except trio_websocket.ConnectionClosed:
            raise NotConfirmed("The connection broke while the command was being sent.") from None

    async def _run(self) -> None:
        """Connect, listen, come back; until the server or the end of the block says otherwise."""
        while True:
            self._enter(Connecting())
            self._connection = self._connect()
            self._here.clear()
            ending = await self._connection.run(self._resume.wishes(), self._hear)
            self._fail_answers()
            if self._closing:
                return
            try:
                wait = self._comeback.wait_seconds(ending, random.random())  # jitter, not a secret
            except Stopped as stopped:
                self._enter(Finished(stopped))
                return
            self._enter(Waiting(wait, ending.reason or f"closed with {ending.status or ending.close_code}"))
            await trio.sleep(wait)

    def _fail_answers(self) -> None:
        waiting = [*self._answers.values(), *([self._subscribing[1]] if self._subscribing else [])]
        for answer in waiting:
            if not answer.arrived.is_set():
                answer.set(NotConfirmed("The connection broke before the server had answered."))

    async def _hear(self, spoken: Spoken) -> None:
        match spoken:
            case Welcome():
                self._welcomed(spoken)
            case Presence():
                self.presence[spoken.room] = spoken
                self._tell(spoken)
            case Published():
                self._answer(spoken.ref, spoken)
            case Submission():
                if not self._answer(spoken.ref, spoken):
                    self._tell(spoken)
            case Error():
                self._refused(spoken)
            case Notice() | Typing():
                self._tell(spoken)
            case _:
                for item in self._resume.accept(spoken):  # type: ignore[arg-type]  # an Ending never comes here
                    await self._offer(item)

    async def _offer(self, item: Item) -> None:
        while len(self._queue) >= QUEUED_ITEMS and not self._answers and self._subscribing is None:
            await self._moved.park()
        self._queue.append(item)
        self._moved.unpark_all()

    def _welcomed(self, welcome: Welcome) -> None:
        for room, stands in welcome.rooms.items():
            self._resume.welcomed(room, stands.position, stands.recovery)
        self._here.update(welcome.rooms)
        assert self._connection is not None
        self._connection.heartbeat_seconds = float(welcome.heartbeat_s)
        self._comeback.succeeded()
        if self._subscribing and self._subscribing[0] in welcome.rooms:
            self._subscribing[1].set(welcome)
        if not isinstance(self.state, Live):
            self._enter(Live(welcome.listener))

    def _answer(self, ref: str | None, value: Published | Submission | FanoutError) -> bool:
        answer = self._answers.get(ref or "")
        if answer is None or answer.arrived.is_set():
            return False
        answer.set(value)
        return True

    def _refused(self, error: Error) -> None:
        after_s = None if error.after_ms is None else error.after_ms / 1000
        refused = CommandRefused(error.detail, code=error.code, after_s=after_s)
        if self._answer(error.ref, refused):
            return
        if error.ref is None and self._subscribing is not None:
            self._subscribing[1].set(refused)
        self._tell(error)

    def _enter(self, state: State) -> None:
        self.state = state
        self._moved.unpark_all()
        self._tell(state)

    def _tell(self, news: News) -> None:
        if self._watch is not None:
            self._watch(news)

    async def _close(self) -> None:
        self._closing = True
        if self._connection is not None:
            await self._connection.close()


@asynccontextmanager
async def open_client(
    url: str,
    *,
    rooms: Iterable[str] | Mapping[str, Position | str | None] = (),
    token: str | None = None,
    format: Format = Format.JSON,
    last: int | None = None,
    ssl_context: ssl.SSLContext | None = None,
    watch: Callable[[News], None] | None = None,
) -> AsyncIterator[Client]:
    """A client that listens to `rooms` for as long as the block runs, reconnecting by itself.

    Args:
        url: `http(s)://` or `ws(s)://host:port`.
        rooms: Names; or names with the position to resume after (None: from now on).
        format: `Format.JSON` or `Format.MSGPACK`.
        last: How many messages of each room to have replayed, where no position is given.
        watch: Called at once with every change of state, every presence, what is being typed, every later news of a
            submission, and every error that answers no command of ours. It must not block or raise.

    Raises:
        InvalidInput: `bad_url`, `bad_room_name`, `bad_position`.
    """
    target = Target.parse(url)
    given = rooms if isinstance(rooms, Mapping) else dict.fromkeys(rooms)
    wishes = [
        Wish(room_name(room), Position.parse(after) if isinstance(after, str) else after, last)
        for room, after in given.items()
    ]
    client = Client(target, Resume(wishes), lambda: Connection(target, format, token, ssl_context), watch)
    failure: Exception | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(client._run)
        try:
            yield client
        except Exception as error:
            failure = error  # raised below, so that it does not come out wrapped in a group
        await client._close()
        nursery.cancel_scope.cancel()
    if not isinstance(client.state, Finished):
        client._enter(Finished())
    if failure is not None:
        raise failure
