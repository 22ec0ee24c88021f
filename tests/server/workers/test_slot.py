"""A place in a server whose process dies at the worst moment: somebody is in it in the end, one and not two, and nobody
when the server is to stop. The processes are real, and do nothing but what their orders say."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from fanout.server.settings import Config
from fanout.server.workers import slot as slots
from fanout.server.workers.orders import STOP, Orders
from fanout.server.workers.slot import DiedAtStart, Slot

PROCESS = """
import json, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
how = json.loads(sys.stdin.readline())["feed"]
signal.signal(signal.SIGHUP, signal.SIG_IGN if how == "stubborn" else lambda *_: sys.exit(0))
if how == "dies":
    sys.exit(3)
if how == "hangs":
    sys.stdin.read()
if how.startswith("/"):  # a pipe: until somebody has opened it and closed it again
    open(how).read()
signal.signal(signal.SIGTERM, signal.SIG_DFL)
print("ready", flush=True)
for line in sys.stdin:
    print("fanout: alive" if line == "alive?\\n" and how != "silent" else "something else", flush=True)
"""


@pytest.fixture(autouse=True)
def small_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "process.py"
    path.write_text(PROCESS)
    monkeypatch.setattr(slots, "COMMAND", (sys.executable, "-S", "-I", str(path)))


class Place:
    """One slot; `how` is what the next process is told."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.how = "serves"
        self.deaths: list[float] = []
        self.changes = 0
        self.slot = Slot("edge-1", nursery, self._orders, died=self.deaths.append, changed=self._changed)

    def _orders(self) -> tuple[Orders, tuple[int, ...]]:
        return Orders("edge-1", 0, 1, 0, Config(), self.how, "", ()), ()

    def _changed(self) -> None:
        self.changes += 1

    @property
    def pid(self) -> int:
        assert self.slot.current is not None
        return self.slot.current.process.pid

    async def is_another_than(self, pid: int) -> None:
        while self.slot.current is None or self.pid == pid:  # noqa: ASYNC110  # nobody else waits for it
            await trio.sleep(0.005)

    def alive(self) -> list[int]:
        return [running.process.pid for running in self.slot._alive]


@asynccontextmanager
async def opened() -> AsyncIterator[Place]:
    """Every process has ended at the end."""
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            place = Place(nursery)
            try:
                await place.slot.start()
                yield place
            finally:
                place.slot.stop(signal.SIGKILL)
                await place.slot.ended()
            assert place.alive() == []
            nursery.cancel_scope.cancel()


async def test_one_that_dies_is_followed_by_another():
    async with opened() as place:
        first = place.pid
        place.slot.current.signal(signal.SIGKILL)
        await place.is_another_than(first)
        assert place.deaths == [0.0]
        assert place.alive() == [place.pid]


async def test_one_that_dies_while_its_successor_starts_has_one_successor(monkeypatch: pytest.MonkeyPatch):
    """Not one of `replace` and one of its own."""
    async with opened() as place:
        first = place.pid
        really, starts = place.slot._started, 0

        async def started() -> object:
            nonlocal starts
            starts += 1
            running = await really()
            if place.slot.current is not None and place.pid == first:
                place.slot.current.signal(signal.SIGKILL)
                await place.slot.current.ended.wait()
                for _ in range(5):  # until whoever keeps the place has noticed
                    await trio.lowlevel.checkpoint()
            return running

        monkeypatch.setattr(place.slot, "_started", started)
        await place.slot.replace()
        second = place.pid
        assert second != first
        for _ in range(50):
            await trio.lowlevel.checkpoint()
        assert starts == 1
        assert place.alive() == [second]
        place.slot.current.signal(signal.SIGKILL)
        await place.is_another_than(second)
        assert place.alive() == [place.pid]


async def test_a_successor_that_does_not_come_up_leaves_the_present_one():
    async with opened() as place:
        first = place.pid
        place.how = "dies"
        with pytest.raises(DiedAtStart) as death:
            await place.slot.replace()
        assert death.value.code == 3
        assert place.pid == first
        assert place.alive() == [first]


async def test_one_that_hangs_at_its_start_is_killed(monkeypatch: pytest.MonkeyPatch):
    async with opened() as place:
        first = place.pid
        monkeypatch.setattr(slots, "START_SECONDS", 0.2)
        place.how = "hangs"
        with pytest.raises(DiedAtStart):
            await place.slot.replace()
        assert place.alive() == [first]


async def test_one_that_does_not_answer_any_more_is_killed_and_followed_by_another(monkeypatch: pytest.MonkeyPatch):
    """Stopped, or in a loop that never ends; and one that answers is let be."""
    monkeypatch.setattr(slots, "ASK_SECONDS", 0.2)
    async with opened() as place:
        first = place.pid
        for number in (signal.SIGSTOP, signal.SIGCONT):  # for a moment
            place.slot.current.signal(number)
        running, asked = place.slot.current, 0
        ask = running.ask

        async def counting() -> None:
            nonlocal asked
            asked += 1
            await ask()

        running.ask = counting
        while asked <= slots.MAX_UNANSWERED + 1:  # noqa: ASYNC110  # nobody else waits for it
            await trio.sleep(0.005)
        assert place.pid == first
        running.signal(signal.SIGSTOP)
        await place.is_another_than(first)
        assert running.process.returncode == -signal.SIGKILL
        assert place.alive() == [place.pid]


async def test_one_that_says_other_things_has_not_answered(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(slots, "ASK_SECONDS", 0.02)
    async with opened() as place:
        place.how = "silent"
        await place.slot.replace()
        second = place.pid
        place.how = "serves"
        await place.is_another_than(second)
        assert place.deaths == [0.0]


async def test_one_that_does_not_make_room_is_killed(monkeypatch: pytest.MonkeyPatch):
    async with trio.open_nursery() as nursery:
        place = Place(nursery)
        place.how = "stubborn"
        with trio.fail_after(30):
            await place.slot.start()
            first = place.slot.current
            monkeypatch.setattr(slots, "RETIRE_SECONDS", 0.1)
            place.how = "serves"
            await place.slot.replace()
            await first.ended.wait()
            assert first.process.returncode == -signal.SIGKILL
            assert place.alive() == [place.pid]
            place.slot.stop(signal.SIGKILL)
            await place.slot.ended()
        nursery.cancel_scope.cancel()


async def test_where_no_process_can_be_begun_it_is_tried_again(monkeypatch: pytest.MonkeyPatch):
    """The present one stays; where there is none, one comes when it can be."""
    async with opened() as place:
        first, command = place.pid, slots.COMMAND
        monkeypatch.setattr(slots, "COMMAND", ("/nowhere/python",))
        with pytest.raises(DiedAtStart):
            await place.slot.replace()
        assert place.pid == first
        place.slot.current.signal(signal.SIGKILL)
        while len(place.deaths) < 2:
            await trio.lowlevel.checkpoint()
        assert place.alive() == []
        monkeypatch.setattr(slots, "COMMAND", command)
        await place.is_another_than(first)


async def test_after_stop_nobody_is_started_and_who_does_not_serve_yet_is_killed(tmp_path: Path):
    """It hears no signal before, and would come to an engine that is gone."""
    async with opened() as place:
        first = place.slot.current

        async def replace() -> None:
            with pytest.raises(DiedAtStart):
                await place.slot.replace()

        async with trio.open_nursery() as nursery:
            place.how = str(tmp_path / "pipe")
            os.mkfifo(place.how)
            nursery.start_soon(replace)
            pipe = await trio.to_thread.run_sync(os.open, place.how, os.O_WRONLY)
            place.slot.stop(STOP)
            await place.slot.ended()
            os.close(pipe)
        assert first.process.returncode == -STOP
        await place.slot.replace()
        for _ in range(50):
            await trio.lowlevel.checkpoint()
        assert place.alive() == []
