"""A room's rules, switched while it is live: slow mode, pause, mute, announcements only, airing on approval, what
is seen of typing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import trio

from fanout.core.audit import AuditDraft
from fanout.core.limits import MAX_NAME_CHARACTERS
from fanout.core.principal import EVERY_ROOM, Action, Principal
from fanout.core.room import room_name
from fanout.core.submitted_text import fault_in, is_visible
from fanout.core.typed_lines import Shown
from fanout.errors import Conflict, InvalidInput, SubmissionRefused
from fanout.moderation.people import signature
from fanout.moderation.ports import Document, Kind, Store

MAX_SLOW_SECONDS: Final = 3600
"""Longest slow mode. Who is to wait longer than an hour between two messages is not taking part."""

MAX_PROTECTED_NAMES: Final = 100
"""Protected names of one room: its staff and guests. Every visitor's name is compared with each."""

_ID: Final = "rules"


@dataclass(frozen=True, slots=True)
class RoomRules:
    """What holds in one room beside its mode.

    Args:
        slow_s: Seconds that each visitor waits between two messages; 0: none.
        paused: Visitors' messages are not taken for the moment.
        muted: An open room behaves as a moderated one: nothing goes live without a human.
        announce_only: Only staff speak; visitors' messages are not taken.
        auto_air: What is approved is aired at once.
        typing: What visitors see while an answer is typed.
        protected_names: Names of staff and guests that no visitor may take, beside those of the house.
    """

    slow_s: int = 0
    paused: bool = False
    muted: bool = False
    announce_only: bool = False
    auto_air: bool = False
    typing: Shown = Shown.WHO
    protected_names: tuple[str, ...] = ()

    def check_taking(self) -> None:
        """Do nothing if visitors' messages are taken.

        Raises:
            SubmissionRefused: `announcements_only`, `paused`.
        """
        if self.announce_only:
            raise SubmissionRefused("Only announcements are made here.", code="announcements_only")
        if self.paused:
            raise SubmissionRefused("No messages are taken for the moment.", code="paused")


RULES_OF_A_NEW_ROOM: Final = RoomRules()
"""Nothing is restricted."""

_NAMES: Final = tuple(field.name for field in fields(RoomRules))

STOPS: Final = ("paused", "muted", "announce_only")
"""The rules that can be set for every room at once: they hold beside each room's own, and when they are lifted each
room is as it was."""


class Rules:
    """The rules of all rooms. `load` comes first.

    Args:
        clock: Milliseconds since 1970, UTC.
        keeps_slow_mode: Whether any plug-in does, in this room.
    """

    def __init__(
        self, store: Store, clock: Callable[[], int], keeps_slow_mode: Callable[[str], bool] = lambda room: True
    ) -> None:
        self._store = store
        self._clock = clock
        self._keeps_slow_mode = keeps_slow_mode
        self._rules: dict[str, RoomRules] = {}
        self._changing = trio.Lock()
        self._heard: list[Callable[[str, RoomRules], None]] = []

    async def load(self) -> None:
        """Take up what the store has.

        Raises:
            StoreUnavailable: It can't be read now.
        """
        for document in await self._store.documents(Kind.RULES):
            if document.body is not None:
                self._rules[document.room] = _changed(RULES_OF_A_NEW_ROOM, document.body)

    def of(self, room: str) -> RoomRules:
        """What holds in this room now; of `*`, in every room."""
        stopped: dict[str, Any] = dict.fromkeys(self.everywhere(), True)
        return replace(self._own(room), **stopped) if stopped else self._own(room)

    def everywhere(self) -> list[str]:
        """Which of `STOPS` hold in every room."""
        rules = self._own(EVERY_ROOM)
        return [name for name in STOPS if getattr(rules, name)]

    def _own(self, room: str) -> RoomRules:
        return self._rules.get(room, RULES_OF_A_NEW_ROOM)

    async def set(self, principal: Principal, room: str, **changes: object) -> RoomRules:
        """Change some of a room's rules; return what holds then, once it is durable. What is not named stays.

        Args:
            room: `*` for every room, those included that are not made yet: `STOPS`, and nothing else.
            changes: As the fields of `RoomRules`.
        Raises:
            NotAllowed: This role or token may not.
            InvalidInput: `unknown_rule`, `bad_rule` (the detail says which and what it takes), `bad_room_name`.
            Conflict: `slow_mode_missing`: no plug-in keeps it here.
            StoreUnavailable: Nothing was changed.
        Cancellation: once the store has begun, the change is made.
        """
        everywhere = room == EVERY_ROOM
        principal.check(Action.SET_RULES, room if everywhere else room_name(room))
        if everywhere and not changes.keys() <= set(STOPS):
            raise InvalidInput(f"For every room at once there are {', '.join(STOPS)}.", code="bad_rule")
        async with self._changing:
            before = self._own(room)
            rules = _changed(before, changes)
            if rules == before:
                return self.of(room)
            if rules.slow_s > before.slow_s and not self._keeps_slow_mode(room):  # it would be shown, and do nothing
                raise Conflict(
                    "No plug-in here keeps slow mode; the operator starts the server with --plugin rate.",
                    code="slow_mode_missing",
                )
            document = Document(Kind.RULES, room, _ID, {name: _written(rules, name) for name in _NAMES})
            with trio.CancelScope(shield=True):  # or the store might have it and memory not
                await self._store.put([document], [self._audited(principal, room, before, rules)])
            self._rules[room] = rules
            for hear in self._heard:
                hear(room, self.of(room))
            return self.of(room)

    def on_change(self, hear: Callable[[str, RoomRules], None]) -> None:
        """Have `hear` called with a room, or `*`, and what holds there whenever it was changed.

        It is called in the event loop; it must be quick and must not raise.
        """
        self._heard.append(hear)

    def _audited(self, principal: Principal, room: str, before: RoomRules, rules: RoomRules) -> AuditDraft:
        changed = [name for name in _NAMES if getattr(before, name) != getattr(rules, name)]
        return AuditDraft(
            self._clock(),
            signature(principal),
            "set_rules",
            room=room,
            detail={name: str(_written(rules, name)) for name in changed},
        )


def _written(rules: RoomRules, name: str) -> Any:
    value = getattr(rules, name)
    return list(value) if isinstance(value, tuple) else value


def _changed(rules: RoomRules, changes: Mapping[str, object]) -> RoomRules:
    unknown = [name for name in changes if name not in _NAMES]
    if unknown:
        raise InvalidInput(
            f"There is no rule called {str(unknown[0])[:40]!r}; there are {', '.join(_NAMES)}.", code="unknown_rule"
        )
    return replace(rules, **{name: _checked(name, value) for name, value in changes.items()})


def _checked(name: str, value: object) -> Any:
    if name == "slow_s":
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_SLOW_SECONDS:
            return value
        raise InvalidInput(f"slow_s is a whole number of seconds, 0 to {MAX_SLOW_SECONDS}.", code="bad_rule")
    if name == "typing":
        try:
            return Shown(value)  # type: ignore[arg-type]  # anything may have been sent
        except ValueError:
            raise InvalidInput(f"typing is one of {', '.join(Shown)}.", code="bad_rule") from None
    if name == "protected_names":
        return protected_names(value)
    if isinstance(value, bool):
        return value
    raise InvalidInput(f"{name} is true or false.", code="bad_rule")


def protected_names(value: object) -> tuple[str, ...]:
    """Names that may be protected, each once.

    Raises:
        InvalidInput: `bad_rule`.
    """
    names = value if isinstance(value, Sequence) and not isinstance(value, str | bytes) else None
    if names is None or len(names) > MAX_PROTECTED_NAMES or not all(_is_name(name) for name in names):
        raise InvalidInput(
            f"protected_names is a list of at most {MAX_PROTECTED_NAMES} names, each of 1 to {MAX_NAME_CHARACTERS} "
            "characters.",
            code="bad_rule",
        )
    return tuple(dict.fromkeys(names))


def _is_name(name: object) -> bool:
    return isinstance(name, str) and len(name) <= MAX_NAME_CHARACTERS and is_visible(name) and not fault_in(name)
