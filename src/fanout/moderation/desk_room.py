"""What staff follow in place of asking again and again: each room has a desk room, `@desk/ROOM`, with what changes.

A desk room is a room of an engine of its own that keeps nothing. Changes are gathered for a tenth of a second, the
latest of each submission, so that a flood of submissions is ten messages a second and not four thousand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import trio

from fanout.core.answer_line import AnswerLine
from fanout.core.lease import Lease
from fanout.core.limits import MAX_DATA_BYTES
from fanout.core.message import iso_time
from fanout.core.principal import Action, Principal
from fanout.core.room import DESK_ROOM_PREFIX, Mode
from fanout.core.submission import Submission
from fanout.engine.engine import Engine
from fanout.errors import FanoutError
from fanout.moderation.changes import Change

GATHER_SECONDS: Final = 0.1
"""Between two messages of one desk room."""

MAX_GATHERED: Final = 200
"""Changes kept for the next message; of those beyond only the number is told."""

_ROOM_FOR_THE_REST: Final = 512
"""Bytes of a message's data that are not changes."""


@dataclass(slots=True)
class _Desk:
    """What one desk room has yet to be told."""

    gathered: dict[tuple[str, str], Change | Mapping[str, Any]] = field(default_factory=dict)
    """By kind and id, the latest of each, in the order in which they first came."""
    more: int = 0
    news: trio.Event = field(default_factory=trio.Event)


class DeskRooms:
    """The desk rooms of all rooms. `desk_engine` is used by nobody else."""

    def __init__(self, desk_engine: Engine, nursery: trio.Nursery) -> None:
        self._engine = desk_engine
        self._nursery = nursery
        self._desks: dict[str, _Desk] = {}

    async def open(self, room: str) -> None:
        """Have a desk room for this room; nothing happens if it has one. Cancellation: safe."""
        if room not in self._desks:
            await self._engine.open_room(DESK_ROOM_PREFIX + room, mode=Mode.STAGE)
            if room not in self._desks:
                self._desks[room] = desk = _Desk()
                self._nursery.start_soon(self._tell, room, desk)

    # --- what is told ------------------------------------------------------------------------------------------------

    def changed(self, change: Change) -> None:
        """A submission has changed. What merely shares another's fate is not told apart."""
        if change.leader is None:
            self._gather(change.submission.room, ("submission", change.submission.id), change)

    def leased(self, lease: Lease) -> None:
        """Somebody has taken a submission in hand, or has it in hand no more (`until` null)."""
        until = iso_time(lease.until) if lease.until else None
        entry = {"what": "lease", "submission": lease.submission, "by": lease.by, "until": until}
        self._gather(lease.room, ("lease", lease.submission), entry)

    def drafted(self, line: AnswerLine) -> None:
        """A line of an answer was written, or has gone on air."""
        entry = {
            "what": "draft",
            "submission": line.submission,
            "re": line.re or None,
            "line": line.id,
            "text": line.text,
            "by": line.name,
            "final": line.final,
            "message": line.message,
        }
        self._gather(line.room, ("draft", line.key), entry)

    def _gather(self, room: str, key: tuple[str, str], entry: Change | Mapping[str, Any]) -> None:
        desk = self._desks.get(room)
        if desk is None:
            return
        if key in desk.gathered or len(desk.gathered) < MAX_GATHERED:
            desk.gathered[key] = entry
        else:
            desk.more += 1
        desk.news.set()

    async def _tell(self, room: str, desk: _Desk) -> None:
        while True:
            await desk.news.wait()
            desk.news = trio.Event()
            data = _taken(desk)
            try:
                await self._engine.room(DESK_ROOM_PREFIX + room).publish("", kind="desk", data=data)
            except FanoutError:  # it keeps nothing and promises nothing: pages that miss something ask again
                return
            await trio.sleep(GATHER_SECONDS)


def _taken(desk: _Desk) -> dict[str, Any]:
    """As much of what was gathered as one message holds; of the rest, only how much it was."""
    changes, left = [], MAX_DATA_BYTES - _ROOM_FOR_THE_REST
    for gathered in desk.gathered.values():
        entry = _told(gathered) if isinstance(gathered, Change) else gathered
        size = len(msgspec.json.encode(entry)) + 1
        if size > left:
            break
        changes.append(entry)
        left -= size
    more = desk.more + len(desk.gathered) - len(changes)
    desk.gathered, desk.more = {}, 0
    return {"changes": changes, "more": more} if more else {"changes": changes}


def _told(change: Change) -> dict[str, Any]:
    return {"what": "submission", "step": change.step and str(change.step), **described(change.submission)}


def seen_by(principal: Principal, submission: Submission) -> dict[str, Any]:
    """A submission as one of the staff sees it: who sent it is for those who may ban, nobody else."""
    person = submission.person if principal.may(Action.BAN, submission.room) else ""
    return described(submission) | {"person": person}


def described(submission: Submission) -> dict[str, Any]:
    """A submission as staff see it, in JSON."""
    return {
        "id": submission.id,
        "number": submission.number,
        "room": submission.room,
        "source": str(submission.source),
        "person": submission.person,
        "name": submission.name,
        "text": submission.text,
        "original": submission.original,
        "at": iso_time(submission.at),
        "state": str(submission.state),
        "reason": submission.reason,
        "by": submission.by,
        "decided_at": iso_time(submission.decided_at) if submission.decided_at else None,
        "merged_into": submission.merged_into,
        "message": submission.message,
        "rank": submission.rank,
        "pinned": submission.pinned,
        "opinions": [
            {
                "plugin": opinion.plugin,
                "kind": str(opinion.kind),
                "reason": opinion.reason,
                "rule": opinion.rule,
                "similar_to": opinion.similar_to,
                "shadow": opinion.shadow,
                "failure": opinion.failure,
            }
            for opinion in submission.opinions
        ],
    }
