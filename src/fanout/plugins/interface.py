"""Every hook that a plug-in can have, as a typed signature, and what hooks are called with.

`docs/plugins/hooks.md` says of each when it runs and what its answer means. A plug-in is any class with a `name` and at
least one of these methods; it need not inherit from anything. Beside them it may declare:

    deadline = 1.0        # seconds that one call may take, the wait for its turn included
    concurrency = 8       # calls of one hook at a time
    on_failure = "hold"   # "hold", "accept" or "reject": what stands for an answer that did not come
    order = 100           # filters and providers with lower numbers come first
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Protocol

from fanout.core.message import Message, Retraction
from fanout.core.room import Mode
from fanout.core.submission import Decision, Submission
from fanout.core.verdict import Verdict


@dataclass(frozen=True, slots=True)
class RoomView:
    """What a plug-in sees of a room.

    Args:
        slow_s: Seconds that a visitor waits between two messages, when a filter is asked; 0: none.
    """

    name: str
    mode: Mode = Mode.MODERATED
    title: str = ""
    slow_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody without a staff token who asks to be let in.

    Args:
        subject: Their pseudonym, the same when they come back; empty for somebody new.
        name: The display name that they bring along, if any.
        address: The IP address that they come from. Personal: keep it no longer than needed.
        rooms: The rooms that they ask for.
        claims: Everything that their token says, if they have one.
    """

    subject: str = ""
    name: str = ""
    address: str = ""
    rooms: tuple[str, ...] = ()
    claims: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Admit:
    """Let them in. `name`, if not None, is the display name that they have from now on."""

    name: str | None = None


@dataclass(frozen=True, slots=True)
class Refuse:
    """Don't. They read `reason`; `retry_after_s`, in seconds, is when they may try again (None: never)."""

    reason: str
    retry_after_s: float | None = None


AdmitAnswer = Admit | Refuse


def admit(name: str | None = None) -> Admit:
    """Let them in, under this display name if one is given."""
    return Admit(name)


def refuse(reason: str, *, retry_after_s: float | None = None) -> Refuse:
    """Send them away; `reason` is what they read. With `retry_after_s` (seconds) they come back by themselves."""
    return Refuse(reason, retry_after_s)


class App(Protocol):
    """The server, as a plug-in's `run` sees it."""

    def rooms(self) -> Sequence[RoomView]:
        """The rooms at this moment."""
        ...

    async def recent_submissions(self, room: str, limit: int) -> Sequence[Submission]:
        """The newest submissions of a room, oldest first, whatever became of them: so that a plug-in that compares with
        earlier ones can begin where it was before a restart."""
        ...


class HookKind(StrEnum):
    """How a hook is called."""

    FILTER = "filter"
    """One plug-in after another, by `order`; the submission waits."""
    PROVIDE = "provide"
    """One plug-in after another, by `order`; the first answer is taken."""
    NOTIFY = "notify"
    """Out of a queue of the plug-in's own. Nobody waits, and nothing is made of the answer."""
    BACKGROUND = "background"
    """Once, from the start of the server to its end."""


class ReviewsSubmissions(Protocol):
    async def review_submission(self, submission: Submission, room: RoomView) -> Verdict | None:
        """Say what should become of it; None is no opinion."""
        ...


class AdmitsVisitors(Protocol):
    async def admit_visitor(self, visitor: Visitor) -> AdmitAnswer | None:
        """Let them in or not; None leaves it to the next plug-in, and in the end they are let in."""
        ...


class HearsMessages(Protocol):
    async def message_published(self, message: Message) -> None:
        """A message has entered a room."""
        ...


class HearsRetractions(Protocol):
    async def message_retracted(self, retraction: Retraction) -> None:
        """A message was taken back."""
        ...


class HearsSubmissions(Protocol):
    async def submission_received(self, submission: Submission) -> None:
        """A submission is durable; nothing was decided yet."""
        ...


class HearsDecisions(Protocol):
    async def submission_decided(self, submission: Submission, decision: Decision) -> None:
        """A step was taken; the submission is as it stands after it."""
        ...


class HearsJoining(Protocol):
    async def listener_joined(self, room: RoomView, listeners: int) -> None:
        """One more listens; `listeners` is how many there are now."""
        ...


class HearsLeaving(Protocol):
    async def listener_left(self, room: RoomView, listeners: int) -> None:
        """One less listens; `listeners` is how many there are now."""
        ...


class HearsRoomsOpening(Protocol):
    async def room_opened(self, room: RoomView) -> None:
        """A room is there: at the start of the server, or when it is made."""
        ...


class HearsRoomsClosing(Protocol):
    async def room_closed(self, room: RoomView) -> None:
        """A room is gone: at the end of the server."""
        ...


class Runs(Protocol):
    async def run(self, app: App) -> None:
        """The plug-in's own background task; it is cancelled when the server stops."""
        ...


@dataclass(frozen=True, slots=True)
class HookForm:
    """One hook: how it is called, and the protocol that has its signature."""

    kind: HookKind
    protocol: type


HOOKS: Final[Mapping[str, HookForm]] = MappingProxyType(
    {
        "review_submission": HookForm(HookKind.FILTER, ReviewsSubmissions),
        "admit_visitor": HookForm(HookKind.PROVIDE, AdmitsVisitors),
        "message_published": HookForm(HookKind.NOTIFY, HearsMessages),
        "message_retracted": HookForm(HookKind.NOTIFY, HearsRetractions),
        "submission_received": HookForm(HookKind.NOTIFY, HearsSubmissions),
        "submission_decided": HookForm(HookKind.NOTIFY, HearsDecisions),
        "listener_joined": HookForm(HookKind.NOTIFY, HearsJoining),
        "listener_left": HookForm(HookKind.NOTIFY, HearsLeaving),
        "room_opened": HookForm(HookKind.NOTIFY, HearsRoomsOpening),
        "room_closed": HookForm(HookKind.NOTIFY, HearsRoomsClosing),
        "run": HookForm(HookKind.BACKGROUND, Runs),
    }
)
"""By the name of its method. There are no others."""
