"""Full disks, locks and limits, for real: a publication fails with its cause and leaves nothing, reading goes on, and
the log finds back by itself."""

from __future__ import annotations

import contextlib
import resource
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
import trio.testing

from fanout.core.message import Draft, Entry
from fanout.core.room import room_settings
from fanout.engine.ports import Publication
from fanout.errors import LogUnavailable
from fanout.log.sqlite import SqliteLog, open_sqlite_log


def _said(name: str, size: int = 10) -> Publication:
    return Publication((Draft("a", 1, name, text="x" * size), Draft("b", 1, name, text="x" * size)), key=name)


@asynccontextmanager
async def _log(directory: Path) -> AsyncIterator[tuple[SqliteLog, list[Entry]]]:
    log = await open_sqlite_log(directory / "log.sqlite3")
    told: list[Entry] = []

    def on_commit(entries: Sequence[Entry]) -> None:
        told.extend(entries)

    log.start(on_commit)
    await log.save_room(room_settings("a"))
    await log.save_room(room_settings("b"))
    yield log, told
    await log.aclose()


async def _until_available(log: SqliteLog) -> None:
    with trio.fail_after(6):
        while not log.available:  # noqa: ASYNC110 - it is found out by the log's own thread
            await trio.sleep(0.01)


async def _is_whole(log: SqliteLog, told: list[Entry], names: list[str]) -> None:
    """The rooms hold exactly these, without a hole, as they were told."""
    for room in ("a", "b"):
        kept = await log.read(room, 0, 100_000)
        assert [entry.position.seq for entry in kept] == [*range(1, len(names) + 1)]
        assert kept == [entry for entry in told if entry.room == room]
        assert [entry.id for entry in kept] == names  # type: ignore[union-attr]


async def _fails(log: SqliteLog, name: str, size: int = 10) -> LogUnavailable:
    with pytest.raises(LogUnavailable) as caught:
        await log.append(_said(name, size))
    assert isinstance(caught.value.__cause__, sqlite3.Error)
    assert not log.available
    return caught.value


def _fill(path: Path) -> None:
    """Write until there is no space left, to the last byte."""
    with path.open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while filler.write(b"x" * 1024):
            pass


async def test_a_full_disk_refuses_and_recovers(small_disk: Path) -> None:
    """Real ENOSPC. Nothing of what failed is kept; with space again, it is available before anybody has asked."""
    async with _log(small_disk) as (log, told):
        await log.append(_said("before"))
        _fill(small_disk / "filler")
        names = ["before"]
        error = None
        while error is None:  # what the write-ahead log has already been given still fits
            try:
                await log.append(_said(f"still-{len(names)}", 16_000))
                names.append(f"still-{len(names)}")
            except LogUnavailable as refusal:
                error = refusal
        assert "full" in error.detail
        threads = threading.active_count()
        for attempt in range(20):
            await _fails(log, f"lost-{attempt}", 16_000)
        assert threading.active_count() == threads
        await _is_whole(log, told, names)
        (small_disk / "filler").unlink()
        await _until_available(log)
        await log.append(_said("lost-3"))
        await _is_whole(log, told, [*names, "lost-3"])


async def test_a_file_that_may_not_grow_refuses_and_recovers(tmp_path: Path) -> None:
    """A quota, as a limit on the size of files: another error of the system, the same outcome."""
    async with _log(tmp_path) as (log, told):
        await log.append(_said("before"))
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "log.sqlite3-wal").stat().st_size, hard))
        try:
            for attempt in range(5):
                await _fails(log, f"lost-{attempt}", 16_000)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        await _until_available(log)
        await log.append(_said("lost-3"))
        await _is_whole(log, told, ["before", "lost-3"])


_HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
connection.execute("ROLLBACK")
"""


def _holder_of(database: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", _HOLDER, str(database)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


async def test_a_lock_of_another_process_refuses_and_recovers(tmp_path: Path) -> None:
    """Everybody who waits is told, after SQLite's two seconds, not each after another's; reading goes on meanwhile."""
    async with _log(tmp_path) as (log, told):
        await log.append(_said("before"))
        with _holder_of(tmp_path / "log.sqlite3") as holder:
            assert holder.stdout is not None
            assert holder.stdin is not None
            assert await trio.to_thread.run_sync(holder.stdout.readline) == b"held\n"
            with trio.fail_after(8):
                async with trio.open_nursery() as nursery:
                    for attempt in range(50):
                        nursery.start_soon(_fails, log, f"lost-{attempt}")
                    await _is_whole(log, told, ["before"])
            assert "locked" in (await _fails(log, "lost")).detail
            holder.stdin.close()
            await trio.to_thread.run_sync(holder.wait)
        await _until_available(log)
        await log.append(_said("lost"))
        await _is_whole(log, told, ["before", "lost"])


async def test_a_short_lock_is_waited_for(tmp_path: Path) -> None:
    """A back-up that holds the file for a moment costs nobody their publication."""
    async with _log(tmp_path) as (log, told):
        other = sqlite3.connect(tmp_path / "log.sqlite3", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(log.append, _said("patient"))
            await trio.testing.wait_all_tasks_blocked()
            other.execute("ROLLBACK")
        other.close()
        assert log.available
        await _is_whole(log, told, ["patient"])


async def test_one_impossible_publication_does_not_fail_the_others(tmp_path: Path) -> None:
    """A number that SQLite can't hold is its publisher's mistake, found out in the middle of everybody's commit."""
    async with _log(tmp_path) as (log, told):
        names = []

        async def publish(name: str) -> None:
            await log.append(_said(name))
            names.append(name)

        async def publish_the_impossible() -> None:
            with pytest.raises(OverflowError):
                await log.append(Publication((Draft("a", 1, "fine"), Draft("a", 2**80, "impossible"))))

        async with trio.open_nursery() as nursery:
            for number in range(40):
                nursery.start_soon(publish, str(number))
                if number % 9 == 4:
                    nursery.start_soon(publish_the_impossible)
        assert log.available
        in_their_order = [entry.id for entry in told if entry.room == "a"]  # those of one commit wake in any order
        assert sorted(names) == sorted(in_their_order)
        await _is_whole(log, told, in_their_order)  # type: ignore[arg-type]


async def test_a_table_gone_wrong_while_running_is_a_clear_error(tmp_path: Path) -> None:
    """Not a traceback, for reading and writing alike."""
    async with _log(tmp_path) as (log, _):
        await log.append(_said("before"))
        vandal = sqlite3.connect(tmp_path / "log.sqlite3", isolation_level=None)
        vandal.execute("ALTER TABLE entries RENAME TO gone")
        with pytest.raises(LogUnavailable):
            await log.read("a", 0, 10)
        await _fails(log, "during")
        vandal.execute("ALTER TABLE gone RENAME TO entries")
        vandal.close()
        await _until_available(log)
        await log.append(_said("after"))
