"""What tests of listening do again and again."""

from __future__ import annotations

import trio

from fanout.core.message import Message
from fanout.core.say import Say


async def take(listener, count: int) -> list:
    with trio.fail_after(10):
        return [await anext(listener) for _ in range(count)]


async def fill(room, count: int) -> list[Message]:
    messages: list[Message] = []
    while len(messages) < count:
        messages += await room.publish_all(
            [Say(f"{len(messages) + n}") for n in range(min(100, count - len(messages)))]
        )
    return messages
