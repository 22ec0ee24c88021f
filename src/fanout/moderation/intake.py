"""The way in, for every source: one at a time with an answer for its author, or many at once from a gateway."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import trio

from fanout.core.ban import network_of
from fanout.core.principal import VISITOR, Action, Principal
from fanout.core.room import Mode
from fanout.core.submission import Source, State, Submission
from fanout.core.submitted_text import checked_text, cleaned_text
from fanout.engine.engine import Engine
from fanout.engine.room import Room, new_message_id, new_message_ids
from fanout.errors import InvalidInput, SubmissionRefused, TooSoon
from fanout.moderation.backlog import AT_A_TIME, Backlog
from fanout.moderation.bans import Bans
from fanout.moderation.changes import Change, Changes
from fanout.moderation.first_step import FirstWord
from fanout.moderation.hooks.hooks import Hooks
from fanout.moderation.names import Names
from fanout.moderation.ports import Arrival, Receipt, Store
from fanout.moderation.register import Register
from fanout.moderation.repeats import Repeats
from fanout.moderation.rules import Rules
from fanout.plugins.interface import RoomView

MAX_SOURCE_ID_CHARACTERS: Final = 200
"""Characters of a sender's own name for a submission, as for an idempotency key. Beyond: `bad_source_id`."""

MAX_ITEMS: Final = 10_000
"""Submissions handed in at once. Beyond: `too_many_items`."""

ONE_COMMIT: Final = 1000
"""Of those, how many share a commit, all or none: others have a turn between."""


@dataclass(frozen=True, slots=True)
class NewSubmission:
    """What somebody has sent.

    Args:
        person: Their pseudonym (`fanout.moderation.people`); empty: unknown.
        source_id: The sender's own name for it: a second one of the same source and room is a repeat. Empty: each is
            another one.
        at: When it was sent, in milliseconds since 1970, UTC; None: now.
    """

    room: str
    text: str
    name: str = ""
    person: str = ""
    source: Source = Source.WEB
    source_id: str = ""
    at: int | None = None


class Intake:
    """Takes submissions in. What it has returned is durable.

    Args:
        clock: Milliseconds since 1970, UTC.
    """

    def __init__(
        self,
        engine: Engine,
        store: Store,
        hooks: Hooks,
        register: Register,
        changes: Changes,
        rules: Rules,
        bans: Bans,
        names: Names,
        clock: Callable[[], int],
    ) -> None:
        self._engine = engine
        self._store = store
        self._hooks = hooks
        self._register = register
        self._changes = changes
        self._rules = rules
        self._bans = bans
        self._names = names
        self._clock = clock
        self._backlog = Backlog(store, register, self._look, AT_A_TIME if hooks.filters_wait else 1)
        self._repeats = Repeats(store)

    async def submit(self, new: NewSubmission, *, by: Principal = VISITOR, address: str = "") -> Submission:
        """Check it, have the plug-ins look at it, keep it and take its first step; return it as it stands then.

        A repeat is returned as it stands before anybody has a say: who sends again after a cut is neither banned nor
        too fast for what is in already.

        Args:
            by: Who says it. Staff who may publish in this room are concerned by neither bans and rules nor plug-ins.
            address: Where it comes from, for bans.
        Raises:
            RoomNotFound: There is no such room.
            InvalidInput: `submissions_closed` on a stage; `bad_source_id`; what is wrong with the text
                (`fanout.core.submitted_text`) or the name (`fanout.moderation.names`).
            SubmissionRefused: `paused`, `announcements_only`: not kept; `rejected`: kept, and a plug-in refuses it.
            Banned: Not kept.
            TooSoon: Not kept; says when.
            StoreUnavailable: Not kept.
        Cancellation: safe; it may be kept all the same.
        """
        room = self._open_room(new.room)
        text = checked_text(new.text)
        arrival = self._arrival(new_message_id(), new.room, new.source, new, text, new.name)
        async with self._repeats.taking(arrival) as known:
            submission = known or await self._entered(arrival, room, by, address)
        if submission.state is State.REJECTED:
            raise SubmissionRefused(submission.reason or "This message is not taken.")
        return submission

    async def receive(self, room: str, source: Source, items: Sequence[NewSubmission]) -> list[Receipt]:
        """Keep them all, in order, and return once they are durable; the plug-ins look at them afterwards.

        Nothing is refused for what is in it: nobody could correct it. Text is put right
        (`fanout.core.submitted_text.cleaned_text`), a name that can't be taken is left out. `room` and `source` stand
        in place of those of the items.

        Raises:
            RoomNotFound: There is no such room.
            InvalidInput: `submissions_closed`, `too_many_items`, `bad_source_id`: none was kept.
            StoreUnavailable: Those from some item on were not kept; sent again, the others are repeats if they have a
                source id.
        Cancellation: safe between two commits.
        """
        self._open_room(room)
        if len(items) > MAX_ITEMS:
            raise InvalidInput(f"At most {MAX_ITEMS} submissions are handed in at once.", code="too_many_items")
        arrivals = []
        for item, id in zip(items, new_message_ids(len(items)), strict=True):
            name = self._names.cleaned(room, item.name) if item.name else ""
            arrivals.append(self._arrival(id, room, source, item, cleaned_text(item.text)[0], name))
        receipts: list[Receipt] = []
        for begin in range(0, len(arrivals), ONE_COMMIT):
            await trio.lowlevel.checkpoint_if_cancelled()
            with trio.CancelScope(shield=True):  # or something might be kept that nobody reviews before the next start
                kept = await self._store.receive(arrivals[begin : begin + ONE_COMMIT])
            new = [receipt.submission for receipt in kept if not receipt.repeated]
            for submission in new:
                self._changes.tell(Change(submission))
            self._backlog.add(new)
            receipts += kept
        return receipts

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Take in, and review what was handed in, until cancelled. What is not reviewed then is at the next start."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._register.run)
            nursery.start_soon(self._backlog.run)
            nursery.start_soon(self._repeats.run)
            task_status.started()

    def _open_room(self, name: str) -> Room:
        room = self._engine.room(name)
        if room.settings.mode is Mode.STAGE:
            raise InvalidInput("Only staff speak in this room.", code="submissions_closed")
        return room

    def _arrival(self, id: str, room: str, source: Source, new: NewSubmission, text: str, name: str) -> Arrival:
        at = self._clock() if new.at is None else new.at
        return Arrival(id, room, source, _source_id(new.source_id) or id, new.person, name, text, at)

    async def _entered(self, arrival: Arrival, room: Room, by: Principal, address: str) -> Submission:
        word = FirstWord()
        exempt = by.may(Action.PUBLISH, arrival.room)
        if not (exempt and arrival.name == by.name):  # that one is theirs, and protected from everybody else
            arrival = replace(arrival, name=self._names.check(arrival.room, arrival.name))
        if not exempt:
            self._bans.check(arrival.room, arrival.person, address)
            self._rules.of(arrival.room).check_taking()
            word = await self._reviewed(arrival, room, address)
        submission = await self._register.enter(arrival, word)
        if submission.state is State.RECEIVED:
            self._backlog.look_again()
        return submission

    async def _reviewed(self, arrival: Arrival, room: Room, address: str) -> FirstWord:
        if not self._hooks.filters:
            return FirstWord()
        draft = Submission(
            number=0,
            id=arrival.id,
            room=arrival.room,
            source=arrival.source,
            source_id=arrival.source_id,
            person=arrival.person or _by_address(address),
            name=arrival.name,
            text=arrival.text,
            at=arrival.at,
        )
        review = await self._hooks.review(draft, view_of(room, self._rules.of(room.name).slow_s))
        if review.retry_after_s is not None:
            reason = next((opinion.reason for opinion in review.opinions if opinion.reason), "")
            raise TooSoon(reason or "Please wait before you send another one.", after_s=review.retry_after_s)
        return FirstWord(None if review.text == arrival.text else review.text, review.opinions)

    async def _look(self, submission: Submission) -> FirstWord:
        """For what was handed in: nobody waits for an answer, so everything that speaks against it is written down."""
        if not submission.text:
            return FirstWord(refused_by="intake", reason="There was no text in it.")
        if submission.person and (ban := self._bans.covering(submission.room, submission.person, "")) is not None:
            return FirstWord(refused_by="a ban", reason=ban.reason)
        room = self._engine.rooms.get(submission.room)
        if room is None or not self._hooks.filters:
            return FirstWord()
        review = await self._hooks.review(submission, view_of(room, self._rules.of(room.name).slow_s))
        return FirstWord(None if review.text == submission.text else review.text, review.opinions)


def view_of(room: Room, slow_s: float = 0.0) -> RoomView:
    """What a plug-in sees of a room; `slow_s` is what the room's rules say."""
    return RoomView(room.name, room.settings.mode, room.settings.title, slow_s)


def _by_address(address: str) -> str:
    """Whom plug-ins take somebody without an identity for: else a limit for each person would not hold for them. It is
    not kept."""
    network = network_of(address)
    return f"address:{network}" if network else ""


def _source_id(given: str) -> str:
    if not isinstance(given, str) or len(given) > MAX_SOURCE_ID_CHARACTERS or not given.isprintable():
        raise InvalidInput(
            f"A source id has at most {MAX_SOURCE_ID_CHARACTERS} printable characters.", code="bad_source_id"
        )
    return given
