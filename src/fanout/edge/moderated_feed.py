"""The feed of an edge whose visitors may speak: what they submit goes to the desk, and staff, bans and plug-ins have
their say about who listens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256

from fanout.core.ban import Ban
from fanout.core.principal import Principal, Role
from fanout.core.room import DESK_ROOM_PREFIX
from fanout.core.submission import Step, Submission
from fanout.edge.feed import EngineFeed
from fanout.engine.engine import Engine
from fanout.engine.room import Room
from fanout.errors import Banned, TooSoon
from fanout.moderation.bans import Bans
from fanout.moderation.changes import Change, Changes
from fanout.moderation.hooks.hooks import Hooks
from fanout.moderation.intake import Intake, NewSubmission, view_of
from fanout.moderation.people import visitor
from fanout.plugins.interface import Refuse, Visitor
from fanout.wire.commands import Submit

NOT_TOLD = frozenset({Step.EDIT, Step.MOVE, Step.PIN, Step.UNPIN})
"""What staff do with a submission that leaves it in its state: no news for its author."""


class ModeratedFeed(EngineFeed):
    """An engine, the engine of its desk, and what of moderation an edge has to do with."""

    def __init__(
        self, engine: Engine, desk_engine: Engine, intake: Intake, changes: Changes, bans: Bans, hooks: Hooks
    ) -> None:
        super().__init__(engine)
        self._desk_engine = desk_engine
        self._intake = intake
        self._changes = changes
        self._bans = bans
        self._hooks = hooks
        self._watching: list[Callable[[Ban], None]] = []
        bans.on_ban(self._heard_ban)
        self.admits = hooks.admits
        self.counts_listeners = hooks.hears("listener_joined") or hooks.hears("listener_left")

    def _room(self, name: str) -> Room:
        return (self._desk_engine if name.startswith(DESK_ROOM_PREFIX) else self._engine).room(name)

    async def submit(self, principal: Principal, command: Submit, address: str) -> Submission:
        new = NewSubmission(
            command.room,
            command.text,
            command.name or principal.name,
            visitor(principal.subject),
            source_id=source_id(principal, command.ref, command.text),
        )
        return await self._intake.submit(new, exempt=principal.role is not Role.VISITOR, address=address)

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

    def listeners(self, room: str, joined: bool, count: int) -> None:
        view = view_of(self._engine.room(room))
        self._hooks.notify("listener_joined" if joined else "listener_left", view, count)

    def watch(self, told: Callable[[Submission], None], banned: Callable[[Ban], None]) -> Callable[[], None]:
        def heard(change: Change) -> None:
            if change.step is not None and change.step not in NOT_TOLD:
                told(change.told)

        unsubscribe = self._changes.subscribe(heard)
        self._watching.append(banned)

        def end() -> None:
            unsubscribe()
            self._watching.remove(banned)

        return end

    def _heard_ban(self, ban: Ban) -> None:
        for heard in self._watching:
            heard(ban)


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
