"""What a correction may refer to: what somebody of the staff said, and never what a visitor did."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from fanout.core.message import Message
from fanout.core.principal import Role
from fanout.core.say import Say
from fanout.engine.room import Room
from fanout.errors import Conflict, InvalidInput, MessageNotFound

CORRECTION: Final = "correction"


async def corrected(room: Room, message_id: str) -> Message:
    """The message that a correction of this one refers to: of a correction, the original.

    Raises:
        MessageNotFound: There is no such message.
        Conflict: `message_retracted`.
        InvalidInput: `not_correctable`: a visitor's words.
        LogUnavailable: It can't be told now.
    Cancellation: safe; so below.
    """
    message = await room.find(message_id)
    original = await room.find(message.re) if message.kind == CORRECTION and message.re else message
    if message.retracted or original.retracted:
        raise message_retracted()
    if original.kind == "question" or original.author.role in ("", Role.VISITOR):
        raise InvalidInput("Only what staff said is corrected; a visitor's words are not.", code="not_correctable")
    return original


async def check_corrections(room: Room, says: Iterable[Say]) -> None:
    """Do nothing if those of these that correct something may. What is not in the room may be referred to.

    Raises:
        Conflict, InvalidInput, LogUnavailable: As `corrected`.
    """
    for say in says:
        if say.kind == CORRECTION and say.re is not None:
            try:
                await corrected(room, say.re)
            except MessageNotFound:
                continue


def corrections(room: Room, message_id: str) -> list[str]:
    """The ids of the messages in the room's ring that correct this one, through other corrections too, and stand."""
    found = {message_id: False}
    for entry in room.recent:
        if isinstance(entry, Message) and entry.kind == CORRECTION and entry.re in found:
            found[entry.id] = not entry.retracted
    return [id for id, stands in found.items() if stands]


def message_retracted() -> Conflict:
    return Conflict("This message was taken back; there is nothing to correct.", code="message_retracted")
