"""An hour of an event in a few seconds: dozens of listeners of all formats join, stall, leave and resume over real
sockets while messages are published and taken back. What each has seen is held against the log."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import pytest
import trio

from fanout.core.message import Message
from fanout.wire.rendered import Format
from tests.edge.listener import Ended, check_transcript
from tests.edge.site import Site, open_site

pytestmark = pytest.mark.xdist_group("alone")

EVENING_SECONDS = 2.0
LONGEST_EVENING_SECONDS = 30.0
"""Where the machine is so busy that too little has happened in an evening, it goes on for as long as this."""


@dataclass
class Evening:
    """What is being published, and by number what was."""

    site: Site
    room: str
    chance: random.Random
    over: bool = False
    written: dict[int, dict[str, Any]] = field(default_factory=dict)
    enough: int = 0
    resumed: int = 0
    gaps: int = 0
    told_too_slow: int = 0

    @property
    def head(self) -> int:
        return self.site.room(self.room).position.seq

    async def publish(self) -> None:
        """Bursts, pauses, long and short messages, and one in ten taken back."""
        room = self.site.room(self.room)
        messages: list[Message] = []
        until = trio.current_time() + EVENING_SECONDS
        with trio.move_on_after(LONGEST_EVENING_SECONDS):
            while trio.current_time() < until or self.resumed <= self.enough or self.head <= 200:
                for _ in range(self.chance.choice((1, 1, 2, 15))):
                    text = f"{self.head} " + "x" * self.chance.choice((10, 300, 300, 6000))
                    message = await room.publish(text)
                    self.written[message.position.seq] = {"id": message.id, "text": text}
                    messages.append(message)
                    if self.chance.random() < 0.1:
                        retraction = await room.retract(messages.pop(self.chance.randrange(len(messages))).id)
                        self.written[retraction.position.seq] = {"target": retraction.target, "text": ""}
                await trio.sleep(self.chance.choice((0, 0.001, 0.01, 0.03)))
        with trio.CancelScope(shield=True):
            await trio.sleep(0.05)
        for entry in await room.history(limit=1000):
            self._remember(entry)
        while len(self.written) < self.head:
            for entry in await room.read(max(self.written) if self.written else 0, 1000):
                self._remember(entry)
        self.over = True

    def _remember(self, entry: Any) -> None:
        """What was being published when the evening ended is in the log too."""
        if entry.position.seq not in self.written:
            if isinstance(entry, Message):
                self.written[entry.position.seq] = {"id": entry.id, "text": entry.text}
            else:
                self.written[entry.position.seq] = {"target": entry.target, "text": ""}

    async def listen(self, number: int) -> None:
        """One person: connections one after the other, each resuming where the last one was, until all has come."""
        chance = random.Random(number)
        format = Format(number % 3)
        seen: list[dict[str, Any]] = []
        await trio.sleep(chance.random())
        epoch = self.site.room(self.room).position.epoch
        after = f"{epoch}:{chance.randrange(self.head + 1)}"
        first = int(after.split(":")[1])
        while True:
            query = f"after={'' if format is Format.EVENTS else self.room + '@'}{after}"
            small = chance.choice((None, 2048))
            listener = await self.site.listener(format, query, room=self.room, receive_buffer=small)
            assert listener.welcome["rooms"][self.room]["recovery"] == "resumed"
            patience = chance.randrange(1, 400)
            try:
                while not (self.over and after == f"{epoch}:{self.head}"):
                    item = await listener.item()
                    if item["type"] in ("message", "retraction", "gap"):
                        seen.append(item)
                        after = item["position"] if item["type"] != "gap" else item["to"]
                        self.gaps += item["type"] == "gap"
                    elif item["type"] == "bye":
                        assert item["code"] == 4008
                        assert item["position"] == after
                        self.told_too_slow += 1
                    patience -= 1
                    if not self.over and patience == 0:
                        break
                    if chance.random() < 0.01:
                        await trio.sleep(chance.choice((0.01, 0.1, 0.5)))
            except Ended:
                pass
            await listener.aclose()
            if self.over and after == f"{epoch}:{self.head}":
                break
            self.resumed += 1
        check_transcript(seen, self.written, first, self.head)


@pytest.mark.parametrize(
    ("mode", "capacity", "people"), [("stage", 30, 30), ("open", 30, 30), ("stage", 2000, 45)], ids=str
)
async def test_everybody_has_had_everything_once_and_in_order(mode: str, capacity: int, people: int) -> None:
    async with open_site(f"soak:{mode}", capacity=capacity) as site:
        evening = Evening(site, "soak", random.Random(11), enough=people)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(evening.publish)
            for number in range(people):
                nursery.start_soon(evening.listen, number)
        assert evening.head > 200
        assert evening.resumed > people
        await site.is_empty()
        if capacity == 30:
            assert evening.gaps if mode == "open" else evening.told_too_slow
        assert site.edge.statistics().gaps.get("slow", 0) >= evening.gaps
