"""The feed of an edge whose visitors may speak: what they submit goes to the desk, and staff, bans and plug-ins have
their say about who listens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from hashlib import sha256

import trio

from fanout.core.ban import Ban
from fanout.core.presence import Presence
from fanout.core.principal import Principal
from fanout.core.room import DESK_ROOM_PREFIX, STAFF_ROOM_PREFIX, STAGE_ROOM_PREFIX
from fanout.core.submission import Step, Submission
from fanout.engine.engine import Engine
from fanout.engine.room import Room
from fanout.errors import Banned, TooSoon
from fanout.feed.engine_feed import EngineFeed
from fanout.feed.mailbox import Mailbox
from fanout.feed.port import Banned as HearBan
from fanout.feed.port import Lifted, Told, Typed
from fanout.feed.told_presence import ToldPresence
from fanout.moderation.bans import Bans
from fanout.moderation.changes import Change, Changes
from fanout.moderation.hooks.hooks import Hooks
from fanout.moderation.intake import Intake, NewSubmission, view_of
from fanout.moderation.live_typing import LiveTyping
from fanout.moderation.people import visitor
from fanout.plugins.interface import Refuse, Visitor
from fanout.wire.commands import Submit

NOT_TOLD = frozenset({Step.EDIT, Step.MOVE, Step.PIN, Step.UNPIN})
"""What staff do with a submission that leaves it in its state: no news for its author."""


class ModeratedFeed(EngineFeed):
    """An engine, the engine of its desk, and what of moderation an edge has to do with."""

    def __init__(
        self,
        engine: Engine,
        desk_engine: Engine,
        intake: Intake,
        changes: Changes,
        bans: Bans,
        hooks: Hooks,
        typing: LiveTyping,
    ) -> None:
        super().__init__(engine)
        self._desk_engine = desk_engine
        self._intake = intake
        self._changes = changes
        self._bans = bans
        self._hooks = hooks
        self._typing = typing
        self._mailbox = Mailbox()
        self._watching: list[Told] = []
        self.admits = hooks.admits
        self._counts = hooks.hears("listener_joined") or hooks.hears("listener_left")

    def room(self, name: str) -> Room:
        of_the_desk = name.startswith((DESK_ROOM_PREFIX, STAGE_ROOM_PREFIX))
        return (self._desk_engine if of_the_desk else self._engine).room(name)

    async def submit(self, principal: Principal, command: Submit, address: str) -> Submission:
        new = NewSubmission(
            command.room,
            command.text,
            command.name or principal.name,
            visitor(principal.subject),
            source_id=source_id(principal, command.ref, command.text),
        )
        return await self._intake.submit(new, by=principal, address=address)

    def check_listening(self, room: str, principal: Principal, address: str) -> None:
        self._bans.check_listening(room, visitor(principal.subject), address)

    async def admit(self, principal: Principal, address: str, rooms: Sequence[str]) -> Principal:
        answer = await self._hooks.admit_visitor(
            Visitor(principal.subject, principal.name, address, tuple(rooms), _claims(principal))
        )
        if isinstance(answer, Refuse):
            if answer.retry_after_s is not None:
                raise TooSoon(answer.reason, after_s=answer.retry_after_s)
            raise Banned(answer.reason, code="not_admitted")
        return principal if answer is None or answer.name is None else replace(principal, name=answer.name)

    def presence(self, room: str) -> Presence:
        if not self._counts or room.startswith(STAFF_ROOM_PREFIX):
            return Presence()
        return ToldPresence(partial(self._counted, room))

    def _counted(self, room: str, joined: bool, count: int) -> None:
        view = view_of(self._engine.room(room))
        self._hooks.notify("listener_joined" if joined else "listener_left", view, count)

    def arrived(self, subject: str) -> None:
        if missed := self._mailbox.take(subject):  # after the welcome, which is on its way
            trio.lowlevel.current_trio_token().run_sync_soon(self._tell, missed)

    def _tell(self, missed: Sequence[Submission]) -> None:
        for submission in missed:
            for told in self._watching:
                told(submission)

    def missed(self, submission: Submission) -> None:
        self._mailbox.keep(submission)

    def bans(self) -> Sequence[Ban]:
        return self._bans.all()

    def watch(self, told: Told, banned: HearBan, lifted: Lifted, typed: Typed) -> Callable[[], None]:
        def heard(change: Change) -> None:
            if change.step is not None and change.step not in NOT_TOLD:
                told(change.told)

        ends = [self._changes.subscribe(heard), self._bans.observe(banned, lifted), self._typing.watch(typed)]
        self._watching.append(told)

        def end() -> None:
            self._watching.remove(told)
            for stop in ends:
                stop()

        return end


def source_id(principal: Principal, ref: str | None, text: str) -> str:
    """What makes a submission that is sent twice one: somebody with an identity says the same under the same `ref`.
    Empty: each is another one."""
    if not principal.subject or ref is None:
        return ""
    parts = [part.encode(errors="replace") for part in (principal.subject, ref, text)]
    return sha256(b"".join(b"%d:%b" % (len(part), part) for part in parts)).hexdigest()


def _claims(principal: Principal) -> dict[str, object]:
    """What a visitor's token says; nothing where there is none."""
    if not principal.subject:
        return {}
    return {"role": str(principal.role), "rooms": sorted(principal.rooms), "sub": principal.subject}
