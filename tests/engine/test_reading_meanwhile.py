"""The log takes its time, and meanwhile something happens to what is being read."""

from __future__ import annotations

import trio

from fanout.core.position import Position
from fanout.engine.engine import open_engine_on
from fanout.log.memory import MemoryLog
from tests.engine.evening import fill, take


class HeldLog(MemoryLog):
    """Reads, and then keeps the answer; commits, and then tells nobody: until it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer, self.may_tell = trio.Event(), trio.Event()
        self.may_answer.set()
        self.may_tell.set()

    def start(self, on_commit) -> None:
        self._tell = on_commit
        super().start(lambda entries: None)

    async def append(self, publication):
        appended = await super().append(publication)
        await self.may_tell.wait()
        self._tell(appended.entries)
        return appended

    async def read(self, room, after, limit):
        found = await super().read(room, after, limit)
        await self.may_answer.wait()
        return found


async def test_a_message_taken_back_before_it_was_handed_out_comes_redacted(engine):
    """Wherever it waited: in the ring, or read ahead from the log."""
    stage = await engine.open_room("stage", capacity=4)
    messages = await fill(stage, 10)
    async with stage.listen(after=Position(stage.position.epoch, 0)) as listener:
        assert await take(listener, 1) == messages[:1]  # the others are read ahead now
        for message in (messages[0], messages[3], messages[9]):
            await stage.retract(message.id)
        received = await take(listener, 12)
    assert received[2] == messages[3].redacted()
    assert received[8] == messages[9].redacted()
    assert [entry.target for entry in received[9:]] == [messages[0].id, messages[3].id, messages[9].id]


async def test_a_message_taken_back_while_the_log_is_being_read_comes_redacted():
    log = HeldLog()
    async with open_engine_on(log) as engine, trio.open_nursery() as nursery:
        stage = await engine.open_room("stage", capacity=2)
        messages = await fill(stage, 6)
        pages: list = []

        async def page() -> None:
            pages.append(await stage.history(limit=4))

        log.may_answer = trio.Event()
        nursery.start_soon(page)
        await trio.testing.wait_all_tasks_blocked()
        await stage.retract(messages[1].id)
        log.may_answer.set()
        await trio.testing.wait_all_tasks_blocked()
        assert pages == [[messages[0], messages[1].redacted(), *messages[2:4]]]


async def test_a_page_of_history_is_never_ahead_of_the_room():
    """The log has committed, but the room has not heard of it: a position from there could not be resumed."""
    log = HeldLog()
    async with open_engine_on(log) as engine, trio.open_nursery() as nursery:
        stage = await engine.open_room("stage", capacity=1)
        messages = await fill(stage, 3)
        log.may_tell = trio.Event()
        nursery.start_soon(stage.publish, "late")
        await trio.testing.wait_all_tasks_blocked()
        assert await stage.read(0, 100) == messages
        log.may_tell.set()
        await trio.testing.wait_all_tasks_blocked()
        assert len(await stage.read(0, 100)) == 4
