"""Listeners that come, read slowly, leave and come back at any moment, while others publish and take back.

The log answers late, by a different number of scheduler rounds each time, so that everything can happen in between.
Whatever happens: every position in order and once, or a gap that names what is missing, and never a text that has been
taken back.
"""

from __future__ import annotations

from contextlib import suppress
from random import Random

import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from fanout.core.message import Entry, GapReason, Message
from fanout.core.position import Position
from fanout.core.say import Say
from fanout.engine.engine import Engine, open_engine_on
from fanout.engine.room import Room
from fanout.errors import EngineClosed, ListenerOvertaken, MessageNotFound
from fanout.log.opening import open_engine
from tests.core.model import Expectation, publish
from tests.engine.slow_log import SlowLog


class Evening:
    """One engine, its rooms, those who speak and those who listen. `chance` decides everything that may vary."""

    def __init__(self, chance: Random, room: Room) -> None:
        self.chance, self.room = chance, room
        self.stream: list[Entry] = list(room.recent)
        room.observe(lambda entries: [publish(self.stream, entry) for entry in entries])
        self.listeners: list[Expectation] = []
        self.received = 0
        self.oldest_in_log = lambda: 1

    async def pause(self, most: int) -> None:
        for _ in range(self.chance.randint(0, most)):
            await trio.lowlevel.checkpoint()

    async def speak(self, times: int) -> None:
        for _ in range(times):
            await self.pause(6)
            said = [entry for entry in self.stream if isinstance(entry, Message)]
            if said and self.chance.random() < 0.3:
                with suppress(MessageNotFound):  # the log has forgotten it
                    await self.room.retract(self.chance.choice(said[-12:]).id)
            else:
                await self.room.publish_all([Say("text")] * self.chance.randint(1, 5))

    async def listen(self) -> None:
        """Listen until the engine closes; sometimes leave, and come back to where one was."""
        wish: dict[str, object] = {"last": self.chance.choice([None, 0, 1, 5, 50])}
        if self.chance.random() < 0.6:
            epoch = self.chance.choice([self.room.position.epoch] * 5 + ["other1"])
            wish = {"after": Position(epoch, self.chance.randint(0, len(self.stream) + 1))}
        expected: Expectation | None = None
        slow = self.chance.choice([0, 1, 10])
        while True:
            await self.pause(10)
            resume_after = ""
            try:
                async with self.room.listen(**wish) as listener:
                    expected = expected or self._expectation(wish, listener.position)
                    assert listener.position.seq >= expected.seen
                    async for item in listener:
                        if getattr(item, "reason", None) is GapReason.EXPIRED:
                            assert item.last.seq < self.oldest_in_log(), "only what the log has no more"
                        expected.receives(item, self.stream)
                        assert listener.position == Position(expected.epoch, expected.seen)
                        self.received += 1
                        await self.pause(slow)
                        if self.chance.random() < 0.05:
                            break
                    else:
                        assert expected.seen == len(self.stream), "who is there at the end has everything"
                        return
            except ListenerOvertaken as overtaken:
                resume_after = overtaken.resume_after
            except EngineClosed:
                return
            assert expected is not None
            assert resume_after in ("", f"{expected.epoch}:{expected.seen}")
            wish = {"after": Position(expected.epoch, expected.seen)}

    def _expectation(self, wish: dict[str, object], begins: Position) -> Expectation:
        after = wish.get("after")
        seen = begins.seq
        if isinstance(after, Position):
            known = after.epoch == begins.epoch and after.seq <= len(self.stream)
            seen = after.seq if known else 0
        expected = Expectation(begins.epoch, seen)
        self.listeners.append(expected)
        return expected

    async def change(self, engine: Engine, times: int) -> None:
        for _ in range(times):
            await self.pause(40)
            await engine.open_room(
                "stage", capacity=self.chance.randint(1, 9), overflow=self.chance.choice(["close", "skip"])
            )

    async def run(self, engine: Engine, publications: int, listeners: int) -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(listeners):
                nursery.start_soon(self.listen)
            async with trio.open_nursery() as speakers:
                speakers.start_soon(self.change, engine, 4)
                for _ in range(3):
                    speakers.start_soon(self.speak, publications)
            await trio.testing.wait_all_tasks_blocked(0.01)
            await engine.aclose()
        assert [entry.position.seq for entry in self.stream] == list(range(1, len(self.stream) + 1))
        assert all(entry.retracted is (entry.text == "") for entry in self.stream if isinstance(entry, Message))


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    history=st.sampled_from([3, 12, 60, 10_000]),
    capacity=st.integers(1, 8),
    wait=st.integers(0, 8),
)
def test_whenever_one_joins_nothing_is_lost_repeated_or_shown_after_it_was_taken_back(seed, history, capacity, wait):
    chance = Random(seed)
    log = SlowLog(lambda: chance.randint(0, wait), history)

    async def main() -> None:
        async with open_engine_on(log) as engine:
            evening = Evening(chance, await engine.open_room("stage", capacity=capacity))
            evening.oldest_in_log = lambda: log._streams["stage"].oldest if log._streams else len(evening.stream) + 1
            await evening.run(engine, publications=15, listeners=8)
            assert evening.received

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


async def test_the_same_holds_on_a_disk(tmp_path):
    """With real threads and real commits; several evenings, because chance has a part in each."""
    for seed in range(5):
        async with open_engine(tmp_path / f"{seed}") as engine:
            evening = Evening(Random(seed), await engine.open_room("stage", capacity=6))
            with trio.fail_after(30):
                await evening.run(engine, publications=20, listeners=10)
            assert evening.received
