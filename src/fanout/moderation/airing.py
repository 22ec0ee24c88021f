"""From the decision to air to the message in the room: exactly once and in order, whatever crashes.

The store commits the decision first, with the id that the message will have. What was committed and not published when
a process died is found at the next start, by the audit trail and the log: a message whose id the log has is not
published again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import trio

from fanout.core.limits import MAX_BATCH_MESSAGES
from fanout.core.message import Author, Retraction
from fanout.core.principal import Role
from fanout.core.room import Mode
from fanout.core.say import Say
from fanout.core.submission import State, Step, Submission
from fanout.engine.engine import Engine
from fanout.engine.room import Room
from fanout.errors import EngineClosed, FanoutError, InvalidInput, LogUnavailable, RoomNotFound, StoreUnavailable
from fanout.moderation.ports import Document, Kind, Store

FIRST_RETRY_SECONDS: Final = 0.25
LAST_RETRY_SECONDS: Final = 5.0
"""Between two attempts while the log takes nothing: a full disk is not emptied faster by asking."""

SETTLE_SECONDS: Final = 60
"""Between two notes of how far everything decided is published: so a start has about a minute's decisions to check."""

_AUDIT_PAGE: Final = 1000
_MARK: Final = "published"


@dataclass(slots=True, eq=False)
class _Flight:
    """One submission on its way to the air."""

    submission: Submission
    tried: bool
    """Whether the log may have it already, so that it is looked for there first."""
    landed: trio.Event = field(default_factory=trio.Event)
    failure: FanoutError | None = None


class Airing:
    """Publishes what was decided to be aired. `recover`, then `run`, come first.

    Nothing that is on its way is lost when the log takes nothing for a while, or when this process dies: it is tried
    again until it is published, or until `abandon`.
    """

    def __init__(self, engine: Engine, store: Store) -> None:
        self._engine = engine
        self._store = store
        self._flights: dict[str, _Flight] = {}
        """By submission, in the order of the decisions."""
        self._intended: list[str] = []
        self._news = trio.Event()
        self._publishing = trio.Lock()

    @contextmanager
    def intended(self, submission_ids: Sequence[str]) -> Iterator[None]:
        """Around deciding to air and `start`: until the end, a note of what is published stops short of these."""
        self._intended += submission_ids
        try:
            yield
        finally:
            for submission_id in submission_ids:
                self._intended.remove(submission_id)

    def start(self, submission: Submission) -> None:
        """Publish this, which is durably `aired`, in the background, after those that came before."""
        self._flights[submission.id] = _Flight(submission, tried=False)
        self._news.set()

    async def landed(self, submission_id: str) -> None:
        """Wait until what was started is in the log.

        Raises:
            LogUnavailable: The log does not take it now. It stays decided, and is published as soon as the log does.
            FanoutError: It can't be published at all.
        Cancellation: safe; it goes on.
        """
        flight = self._flights.get(submission_id)
        if flight is None:
            return
        await flight.landed.wait()
        if flight.failure is not None:
            raise flight.failure

    async def abandon(self, submission_id: str) -> bool:
        """Don't publish this after all; False when it is published, or was never started. Cancellation: safe."""
        async with self._publishing:
            flight = self._flights.get(submission_id)
            if flight is None or (flight.tried and await self._is_published(flight.submission)):
                return False
            del self._flights[submission_id]
            return True

    async def retract(self, room: Room, message_id: str) -> Retraction:
        """Take a message back. One that is on its way is waited for: in an open room its author, and whoever they tell,
        know its id a moment before the log does.

        Raises:
            MessageNotFound: There is no such message, and none is coming.
            LogUnavailable, EngineClosed: As `Room.retract`.
        Cancellation: as `Room.retract`.
        """
        for flight in list(self._flights.values()):
            if flight.submission.message == message_id:
                await self.landed(flight.submission.id)
        return await room.retract(message_id)

    async def all_landed(self) -> None:
        """Wait until everything that was started before is in the log, or the log has refused it once. Cancellation:
        safe."""
        for flight in list(self._flights.values()):
            await flight.landed.wait()

    # --- in the background -------------------------------------------------------------------------------------------

    async def recover(self) -> None:
        """Start everything that was decided and not published before this process began.

        Raises:
            StoreUnavailable, LogUnavailable: It can't be told now what that is.
        """
        after = await self._mark()
        while entries := await self._store.audit(after, _AUDIT_PAGE):
            for entry in entries:
                if entry.draft.action == Step.AIR:
                    await self._recover(entry.draft.subject)
            after = entries[-1].number

    async def _recover(self, submission_id: str) -> None:
        submission = await self._store.find(submission_id)
        if submission is None or submission.state not in (State.AIRED, State.ANSWERED):
            return
        if submission.room in self._engine.rooms:
            self._flights[submission.id] = _Flight(submission, tried=True)
            self._news.set()

    async def run(self) -> None:
        """Publish, and note how far it is done, until cancelled."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._settle_again_and_again)
            pause = FIRST_RETRY_SECONDS
            while True:
                await self._news.wait()
                self._news = trio.Event()
                if await self._publish():
                    pause = FIRST_RETRY_SECONDS
                    continue
                await trio.sleep(pause)
                pause = min(2 * pause, LAST_RETRY_SECONDS)
                self._news.set()

    async def _publish(self) -> bool:
        """Publish what waits; False when the log took not all of it."""
        async with self._publishing:
            by_room: dict[str, list[_Flight]] = {}
            for flight in self._flights.values():
                by_room.setdefault(flight.submission.room, []).append(flight)
            async with trio.open_nursery() as nursery:
                for name, flights in by_room.items():
                    nursery.start_soon(self._publish_in, name, flights)
        return not any(flight.tried for flight in self._flights.values())

    async def _publish_in(self, name: str, flights: list[_Flight]) -> None:
        try:
            room = self._engine.room(name)
            for begin in range(0, len(flights), MAX_BATCH_MESSAGES):
                await self._publish_batch(room, flights[begin : begin + MAX_BATCH_MESSAGES])
        except (LogUnavailable, EngineClosed) as unavailable:
            for flight in flights:
                self._fail(flight, unavailable)
        except RoomNotFound as refusal:
            for flight in flights:
                self._land(flight, refusal)

    async def _publish_batch(self, room: Room, flights: list[_Flight]) -> None:
        fresh = []
        for flight in flights:
            if flight.tried and await self._is_published(flight.submission):
                self._land(flight)
            else:
                fresh.append(flight)
        if not fresh:
            return
        says = [said(flight.submission, room.settings.mode) for flight in fresh]
        for flight in fresh:
            flight.tried = True
        try:
            await room.publish_all(says)
        except InvalidInput as refusal:  # one that nobody could have decided to air; it must not keep the others back
            if len(fresh) == 1:
                self._land(fresh[0], refusal)
                return
            for flight in fresh:
                await self._publish_batch(room, [flight])
        else:
            for flight in fresh:
                self._land(flight)

    def _land(self, flight: _Flight, failure: FanoutError | None = None) -> None:
        self._flights.pop(flight.submission.id, None)
        flight.failure = failure
        flight.landed.set()

    def _fail(self, flight: _Flight, failure: FanoutError) -> None:
        """Tell who waits; it is tried again."""
        if flight.submission.id in self._flights:
            flight.failure = LogUnavailable(f"It is decided, and on air as soon as this is over: {failure.detail}")
            flight.landed.set()
            self._flights[flight.submission.id] = _Flight(flight.submission, tried=True)

    async def _is_published(self, submission: Submission) -> bool:
        assert submission.message is not None
        return await self._engine.room(submission.room).tail.find(submission.message) is not None

    # --- what need not be checked at the next start ------------------------------------------------------------------

    async def _settle_again_and_again(self) -> None:
        while True:
            await trio.sleep(SETTLE_SECONDS)
            try:
                await self.settle()
            except StoreUnavailable:
                continue

    async def settle(self) -> None:
        """Note up to which audit entry everything that was to be aired is published.

        Raises:
            StoreUnavailable: The former note stands.
        """
        noted = after = await self._mark()
        while entries := await self._store.audit(after, _AUDIT_PAGE):
            for entry in entries:
                if entry.draft.subject in self._flights or entry.draft.subject in self._intended:
                    break
                after = entry.number
            if after != entries[-1].number:
                break
        if after != noted:
            await self._store.put([Document(Kind.AIRING, "", _MARK, {"audit": after})])

    async def _mark(self) -> int:
        for document in await self._store.documents(Kind.AIRING):
            if document.id == _MARK and document.body is not None:
                return int(document.body["audit"])
        return 0


def said(submission: Submission, mode: Mode) -> Say:
    """The message that a submission becomes: a question, or in an open room simply what somebody says."""
    assert submission.message is not None
    return Say(
        submission.text,
        Author(submission.name, Role.VISITOR),
        "message" if mode is Mode.OPEN else "question",
        data={"submission": submission.id, "source": str(submission.source)},
        id=submission.message,
    )
