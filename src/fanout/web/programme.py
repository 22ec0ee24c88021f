"""How far an event has come in a room: announced, live, interrupted, over. Staff say so with a message of kind
`programme`, so that it has its place in the order of the room, survives a restart, and reaches everybody who follows.

Such a message has no text, so no transcript shows it; its data has `phase`, and may have `starts_at` and `note`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from fanout.core.message import Message
from fanout.core.principal import PROGRAMME
from fanout.engine.room import Room

PHASES: Final = ("before", "live", "incident", "after")

LOOKED_THROUGH: Final = 20_000
"""Newest entries of a room that are looked through, once; what was said of the programme before that is forgotten."""

PAGE: Final = 1000
"""Entries that are read at a time."""


@dataclass(frozen=True, slots=True)
class Phase:
    """What was said last. `starts_at` is known for an event that is announced; `note` is for everybody to read."""

    name: str = "live"
    starts_at: datetime | None = None
    note: str = ""


class Programme:
    """The phase of each room. Reads what is new when it is asked."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, int, Phase]] = {}

    async def of(self, room: Room) -> Phase:
        """The phase of a room, as its newest message of the kind has it.

        Raises:
            LogUnavailable: The log can't be read now.
        Cancellation: safe.
        """
        epoch, cursor, phase = self._known.get(room.name, ("", 0, Phase()))
        position = room.position
        if epoch != position.epoch:
            cursor, phase = max(room.extent.oldest - 1, position.seq - LOOKED_THROUGH, 0), Phase()
        while cursor < position.seq and (entries := await room.read(cursor, PAGE)):
            for entry in entries:
                if isinstance(entry, Message) and entry.kind == PROGRAMME and not entry.retracted:
                    phase = phase_of(entry.data)
            cursor = entries[-1].position.seq
        self._known[room.name] = (position.epoch, cursor, phase)
        return phase


def phase_of(data: Any) -> Phase:
    """What the data of a message says; whatever of it can't be used counts as not said."""
    given = data if isinstance(data, dict) else {}
    name, written, note = given.get("phase"), given.get("starts_at"), given.get("note")
    starts_at: datetime | None = None
    if isinstance(written, str):
        try:
            starts_at = datetime.fromisoformat(written)
        except ValueError:
            starts_at = None
        if starts_at is not None and starts_at.tzinfo is None:
            starts_at = starts_at.replace(tzinfo=UTC)
    return Phase(name if name in PHASES else "live", starts_at, note if isinstance(note, str) else "")
