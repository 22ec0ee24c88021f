"""Whatever comes in, however it repeats and whatever is decided: both stores answer as the model does, restarts too."""

from __future__ import annotations

import queue
import shutil
import tempfile
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import trio
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from fanout.core.audit import Chain
from fanout.core.submission import TRANSITIONS, Decision, Source, State, Step, Submission
from fanout.errors import FanoutError
from fanout.moderation.ports import Arrival, Query, Store
from fanout.store.memory import MemoryStore
from fanout.store.sqlite import open_sqlite_store
from fanout.testing.store_under_test import counts
from tests.store.model import Books

IDS = st.integers(1, 12).map("s{:011d}".format)
ROOMS = st.sampled_from(["a", "a", "b"])
SOURCES = st.sampled_from([Source.WEB, Source.WEB, Source.SMS])
PEOPLE = st.sampled_from(["", "visitor:1", "visitor:2", "phone:3"])
TEXTS = st.sampled_from(["one two", "two three", "three", "twofold one", ""])
TIMES = st.integers(0, 20)
ARRIVALS = st.builds(
    Arrival,
    id=IDS,
    room=ROOMS,
    source=SOURCES,
    source_id=st.integers(1, 8).map(str),
    person=PEOPLE,
    name=st.sampled_from(["ada", "bob", ""]),
    text=TEXTS,
    at=TIMES,
)
QUERIES = st.builds(
    Query,
    room=st.none() | ROOMS,
    states=st.frozensets(st.sampled_from(State), max_size=3),
    sources=st.frozensets(SOURCES),
    after=st.integers(0, 12),
    limit=st.sampled_from([1, 3, 50]),
    search=st.sampled_from(["", "", "two", "one tw", "ada thr", "nothing"]),
    since=st.none() | TIMES,
    until=st.none() | TIMES,
    person=st.none() | PEOPLE,
    merged_into=st.none() | IDS,
)


def _leads_on(now: Submission) -> list[Step]:
    """The steps that lead on from where it stands; few are withdrawn or rejected, since that ends most of it."""
    rare = {Step.WITHDRAW, Step.REJECT} if now.number % 4 else set()
    steps = [step for step, pairs in TRANSITIONS.items() if now.state in pairs and step not in rare]
    return steps + [Step.UNDO] * (now.before is not None and now.before.state is not State.RECEIVED)


async def _answer(call: Callable[..., Awaitable[Any]], arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
    try:
        return await call(*arguments, **named)
    except FanoutError as error:
        return error


def _plain(answer: Any) -> Any:
    return (type(answer), answer.code) if isinstance(answer, FanoutError) else answer


class Stores(RuleBasedStateMachine):
    """Each rule does the same to both stores and the model, in one event loop that lives as long as the machine."""

    def __init__(self) -> None:
        super().__init__()
        self._directory = Path(tempfile.mkdtemp())
        self._tokens: queue.SimpleQueue[trio.lowlevel.TrioToken] = queue.SimpleQueue()
        self._thread = threading.Thread(target=trio.run, args=(self._live,))
        self._thread.start()
        self._token = self._tokens.get()
        self._books, self._memory, self._messages = Books(), MemoryStore(), 0

    async def _live(self) -> None:
        self._end = trio.Event()
        self._tokens.put(trio.lowlevel.current_trio_token())
        await self._end.wait()

    def _run(self, work: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        return trio.from_thread.run(work, *arguments, trio_token=self._token)

    async def _open(self) -> None:
        self._durable: Store = await open_sqlite_store(self._directory / "desk.sqlite3")

    def _expect(self, expected: Any, name: str, *arguments: Any, **named: Any) -> None:
        for store in (self._memory, self._durable):
            found = self._run(_answer, getattr(store, name), arguments, named)
            assert _plain(found) == _plain(expected), f"{name} of {type(store).__name__}"

    @initialize(arrivals=st.lists(ARRIVALS, min_size=3, max_size=6))
    def begin(self, arrivals: list[Arrival]) -> None:
        self._run(self._open)
        for place, arrival in enumerate(arrivals, 1):
            self.receive([replace(arrival, id=f"s{place:011d}", source_id=str(place))])
        self._decide([Decision(one.id, Step.HOLD, "Ada", 1) for one in self._books.kept[1:]])

    @rule(arrivals=st.lists(ARRIVALS, min_size=1, max_size=4))
    def receive(self, arrivals: list[Arrival]) -> None:
        self._expect(self._books.receive(arrivals), "receive", arrivals)

    @rule(data=st.data(), arrivals=st.lists(ARRIVALS, min_size=1, max_size=3))
    def repeat(self, data: st.DataObject, arrivals: list[Arrival]) -> None:
        known = [data.draw(st.sampled_from(self._books.kept)) for _ in arrivals]
        self.receive(
            [
                replace(new, room=one.room, source=one.source, source_id=one.source_id)
                for new, one in zip(arrivals, known, strict=True)
            ]
        )

    def _decide(self, asked: list[Decision], audited: bool = True) -> None:
        for place, one in enumerate(asked):
            if one.step is Step.AIR:
                self._messages += 1
                asked[place] = replace(one, message=f"m{self._messages:011d}")
        self._expect(self._books.decide(asked, audited), "decide", asked, audited=audited)

    def _step(self, draw: Callable[[st.SearchStrategy[Any]], Any], *, likely: bool) -> Decision:
        """A step with what it needs; a likely one leads on from where the submission stands."""
        now: Submission = draw(st.sampled_from(self._books.kept))
        step = draw(st.sampled_from((likely and _leads_on(now)) or [*Step]))
        others = [one.id for one in self._books.kept if not likely or (one.room == now.room and one is not now)] or [
            now.id
        ]
        text = draw(TEXTS) if step is Step.EDIT else draw(st.none() | TEXTS) if step is Step.APPROVE else None
        return Decision(
            now.id,
            step,
            draw(st.sampled_from(["Ada", "Bob"])),
            draw(TIMES),
            text=text,
            reason=draw(st.sampled_from(["", "why"])),
            into=draw(st.sampled_from(others)) if step is Step.MERGE else None,
            rank=draw(st.sampled_from(["a", "i", "iz"])) if step in (Step.CUE, Step.MOVE) else "",
        )

    @rule(data=st.data(), audited=st.booleans())
    def take_a_likely_step(self, data: st.DataObject, audited: bool) -> None:
        self._decide([self._step(data.draw, likely=True)], audited)

    @rule(data=st.data(), count=st.integers(1, 6))
    def take_one_likely_step_after_the_other(self, data: st.DataObject, count: int) -> None:
        for _ in range(count):
            self._decide([self._step(data.draw, likely=True)])

    @rule(data=st.data(), count=st.integers(2, 4), likely=st.booleans())
    def take_steps_in_one_call(self, data: st.DataObject, count: int, likely: bool) -> None:
        self._decide([self._step(data.draw, likely=likely) for _ in range(count)])

    @rule(submission=IDS)
    def decide_on_what_may_not_be_there(self, submission: str) -> None:
        self._decide([Decision(submission, Step.HOLD, "Ada", 1)])

    @rule(query=QUERIES)
    def page(self, query: Query) -> None:
        self._expect(self._books.page(query), "page", query)

    @rule()
    def reopen(self) -> None:
        self._run(self._durable.aclose)
        self._run(self._open)

    @rule()
    def look_around(self) -> None:
        received = frozenset({State.RECEIVED})
        self._expect(self._books.page(Query(states=received)), "unreviewed", 0, 50)
        for search in ("one", "two thr", "three ad", "twofold one bo"):
            self._expect(self._books.page(Query(search=search)), "page", Query(search=search))
        for state in State:
            query = Query(states=frozenset({state}), sources=frozenset({Source.SMS}))
            self._expect(self._books.page(query), "page", query)
        for room in ("a", "b"):
            self._expect(self._books.sheet(room), "run_sheet", room)
        for one in self._books.kept:
            self._expect(one, "find", one.id)
            if one.message is not None:
                self._expect(one, "find_message", one.message)

    @invariant()
    def everything_is_counted_once(self) -> None:
        if not hasattr(self, "_durable"):
            return
        for store in (self._memory, self._durable):
            for room in ("a", "b"):
                assert self._run(counts, store, room) == self._books.tallies(room)

    def teardown(self) -> None:
        if hasattr(self, "_durable"):
            self.page(Query())
            self.look_around()
            for store in (self._memory, self._durable):
                entries = self._run(store.audit)
                assert Chain().check(entries) is None
                assert [(one.draft.subject, one.draft.action) for one in entries] == self._books.audited
            self._run(self._durable.aclose)
        self._token.run_sync_soon(self._end.set)
        self._thread.join()
        shutil.rmtree(self._directory)


TestStores = Stores.TestCase
TestStores.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
