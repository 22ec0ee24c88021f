"""kill -9 in the middle of receiving, deciding and purging: what has returned is there, once, whole; what was purged is
in no file."""

from __future__ import annotations

import random
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import trio

from fanout.core.audit import AuditDraft, Chain
from fanout.core.submission import Decision, Source, State, Step
from fanout.moderation.ports import Arrival, Purged, Query
from fanout.store.sqlite import open_sqlite_store
from tests.store.desk_worker import arrival_of

ROUNDS = 6
WORKER = Path(__file__).with_name("desk_worker.py")
PURGE = AuditDraft(1, "Ada (producer)", "purge", "stage")


async def _work_until_killed(database: Path, first: int, lines: int) -> list[str]:
    """Kill the worker once it has said so much; what it said, whole lines only."""
    command = [sys.executable, "-m", "tests.store.desk_worker", str(database), "work", str(first)]
    said = b""
    async with trio.open_nursery() as nursery:
        process: trio.Process = await nursery.start(
            partial(trio.run_process, command, stdout=subprocess.PIPE, check=False)
        )
        assert process.stdout is not None
        async for chunk in process.stdout:
            said += chunk
            if said.count(b"\n") >= lines and process.returncode is None:
                process.kill()
    assert process.returncode == -9
    return said.decode().splitlines()[: said.count(b"\n")]


async def test_a_killed_process_loses_nothing_that_has_returned(tmp_path: Path) -> None:
    """Many rounds on the same file: numbers without a hole, each at the number that was told, no step lost or half
    done, the audit whole and of exactly what was decided, and the counts those of the rows."""
    database = tmp_path / "data" / "desk.sqlite3"
    chance = random.Random(20040602)
    numbers: dict[int, int] = {}
    approved: set[int] = set()
    for _ in range(ROUNDS):
        with trio.fail_after(60):
            said = await _work_until_killed(database, max(numbers, default=-1) + 1, chance.randint(1, 400))
        for line in said:
            number, place, what = line.split()
            assert numbers.setdefault(int(number), int(place)) == int(place)
            if what == "approved":
                approved.add(int(number))
        store = await open_sqlite_store(database)
        kept = await store.page(Query(limit=1_000_000))
        assert [submission.number for submission in kept] == [*range(1, len(kept) + 1)]
        places = {int(submission.id): submission.number for submission in kept}
        assert numbers.items() <= places.items()
        decided = [submission.id for submission in kept if submission.state is State.APPROVED]
        assert {f"{number:012d}" for number in approved} <= set(decided)
        entries = await store.audit(limit=1_000_000)
        assert Chain().check(entries) is None
        assert sorted(entry.draft.subject for entry in entries) == sorted(decided)
        tallies = await store.tallies("stage")
        assert (tallies.total.messages, tallies.total.people) == (len(kept), len(kept))
        assert tallies.by_state.get(State.APPROVED, 0) == len(decided)
        again = await store.receive([arrival_of(number) for number in places])
        assert all(receipt.repeated for receipt in again)
        await store.aclose()
        numbers = places
    assert len(numbers) > ROUNDS * 20


def _secrets_in(directory: Path, secret: bytes = b"secret") -> list[str]:
    return [path.name for path in directory.iterdir() if secret in path.read_bytes()]


async def _fill(database: Path) -> None:
    store = await open_sqlite_store(database)
    for number in range(0, 2000, 500):
        await store.receive([arrival_of(number + place) for place in range(500)])
        longer = [
            Decision(f"{number + place:012d}", Step.APPROVE, "", 1, text="a secret " * (place % 90))
            for place in range(0, 500, 3)
        ]
        await store.decide(longer, audited=False)  # rows that grow move from page to page, and leave copies behind
    await store.aclose()


@pytest.mark.parametrize("point", ["finish_purge", "truncate_wal"])
async def test_a_purge_that_was_killed_is_finished_at_the_next_opening(point: str, tmp_path: Path) -> None:
    """Before the file is made anew, and before the write-ahead log is emptied: what is gone is in the files still, and
    in none of them once the store is open."""
    database = tmp_path / "desk.sqlite3"
    await _fill(database)
    command = [sys.executable, "-m", "tests.store.desk_worker", str(database), "purge", point]
    with trio.fail_after(60):
        killed = await trio.run_process(command, check=False)
    assert killed.returncode == -9
    assert _secrets_in(tmp_path) != []
    store = await open_sqlite_store(database)
    assert _secrets_in(tmp_path) == []
    assert [entry.draft for entry in await store.audit()] == [PURGE]
    kept = await store.page(Query(limit=10_000))
    assert len(kept) == (await store.tallies("stage")).total.people == 2000
    assert {(submission.text, submission.name, submission.person) for submission in kept} == {("", "", "")}
    await store.aclose()


async def test_a_purge_that_was_killed_before_its_commit_has_done_nothing(tmp_path: Path) -> None:
    """All of it or none."""
    database = tmp_path / "desk.sqlite3"
    await _fill(database)
    command = [sys.executable, "-m", "tests.store.desk_worker", str(database), "purge", "audit_row"]
    with trio.fail_after(60):
        assert (await trio.run_process(command, check=False)).returncode == -9
    store = await open_sqlite_store(database)
    assert await store.audit() == []
    kept = await store.page(Query(limit=10_000))
    texts = [submission.original or submission.text for submission in kept]
    assert texts == [arrival_of(number).text for number in range(2000)]
    await store.aclose()


async def test_a_purge_beside_another_room_leaves_nothing_where_rows_and_index_entries_once_were(
    tmp_path: Path,
) -> None:
    """Pages fill, and what is on them moves to others; SQLite leaves copies behind, which nobody overwrites as long as
    the other room has something on the same page. Only a file that is made anew is without them."""
    database = tmp_path / "desk.sqlite3"
    store = await open_sqlite_store(database)
    chance = random.Random(1324085)
    for begin in range(0, 4000, 500):
        arrivals = []
        for number in range(begin, begin + 500):
            room, word = ("stage", "secret") if number % 2 else ("other", "public")
            name = f"{chance.getrandbits(64):016x}-{word}"  # as ids and pseudonyms come: in no order
            arrivals.append(Arrival(f"{number:012d}", room, Source.SMS, name, f"phone:{name}", word, f"a {word}", 1))
        await store.receive(arrivals)
        longer = [
            Decision(f"{number:012d}", Step.APPROVE, "", 1, text="a secret " * (number % 90))
            for number in range(begin + 1, begin + 500, 6)
        ]
        await store.decide(longer, audited=False)
    assert _secrets_in(tmp_path) != []
    assert await store.purge("stage", PURGE) == Purged(2000, ("other",))
    assert _secrets_in(tmp_path) == [], "while it is open"
    others = await store.page(Query("other", limit=5000))
    assert {(one.text, one.name) for one in others} == {("a public", "public")}
    assert len({one.person for one in others}) == len(others) == 2000
    await store.aclose()
    assert _secrets_in(tmp_path) == []


async def test_a_purge_leaves_nothing_in_any_file(tmp_path: Path) -> None:
    """While the store is open, as soon as it has returned."""
    database = tmp_path / "desk.sqlite3"
    await _fill(database)
    store = await open_sqlite_store(database)
    await store.receive([arrival_of(5000)])
    key = await store.phone_key()
    assert sorted(_secrets_in(tmp_path)) == ["desk.sqlite3", "desk.sqlite3-wal"]
    assert _secrets_in(tmp_path, key) == ["desk.sqlite3-wal"]
    assert await store.purge("stage", PURGE) == Purged(2001)
    assert _secrets_in(tmp_path) == []
    assert _secrets_in(tmp_path, key) == []
    assert await store.page(Query(search="secret1")) == []
    await store.aclose()
