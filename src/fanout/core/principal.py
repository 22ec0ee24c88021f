"""Who somebody is, and what each role may do: one table. Making and checking tokens is not here; this is what they
say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fanout.errors import NotAllowed


class Role(StrEnum):
    """The roles a token can carry. Somebody without a token is a visitor."""

    VISITOR = "visitor"
    PUBLISHER = "publisher"
    MODERATOR = "moderator"
    ANIMATOR = "animator"
    GUEST = "guest"
    SCRIBE = "scribe"
    GATEWAY = "gateway"
    OPERATOR = "operator"


class Action(StrEnum):
    """What can be allowed or refused."""

    PUBLISH = "publish"
    LEAD = "lead"
    """Say how far the event has come: a message of the kind `programme`, which changes every visitor's page."""
    RETRACT = "retract"
    SET_ROOM = "set_room"
    SEE_DESK = "see_desk"
    """The whole queue with what is known of each question, its history, leases, tallies, and the desk's own room."""
    SEE_STAGE = "see_stage"
    """What is on air and what comes next, drafts, prepared answers, and the stage's own room: what answering takes."""
    MODERATE = "moderate"
    """Approve, reject, hold, edit, merge, and take that back."""
    ORDER = "order"
    """Cue, move, pin, skip."""
    AIR = "air"
    ANSWER = "answer"
    PREPARE = "prepare"
    """Write answers ahead."""
    BAN = "ban"
    SET_RULES = "set_rules"
    """Slow mode, pause, mute, announcements only."""
    SEE_INTERNAL = "see_internal"
    """The internal transcript and the audit trail."""
    HAND_IN = "hand_in"
    """Submissions on behalf of others: an SMS gateway, a back end of the house."""
    OPERATE = "operate"
    """What concerns the whole server: switch plug-ins, replace processes, drain."""


MAY: Final[dict[Action, frozenset[Role]]] = {
    Action.PUBLISH: frozenset({Role.PUBLISHER, Role.MODERATOR, Role.ANIMATOR, Role.GUEST, Role.SCRIBE, Role.OPERATOR}),
    Action.LEAD: frozenset({Role.PUBLISHER, Role.MODERATOR, Role.ANIMATOR, Role.OPERATOR}),
    Action.RETRACT: frozenset({Role.MODERATOR, Role.OPERATOR}),
    Action.SET_ROOM: frozenset({Role.OPERATOR}),
    Action.SEE_DESK: frozenset({Role.MODERATOR, Role.ANIMATOR, Role.OPERATOR}),
    Action.SEE_STAGE: frozenset({Role.MODERATOR, Role.ANIMATOR, Role.GUEST, Role.SCRIBE, Role.OPERATOR}),
    Action.MODERATE: frozenset({Role.MODERATOR}),
    Action.ORDER: frozenset({Role.MODERATOR, Role.ANIMATOR}),
    Action.AIR: frozenset({Role.MODERATOR, Role.ANIMATOR}),
    Action.ANSWER: frozenset({Role.MODERATOR, Role.ANIMATOR, Role.GUEST, Role.SCRIBE}),
    Action.PREPARE: frozenset({Role.MODERATOR, Role.ANIMATOR, Role.GUEST, Role.SCRIBE}),
    Action.BAN: frozenset({Role.MODERATOR}),
    Action.SET_RULES: frozenset({Role.MODERATOR, Role.OPERATOR}),
    Action.SEE_INTERNAL: frozenset({Role.MODERATOR, Role.OPERATOR}),
    Action.HAND_IN: frozenset({Role.GATEWAY}),
    Action.OPERATE: frozenset({Role.OPERATOR}),
}

PROGRAMME: Final = "programme"
"""The kind of message that says how far an event has come."""


def to_publish(kind: str) -> Action:
    """What one must be allowed to do to publish a message of this kind."""
    return Action.LEAD if kind == PROGRAMME else Action.PUBLISH


EVERY_ROOM: Final = "*"
"""In a token: good for every room, those not yet made included."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody, as a token says: role, display name, the rooms it is good for, and a stable subject (empty:
    unknown)."""

    role: Role = Role.VISITOR
    name: str = ""
    rooms: frozenset[str] = frozenset()
    subject: str = ""

    def may(self, action: Action, room: str) -> bool:
        """Whether this role may do this, and the token is good for this room."""
        return self.role in MAY[action] and (EVERY_ROOM in self.rooms or room in self.rooms)

    def check(self, action: Action, room: str) -> None:
        """Do nothing if `may`.

        Raises:
            NotAllowed: `token_missing` for a visitor; `role_refused` for a role that may not, or a token for other
                rooms.
        """
        if self.may(action, room):
            return
        if self.role is Role.VISITOR:
            raise NotAllowed("This needs a staff token.", code="token_missing")
        allowed = ", ".join(sorted(MAY[action]))
        if self.role in MAY[action]:
            raise NotAllowed(f"This token is not good for the room {room!r}.")
        raise NotAllowed(f"The role {self.role} may not do this; it takes one of: {allowed}.")


VISITOR: Final = Principal()
"""Anybody without a token."""
