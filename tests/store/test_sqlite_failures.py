"""Full disks, locks and readers in the way, for real: a request fails with its cause and leaves nothing, reading goes
on, and the store finds back by itself."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from fanout.core.audit import AuditDraft
from fanout.core.submission import Decision, Source, State, Step, Submission
from fanout.database.writer import Committed
from fanout.errors import ConfigurationError, FanoutError, InvalidInput, StoreUnavailable, TransitionRefused
from fanout.moderation.ports import Arrival, Kind, Purged, Query
from fanout.store import sqlite as sqlite_store
from fanout.store.desk_ledger import DeskLedger
from fanout.store.requests import Request
from fanout.store.sqlite import SqliteStore, open_sqlite_store

PURGE = AuditDraft(1, "Ada (producer)", "purge", "a")


def _arrival(name: str, text: str = "secret") -> Arrival:
    return Arrival(name, "a", Source.WEB, f"sent-{name}", "visitor:secret", "secret", text, 1)


def _approval(name: str) -> Decision:
    return Decision(name, Step.APPROVE, "Ada (moderator)", 2)


@asynccontextmanager
async def _store(directory: Path) -> AsyncIterator[SqliteStore]:
    store = await open_sqlite_store(directory / "desk.sqlite3")
    yield store
    await store.aclose()


async def _until_available(store: SqliteStore) -> None:
    with trio.fail_after(6):
        while not store.available:  # noqa: ASYNC110 - it is found out by the store's own thread
            await trio.sleep(0.01)


async def _names(store: SqliteStore) -> list[str]:
    kept = await store.page(Query(limit=100_000))
    assert [submission.number for submission in kept] == [*range(1, len(kept) + 1)]
    assert (await store.tallies("a")).total.messages == len(kept)
    return [submission.id for submission in kept]


async def _fails(store: SqliteStore, name: str, text: str = "secret") -> StoreUnavailable:
    with pytest.raises(StoreUnavailable) as caught:
        await store.receive([_arrival(name, text)])
    assert isinstance(caught.value.__cause__, sqlite3.Error)
    assert not store.available
    return caught.value


def _fill(path: Path) -> None:
    """Write until there is no space left, to the last byte."""
    with path.open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while filler.write(b"x" * 1024):
            pass


async def test_a_full_disk_refuses_and_recovers(small_disk: Path) -> None:
    """Real ENOSPC. Nothing of what failed is kept; with space again, it is available before anybody has asked."""
    async with _store(small_disk) as store:
        await store.receive([_arrival("before")])
        _fill(small_disk / "filler")
        names = ["before"]
        error = None
        while error is None:  # what the write-ahead log has already been given still fits
            name = f"still-{len(names)}"
            try:
                await store.receive([_arrival(name, "x" * 16_000)])
                names.append(name)
            except StoreUnavailable as refusal:
                error = refusal
        assert "full" in error.detail
        for attempt in range(20):
            await _fails(store, f"lost-{attempt}", "x" * 16_000)
        assert await _names(store) == names
        (small_disk / "filler").unlink()
        await _until_available(store)
        await store.receive([_arrival("lost-3")])
        assert await _names(store) == [*names, "lost-3"]


async def test_a_lock_of_another_refuses_and_recovers(tmp_path: Path) -> None:
    """Everybody who waits is told, after SQLite's two seconds, not each after another's; reading goes on meanwhile."""
    async with _store(tmp_path) as store:
        await store.receive([_arrival("before")])
        holder = sqlite3.connect(tmp_path / "desk.sqlite3", isolation_level=None)
        holder.execute("BEGIN EXCLUSIVE")
        with trio.fail_after(8):
            async with trio.open_nursery() as nursery:
                for attempt in range(50):
                    nursery.start_soon(_fails, store, f"lost-{attempt}")
                assert await _names(store) == ["before"]
        holder.execute("ROLLBACK")
        holder.close()
        await _until_available(store)
        await store.receive([_arrival("lost")])
        assert await _names(store) == ["before", "lost"]


async def test_a_reader_in_the_way_of_a_purge_is_told_of_and_outlasted(tmp_path: Path) -> None:
    """It is destroyed, but not yet erased, and says so; once the reader has gone it is erased by itself."""

    def secrets() -> list[str]:
        return [path.name for path in tmp_path.iterdir() if b"secret" in path.read_bytes()]

    async with _store(tmp_path) as store:
        await store.receive([_arrival("a1")])
        reader = sqlite3.connect(tmp_path / "desk.sqlite3", isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM submissions").fetchall()
        with pytest.raises(StoreUnavailable, match="destroyed"):
            await store.purge("a", PURGE)
        assert [(kept.text, kept.person) for kept in await store.page(Query())] == [("", "")]
        await store.receive([_arrival("a2", "later")])
        assert secrets() != []
        reader.execute("ROLLBACK")
        reader.close()
        assert await store.purge("a", PURGE) == Purged(2)
        assert secrets() == []


async def test_what_is_refused_or_impossible_does_not_fail_the_others(tmp_path: Path) -> None:
    """In one group of requests: ids taken, steps refused, a number that SQLite can't hold, half a surrogate pair."""
    refusals: list[type[Exception]] = []
    async with _store(tmp_path) as store:
        await store.receive([_arrival("taken")])
        await store.decide([_approval("taken")])

        async def receive(arrival: Arrival) -> None:
            try:
                await store.receive([arrival])
            except (FanoutError, OverflowError, UnicodeEncodeError) as error:
                refusals.append(type(error))

        async def approve_again() -> None:
            with pytest.raises(TransitionRefused):
                await store.decide([_approval("taken")])
            refusals.append(TransitionRefused)

        async with trio.open_nursery() as nursery:
            for number in range(40):
                nursery.start_soon(receive, _arrival(str(number)))
            nursery.start_soon(receive, Arrival("taken", "a", Source.WEB, "another", "", "", "", 1))
            nursery.start_soon(receive, Arrival("when", "a", Source.WEB, "when", "", "", "", 2**80))
            nursery.start_soon(receive, _arrival("half", "\ud800"))
            nursery.start_soon(approve_again)
        assert store.available
        assert sorted(await _names(store)) == sorted(["taken", *map(str, range(40))])
        wanted = [InvalidInput, OverflowError, TransitionRefused, UnicodeEncodeError]
        assert sorted(refusals, key=lambda error: error.__name__) == wanted
        (audited,) = await store.audit()
        assert audited.draft.subject == "taken"


async def test_a_table_gone_wrong_while_running_is_a_clear_error(tmp_path: Path) -> None:
    """Not a traceback, for reading and writing alike."""
    async with _store(tmp_path) as store:
        await store.receive([_arrival("before")])
        vandal = sqlite3.connect(tmp_path / "desk.sqlite3", isolation_level=None)
        vandal.execute("ALTER TABLE submissions RENAME TO gone")
        with pytest.raises(StoreUnavailable):
            await store.find("before")
        await _fails(store, "during")
        vandal.execute("ALTER TABLE gone RENAME TO submissions")
        vandal.close()
        await _until_available(store)
        await store.receive([_arrival("after")])
        assert await _names(store) == ["before", "after"]


async def test_two_stores_never_share_a_file(tmp_path: Path) -> None:
    """The second is refused; the first is not disturbed."""
    async with _store(tmp_path) as store:
        with pytest.raises(ConfigurationError, match="in use"):
            await open_sqlite_store(tmp_path / "desk.sqlite3")
        await store.receive([_arrival("fine")])


async def test_what_comes_after_a_rest_is_written_at_once_and_what_follows_closely_shares_commits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_store, "PACE_SECONDS", 0.5)
    commits: list[tuple[float, int]] = []
    commit = DeskLedger.commit

    def noted(ledger: DeskLedger, requests: Sequence[Request]) -> Committed:
        commits.append((time.monotonic(), len(requests)))
        return commit(ledger, requests)

    monkeypatch.setattr(DeskLedger, "commit", noted)
    async with _store(tmp_path) as store:
        begun = time.monotonic()
        await store.receive([_arrival("first")])
        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(store.receive, [_arrival(f"more{number}")])
        await store.receive([_arrival("last")])
    assert [size for _, size in commits] == [1, 20, 1]
    assert commits[0][0] - begun < 0.5
    assert commits[1][0] - commits[0][0] >= 0.49
    assert commits[2][0] - commits[1][0] >= 0.49


async def test_decisions_of_one_group_see_each_other(tmp_path: Path) -> None:
    """Fifty approve the same at once: one does, the others hear that it is done. What came in a moment ago can be
    decided on, whether or not it is written."""
    async with _store(tmp_path) as store:
        await store.receive([_arrival("one")])
        approved: list[Submission] = []

        async def approve() -> None:
            with contextlib.suppress(TransitionRefused):
                approved.extend(await store.decide([_approval("one")]))

        async with trio.open_nursery() as nursery:
            for _ in range(50):
                nursery.start_soon(approve)
        assert [submission.state for submission in approved] == [State.APPROVED]
        assert len(await store.audit()) == 1
        assert await store.documents(Kind.BAN) == []
