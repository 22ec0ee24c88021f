"""What staff follow in place of asking again and again: each room has a desk room, `@desk/ROOM`, with what changes, and
a stage room, `@stage/ROOM`, with as much of it as those need who answer.

They are rooms of an engine of its own that keeps nothing. Changes are gathered for a tenth of a second, the latest of
each submission, so that a flood of submissions is ten messages a second and not four thousand.
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
from fanout.core.room import DESK_ROOM_PREFIX, STAGE_ROOM_PREFIX, Mode
from fanout.core.submission import State, Step, Submission
from fanout.engine.engine import Engine
from fanout.errors import FanoutError
from fanout.moderation.changes import Change

GATHER_SECONDS: Final = 0.1
"""Between two messages of one desk room."""

MAX_GATHERED: Final = 200
"""Changes kept for the next message; of those beyond only the number is told."""

ON_STAGE: Final = frozenset({State.CUED, State.AIRED, State.ANSWERED})
"""States in which a submission concerns those who answer; before, it is the desk's alone."""

OFF_STAGE: Final = frozenset({Step.SKIP, Step.WITHDRAW, Step.RETRACT, Step.UNDO})
"""Steps that may have taken one away from there."""

RUN_SHEET: Final = {"what": "run_sheet"}
"""What the stage room says of all changes of the run sheet and the air: read it anew."""

_ROOM_FOR_THE_REST: Final = 512
"""Bytes of a message's data that are not changes."""


@dataclass(slots=True)
class _Untold:
    """What one of these rooms has yet to be told."""

    gathered: dict[tuple[str, str], Change | Mapping[str, Any]] = field(default_factory=dict)
    """By kind and id, the latest of each, in the order in which they first came."""
    more: int = 0
    news: trio.Event = field(default_factory=trio.Event)


class DeskRooms:
    """The desk rooms and the stage rooms of all rooms. `desk_engine` is used by nobody else."""

    def __init__(self, desk_engine: Engine, nursery: trio.Nursery) -> None:
        self._engine = desk_engine
        self._nursery = nursery
        self._untold: dict[str, _Untold] = {}

    async def open(self, room: str) -> None:
        """Have both for this room; nothing happens if it has them. Cancellation: safe."""
        for name in (DESK_ROOM_PREFIX + room, STAGE_ROOM_PREFIX + room):
            if name not in self._untold:
                await self._engine.open_room(name, mode=Mode.STAGE)
            if name not in self._untold:
                self._untold[name] = untold = _Untold()
                self._nursery.start_soon(self._tell, name, untold)

    # --- what is told ------------------------------------------------------------------------------------------------

    def changed(self, change: Change) -> None:
        """A submission has changed. What merely shares another's fate is not told apart."""
        if change.leader is not None:
            return
        room = change.submission.room
        self._gather(DESK_ROOM_PREFIX + room, ("submission", change.submission.id), change)
        if change.submission.state in ON_STAGE or change.step in OFF_STAGE:
            self._gather(STAGE_ROOM_PREFIX + room, ("run_sheet", ""), RUN_SHEET)

    def leased(self, lease: Lease) -> None:
        """Somebody has taken a submission in hand, or has it in hand no more (`until` null)."""
        until = iso_time(lease.until) if lease.until else None
        entry = {"what": "lease", "submission": lease.submission, "by": lease.by, "until": until}
        self._gather(DESK_ROOM_PREFIX + lease.room, ("lease", lease.submission), entry)

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
        for prefix in (DESK_ROOM_PREFIX, STAGE_ROOM_PREFIX):
            self._gather(prefix + line.room, ("draft", line.key), entry)

    def _gather(self, room: str, key: tuple[str, str], entry: Change | Mapping[str, Any]) -> None:
        untold = self._untold.get(room)
        if untold is None:
            return
        if key in untold.gathered or len(untold.gathered) < MAX_GATHERED:
            untold.gathered[key] = entry
        else:
            untold.more += 1
        untold.news.set()

    async def _tell(self, room: str, untold: _Untold) -> None:
        while True:
            await untold.news.wait()
            untold.news = trio.Event()
            data = _taken(untold)
            try:
                await self._engine.room(room).publish("", kind="desk", data=data)
            except FanoutError:  # it keeps nothing and promises nothing: pages that miss something ask again
                return
            await trio.sleep(GATHER_SECONDS)


def _taken(untold: _Untold) -> dict[str, Any]:
    """As much of what was gathered as one message holds; of the rest, only how much it was."""
    changes, left = [], MAX_DATA_BYTES - _ROOM_FOR_THE_REST
    for gathered in untold.gathered.values():
        entry = _told(gathered) if isinstance(gathered, Change) else gathered
        size = len(msgspec.json.encode(entry)) + 1
        if size > left:
            break
        changes.append(entry)
        left -= size
    more = untold.more + len(untold.gathered) - len(changes)
    untold.gathered, untold.more = {}, 0
    return {"changes": changes, "more": more} if more else {"changes": changes}


def _told(change: Change) -> dict[str, Any]:
    return {"what": "submission", "step": change.step and str(change.step), **_described(change.submission)}


def seen_by(principal: Principal, submission: Submission) -> dict[str, Any]:
    """A submission as one of the staff sees it: who sent it is for those who may ban, nobody else; what the desk knows
    of it, for those who see the desk."""
    if not principal.may(Action.SEE_DESK, submission.room):
        whole = _described(submission)
        return {name: whole[name] for name in SEEN_ON_STAGE}
    person = submission.person if principal.may(Action.BAN, submission.room) else ""
    return _described(submission) | {"person": person}


SEEN_ON_STAGE: Final = ("id", "number", "room", "name", "text", "at", "state", "message", "rank", "pinned")
"""What of a submission those see who answer: what will be read out, and its place. Not what its author wrote before an
edit, not who decided what and why, not what the plug-ins said."""


def _described(submission: Submission) -> dict[str, Any]:
    """A submission as everybody sees it who sees the desk, in JSON: without who sent it."""
    return {
        "id": submission.id,
        "number": submission.number,
        "room": submission.room,
        "source": str(submission.source),
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
