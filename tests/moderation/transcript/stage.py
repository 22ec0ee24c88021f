"""A small evening in memory for the tests of transcripts: one of everything that a transcript has to deal with."""

from __future__ import annotations

from fanout.core.message import Author, Message
from fanout.engine.engine import Engine
from fanout.engine.room import Room

ZOE = Author("Zoé", "visitor")
MINISTER = Author("The minister", "guest")
ANN = Author("Ann", "animator")
AT = 1_086_201_000_000
"""2 June 2004, 18:30 UTC: the evening of the prime minister's chat."""


async def open_stage(engine: Engine) -> Room:
    return await engine.open_room("stage", mode="stage", title="An evening with the minister")


async def asked(room: Room, text: str, author: Author = ZOE, at: int = AT) -> Message:
    return await room.publish(
        text, author=author, kind="question", at=at, data={"submission": "s00000000001", "source": "sms"}
    )


async def answered(room: Room, question: Message, text: str, at: int = AT + 60_000) -> Message:
    return await room.publish(text, author=MINISTER, kind="answer", re=question.id, at=at)


async def corrected(room: Room, message: Message, text: str, at: int = AT + 90_000) -> Message:
    return await room.publish(text, author=MINISTER, kind="correction", re=message.id, at=at)


async def evening(room: Room) -> list[Message]:
    """Two questions with answers, one of them corrected, an announcement, and what was taken back."""
    hello = await room.publish("Good evening.", author=ANN, at=AT - 60_000)
    wage = await asked(room, "When does the minimum wage rise?")
    first = await answered(room, wage, "On 1 June.")
    await answered(room, wage, "By 5 %.", at=AT + 65_000)
    trains = await asked(room, "And the trains?", Author("<b>Max</b>", "visitor"), at=AT + 120_000)
    await answered(room, trains, "They will come.", at=AT + 180_000)
    fix = await corrected(room, first, "On 1 July.")
    await corrected(room, fix, "On 1 July 2004.", at=AT + 95_000)
    insult = await asked(room, "SLANDER about somebody", Author("NAMELESS", "visitor"), at=AT + 200_000)
    await corrected(room, insult, "SLANDER put in other words", at=AT + 210_000)
    await room.retract(insult.id)
    return [hello, wage, trains, insult]
