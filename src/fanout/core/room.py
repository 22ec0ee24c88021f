"""What a room is set to: its name, mode, ring, overflow policy and the rooms it follows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from fanout.core.cursor import Overflow
from fanout.core.limits import (
    MAX_FOLLOWS,
    MAX_RING_CAPACITY,
    MAX_ROOM_NAME_CHARACTERS,
    MAX_TITLE_CHARACTERS,
    RING_CAPACITY,
)
from fanout.errors import InvalidInput

STAFF_ROOM_PREFIX = "@"
"""Rooms whose names begin so are for staff; to anybody else they do not exist."""

DESK_ROOM_PREFIX = "@desk/"
"""What happens at the desk of the room whose name follows."""

STAGE_ROOM_PREFIX = "@stage/"
"""What those on the stage of the room whose name follows have to know of the desk."""

_NAME = re.compile(r"(?:@[a-z]+/)?[A-Za-z0-9][A-Za-z0-9_.-]*", re.ASCII)


class Mode(StrEnum):
    """Who may speak in a room."""

    STAGE = "stage"
    """Staff publish; nobody else."""
    MODERATED = "moderated"
    """Visitors' messages are held until a human has decided."""
    OPEN = "open"
    """Visitors' messages go live once the hooks have passed them."""


@dataclass(frozen=True, slots=True)
class RoomSettings:
    """The settings of one room; made by `room_settings`, which checks them. `capacity` is in messages."""

    name: str
    mode: Mode = Mode.MODERATED
    capacity: int = RING_CAPACITY
    overflow: Overflow = Overflow.CLOSE
    follows: tuple[str, ...] = ()
    title: str = ""


def room_name(name: str) -> str:
    """The name itself, if a room may be called so.

    Raises:
        InvalidInput: `bad_room_name`.
    """
    if not isinstance(name, str) or len(name) > MAX_ROOM_NAME_CHARACTERS or not _NAME.fullmatch(name):
        raise InvalidInput(
            f"A room's name has 1 to {MAX_ROOM_NAME_CHARACTERS} letters, digits, dots, hyphens or underscores "
            "and begins with a letter or digit.",
            code="bad_room_name",
        )
    return name


def room_settings(
    name: str,
    *,
    mode: str = Mode.MODERATED,
    capacity: int = RING_CAPACITY,
    overflow: str | None = None,
    follows: tuple[str, ...] | list[str] = (),
    title: str = "",
) -> RoomSettings:
    """Check and complete a room's settings. Without `overflow`, open rooms skip and the others close.

    Raises:
        InvalidInput: `bad_room_name`, `bad_mode`, `bad_capacity`, `bad_overflow`, `too_many_follows`, `title_too_long`.
    """
    room_name(name)
    try:
        checked_mode = Mode(mode)
    except ValueError:
        raise InvalidInput(f"mode is one of {', '.join(Mode)}.", code="bad_mode") from None
    if not 1 <= capacity <= MAX_RING_CAPACITY:
        raise InvalidInput(f"capacity is 1 to {MAX_RING_CAPACITY} messages.", code="bad_capacity")
    if overflow is None:
        overflow = Overflow.SKIP if checked_mode is Mode.OPEN else Overflow.CLOSE
    try:
        checked_overflow = Overflow(overflow)
    except ValueError:
        raise InvalidInput(f"overflow is one of {', '.join(Overflow)}.", code="bad_overflow") from None
    if len(follows) > MAX_FOLLOWS:
        raise InvalidInput(f"A room follows at most {MAX_FOLLOWS} rooms.", code="too_many_follows")
    if len(title) > MAX_TITLE_CHARACTERS:
        raise InvalidInput(f"A title has at most {MAX_TITLE_CHARACTERS} characters.", code="title_too_long")
    unique = tuple(dict.fromkeys(room_name(followed) for followed in follows))
    return RoomSettings(name, checked_mode, capacity, checked_overflow, unique, title)


def reached_from(source: str, rooms: Mapping[str, RoomSettings]) -> tuple[str, ...]:
    """`source` and every room that follows it, directly or through others, each once: where one publication goes."""
    reached = [source]
    for name in reached:
        reached += [room for room, settings in rooms.items() if name in settings.follows and room not in reached]
    return tuple(reached)
