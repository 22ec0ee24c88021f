"""Who is banned or muted: decided by staff, kept in the store, answered from memory for each visitor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from secrets import token_hex
from types import MappingProxyType
from typing import Any, Final

import trio

from fanout.core.audit import AuditDraft
from fanout.core.ban import Ban, BanIndex, Effect, ban_target
from fanout.core.message import iso_time
from fanout.core.principal import EVERY_ROOM, Action, Principal
from fanout.core.room import room_name
from fanout.core.submitted_text import fault_in, is_visible
from fanout.errors import Banned, InvalidInput, RecordNotFound
from fanout.moderation.people import signature
from fanout.moderation.ports import Document, Kind, Store

MAX_BAN_SECONDS: Final = 366 * 24 * 3600
"""Longest time-out. What should last longer has no end and is lifted by hand."""

MAX_BANS: Final = 10_000
"""Bans at a time, over all rooms. Each is a human's decision, so more is a script gone wrong. Beyond:
`too_many_bans`."""

MAX_REASON_CHARACTERS: Final = 200
"""Characters of a reason: a sentence for the one who is banned."""


class Bans:
    """The bans of all rooms. `load` comes first.

    A staff member who is banned by address is still let in: callers ask about visitors only.

    Args:
        clock: Milliseconds since 1970, UTC.
        belonging: By room, those that belong to it: a ban there holds in them too.
    """

    def __init__(
        self, store: Store, clock: Callable[[], int], belonging: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    ) -> None:
        self._store = store
        self._clock = clock
        self._belonging = belonging
        self._index = BanIndex()
        self._changing = trio.Lock()
        self._heard: list[tuple[Callable[[Ban], None], Callable[[str], None]]] = []

    async def load(self) -> None:
        """Take up what the store has, and have it forget what has ended.

        Raises:
            StoreUnavailable: It can't be read or written now.
        """
        async with self._changing:
            for document in await self._store.documents(Kind.BAN):
                if document.body is not None:
                    within = self._belonging.get(document.room, ())
                    self._index.add(_ban(document.id, document.room, document.body, within))
            await self._keep([])

    # --- what visitors meet ------------------------------------------------------------------------------------------

    def check(self, room: str, person: str, address: str) -> None:
        """Do nothing if this visitor may speak here.

        Args:
            person: As in `fanout.core.ban`; empty when unknown, and so is `address`.
        Raises:
            Banned: Code `banned`, or `muted`; the detail is the reason.
        """
        ban = self.covering(room, person, address)
        if ban is not None:
            raise Banned(ban.reason, code="muted" if ban.effect is Effect.MUTE else None)

    def check_listening(self, room: str, person: str, address: str) -> None:
        """Do nothing if this visitor may listen here: who is muted still may.

        Raises:
            Banned: Code `banned`; the detail is the reason.
        """
        ban = self.covering(room, person, address)
        if ban is not None and ban.effect is Effect.BAN:
            raise Banned(ban.reason)

    def covering(self, room: str, person: str, address: str) -> Ban | None:
        """The ban that concerns this visitor here and now: a ban before a mute, then the one that lasts longest."""
        if not self._index:
            return None
        return self._index.covering(person, address, room, self._clock())

    # --- what staff do -----------------------------------------------------------------------------------------------

    async def ban(
        self,
        principal: Principal,
        room: str,
        target: str,
        *,
        reason: str,
        effect: str = Effect.BAN,
        duration_s: float | None = None,
    ) -> Ban:
        """Keep somebody away; return once it is durable and holds.

        A second ban of the same target and scope takes the first one's place and keeps its id: so a time-out is made
        longer or shorter.

        Args:
            room: Where it holds, with the rooms that belong to it; `*` is every room, and takes a token good for all.
            target: `visitor:SUBJECT`, `phone:HASH` or `address:RANGE`.
            effect: `ban` or `mute`.
            duration_s: How long, in seconds; None: until it is lifted.
        Raises:
            NotAllowed: This role or token may not.
            InvalidInput: `bad_target`, `address_range_too_wide`, `reason_missing`, `reason_too_long`, `bad_reason`,
                `bad_effect`, `bad_duration`, `bad_room_name`, `too_many_bans`.
            StoreUnavailable: Nothing was changed.
        Cancellation: once the store has begun, the ban is made.
        """
        principal.check(Action.BAN, room)
        now = self._clock()
        wanted = Ban(
            id=token_hex(8),
            target=ban_target(target),
            effect=_effect(effect),
            room=room if room == EVERY_ROOM else room_name(room),
            until=None if duration_s is None else now + _milliseconds(duration_s),
            reason=_reason(reason),
            by=signature(principal),
            at=now,
            within=self._belonging.get(room, ()),
        )
        async with self._changing:
            before = self._index.same(wanted.target, wanted.room)
            ban = wanted if before is None else replace(wanted, id=before.id)
            if before is None and len(self._index) - len(self._index.ended(now)) >= MAX_BANS:
                raise InvalidInput(f"There are {MAX_BANS} bans already; lift some.", code="too_many_bans")
            await self._keep([Document(Kind.BAN, ban.room, ban.id, _body(ban))], _audited(ban, "ban", ban.by, now))
            self._index.add(ban)
            for banned, _ in self._heard:
                banned(ban)
        return ban

    async def lift(self, principal: Principal, ban_id: str) -> Ban:
        """Take a ban back before its time; return what it was, once that is durable.

        Raises:
            NotAllowed: This role may not, or not in the ban's scope.
            RecordNotFound: `ban_not_found`: there is none of that id, or it has ended.
            StoreUnavailable: It still holds.
        Cancellation: as `ban`.
        """
        async with self._changing:
            now = self._clock()
            ban = self._index.get(ban_id)
            principal.check(Action.BAN, min(principal.rooms, default=EVERY_ROOM) if ban is None else ban.room)
            if ban is None or not ban.holds(ban.room, now):
                raise RecordNotFound("There is no ban of that id; it may have ended.", code="ban_not_found")
            gone = Document(Kind.BAN, ban.room, ban.id, None)
            await self._keep([gone], _audited(ban, "lift_ban", signature(principal), now))
            self._index.remove(ban.id)
            for _, lifted in self._heard:
                lifted(ban.id)
        return ban

    def all(self) -> list[Ban]:
        """Every ban of every room, those included that end just now."""
        return list(self._index)

    def bans(self, room: str) -> list[Ban]:
        """What holds in a room now, that of every room included, the newest last."""
        now = self._clock()
        return sorted((ban for ban in self._index if ban.holds(room, now)), key=lambda ban: ban.at)

    def observe(self, banned: Callable[[Ban], None], lifted: Callable[[str], None]) -> Callable[[], None]:
        """Have `banned` called with every ban and mute from now on, once it holds, and `lifted` with the id of each
        that is taken back before its time; return what ends that.

        They are called in the event loop; they must be quick and must not raise.
        """
        pair = (banned, lifted)
        self._heard = [*self._heard, pair]

        def end() -> None:
            self._heard = [kept for kept in self._heard if kept is not pair]

        return end

    async def _keep(self, documents: list[Document], audit: AuditDraft | None = None) -> None:
        """Put these in the store, and in the same step forget what has ended. Not cancelled halfway: memory and store
        would part."""
        ended = self._index.ended(self._clock())
        changed = {document.id for document in documents}
        gone = [Document(Kind.BAN, ban.room, ban.id, None) for ban in ended if ban.id not in changed]
        if documents or gone:
            with trio.CancelScope(shield=True):
                await self._store.put([*documents, *gone], [audit] if audit is not None else [])
        for ban in ended:
            self._index.remove(ban.id)


def _effect(written: str) -> Effect:
    try:
        return Effect(written)
    except ValueError:
        raise InvalidInput(f"effect is one of {', '.join(Effect)}.", code="bad_effect") from None


def _milliseconds(duration_s: float) -> int:
    if (
        isinstance(duration_s, bool)
        or not isinstance(duration_s, int | float)
        or not 1 <= duration_s <= MAX_BAN_SECONDS
    ):
        raise InvalidInput(
            f"A duration is 1 to {MAX_BAN_SECONDS} seconds; without one, a ban holds until it is lifted.",
            code="bad_duration",
        )
    return int(duration_s * 1000)


def _reason(written: str) -> str:
    if not isinstance(written, str) or not is_visible(written):
        raise InvalidInput("A ban has a reason; the one who is banned may see it.", code="reason_missing")
    reason = " ".join(written.split())
    if len(reason) > MAX_REASON_CHARACTERS:
        raise InvalidInput(f"A reason has at most {MAX_REASON_CHARACTERS} characters.", code="reason_too_long")
    if fault := fault_in(reason):
        raise InvalidInput(f"reason has {fault}.", code="bad_reason")
    return reason


def _body(ban: Ban) -> dict[str, Any]:
    return {
        "target": ban.target,
        "effect": str(ban.effect),
        "until": ban.until,
        "reason": ban.reason,
        "by": ban.by,
        "at": ban.at,
    }


def _ban(id: str, room: str, body: Mapping[str, Any], within: tuple[str, ...]) -> Ban:
    effect = Effect(body["effect"])
    return Ban(id, body["target"], effect, room, body["until"], body["reason"], body["by"], body["at"], within)


def _audited(ban: Ban, action: str, by: str, at: int) -> AuditDraft:
    """Without the target itself: the audit outlives a purge, and that is somebody's pseudonym or address."""
    return AuditDraft(
        at,
        by,
        action,
        room=ban.room,
        subject=ban.id,
        detail={
            "of": ban.target.partition(":")[0],
            "effect": str(ban.effect),
            "until": "" if ban.until is None else iso_time(ban.until),
            "reason": ban.reason,
        },
    )
