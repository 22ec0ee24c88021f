"""Whatever is done to both, the durable log and the one in memory answer alike, also across restarts."""

from __future__ import annotations

import queue
import shutil
import tempfile
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import trio
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from fanout.core.message import Author, Draft, Entry
from fanout.core.position import Position
from fanout.core.room import room_settings
from fanout.engine.ports import Appended, Log, Publication, Stream
from fanout.errors import FanoutError
from fanout.log.memory import MemoryLog
from fanout.log.sqlite import open_sqlite_log

ROOMS = st.sampled_from(["a", "b", "c", "@x/d"])
NAMES = st.integers(0, 30).map("m{}".format)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
MESSAGES = st.builds(
    Draft,
    room=ROOMS,
    at=st.integers(0, 2**41),
    kind=TEXTS,
    author=st.builds(Author, TEXTS, TEXTS),
    text=TEXTS,
    re=st.none() | NAMES,
    data=st.none() | st.dictionaries(TEXTS, JSON, max_size=3),
)
RETRACTIONS = st.builds(Draft, room=ROOMS, at=st.integers(0, 2**41), target=NAMES)
PUBLICATIONS = st.builds(
    Publication,
    drafts=st.lists(MESSAGES | RETRACTIONS, min_size=1, max_size=5).map(tuple),
    key=st.none() | st.sampled_from(["k", "l", "ключ"]),
    fingerprint=st.sampled_from([b"", b"1"]),
)


def _plain(value: Any) -> Any:
    """The same without the epoch, which no two logs share."""
    if isinstance(value, Appended):
        return value.repeated, [_plain(entry) for entry in value.entries]
    if isinstance(value, Stream):
        return replace(value, epoch="")
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, FanoutError):
        return type(value)
    if hasattr(value, "position"):
        return replace(value, position=Position("", value.position.seq))
    return value


async def _answer(call: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
    try:
        return await call(*arguments)
    except FanoutError as error:
        return error


class BothLogs(RuleBasedStateMachine):
    """Each rule does the same to both, in one event loop that lives as long as the machine."""

    def __init__(self) -> None:
        super().__init__()
        self._directory = Path(tempfile.mkdtemp())
        self._tokens: queue.SimpleQueue[trio.lowlevel.TrioToken] = queue.SimpleQueue()
        self._thread = threading.Thread(target=trio.run, args=(self._live,))
        self._thread.start()
        self._token = self._tokens.get()
        self._told: list[list[Entry]] = [[], []]
        self._used: dict[str, set[str]] = {}

    async def _live(self) -> None:
        self._end = trio.Event()
        self._tokens.put(trio.lowlevel.current_trio_token())
        await self._end.wait()

    def _run(self, work: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        return trio.from_thread.run(work, *arguments, trio_token=self._token)

    async def _open(self) -> None:
        self._durable: Log = await open_sqlite_log(self._directory / "log.sqlite3")
        self._durable.start(lambda entries: self._told[0].extend(entries))

    @initialize(rooms=st.sets(ROOMS, min_size=1))
    def begin(self, rooms: set[str]) -> None:
        self._run(self._open)
        self._memory = MemoryLog()
        self._memory.start(lambda entries: self._told[1].extend(entries))
        for room in sorted(rooms):
            self.save_room(room, "")

    def _both(self, name: str, *arguments: Any) -> None:
        durable, memory = (self._run(_answer, getattr(log, name), *arguments) for log in (self._durable, self._memory))
        assert _plain(durable) == _plain(memory)

    @rule(room=ROOMS, title=TEXTS)
    def save_room(self, room: str, title: str) -> None:
        self._both("save_room", room_settings(room, title=title))

    @rule(publication=PUBLICATIONS)
    def publish(self, publication: Publication) -> None:
        self._both("append", self._with_names(publication))

    @rule(publications=st.lists(PUBLICATIONS, min_size=2, max_size=8))
    def publish_together(self, publications: list[Publication]) -> None:
        """At once, but in a known order: most of them share a transaction."""
        publications = [self._with_names(publication) for publication in publications]
        durable = self._run(_in_turn, self._durable, publications)
        memory = self._run(_in_turn, self._memory, publications)
        assert _plain(durable) == _plain(memory)

    @rule(room=ROOMS, after=st.integers(-1, 40), limit=st.integers(-1, 40))
    def read(self, room: str, after: int, limit: int) -> None:
        self._both("read", room, after, limit)

    @rule(room=ROOMS, name=NAMES)
    def find(self, room: str, name: str) -> None:
        self._both("find", room, name)
        self._both("find_retraction", room, name)

    @rule()
    def reopen(self) -> None:
        self._run(self._durable.aclose)
        self._run(self._open)

    @invariant()
    def both_tell_the_same(self) -> None:
        assert _plain(self._told[0]) == _plain(self._told[1])
        if hasattr(self, "_durable"):
            self._both("streams")

    def teardown(self) -> None:
        if hasattr(self, "_durable"):
            for room in ("a", "b", "c", "@x/d"):
                self._both("read", room, 0, 1000)
            self._run(self._durable.aclose)
        self._token.run_sync_soon(self._end.set)
        self._thread.join()
        shutil.rmtree(self._directory)

    def _with_names(self, publication: Publication) -> Publication:
        """Give each message an id that its room has not had: that is the publisher's duty, not the log's."""
        drafts = []
        for draft in publication.drafts:
            used = self._used.setdefault(draft.room, set())
            if draft.target is None:
                draft = replace(draft, id=f"m{len(used)}")
                used.add(draft.id)
            drafts.append(draft)
        return replace(publication, drafts=tuple(drafts))


async def _in_turn(log: Log, publications: Sequence[Publication]) -> list[Any]:
    answers: list[Any] = [None] * len(publications)
    turns = [trio.Event() for _ in range(len(publications) + 1)]
    turns[0].set()

    async def publish(number: int) -> None:
        await turns[number].wait()
        turns[number + 1].set()
        answers[number] = await _answer(log.append, publications[number])

    async with trio.open_nursery() as nursery:
        for number in range(len(publications)):
            nursery.start_soon(publish, number)
    return answers


TestBothLogs = BothLogs.TestCase
TestBothLogs.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
