"""What a log finds in its directory when it starts, and how it says that it can't go on."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from fanout.core.message import Draft
from fanout.core.room import room_settings
from fanout.engine.ports import Publication
from fanout.errors import ConfigurationError, EngineClosed
from fanout.log.memory import MemoryLog
from fanout.log.opening import open_engine
from fanout.log.schema import MIGRATIONS, open_for_writing
from fanout.log.sqlite import SqliteLog


async def _used(database: Path, entries: int = 1) -> None:
    """A log that has been written to, and closed."""
    log = SqliteLog(database)
    log.start(lambda entries: None)
    await log.save_room(room_settings("a"))
    for number in range(entries):
        await log.append(Publication((Draft("a", 1, str(number), text="x" * 500),)))
    await log.aclose()


def _refusal(database: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        SqliteLog(database)
    assert caught.value.key == "data"
    return caught.value.detail


async def test_files_are_for_their_owner_only(tmp_path: Path) -> None:
    """Visitors' words are in them: whatever the umask, and also when a file was there with wider rights."""
    directory = tmp_path / "deep" / "data"
    before = os.umask(0)
    try:
        log = SqliteLog(directory / "log.sqlite3")
        log.start(lambda entries: None)
        await log.save_room(room_settings("a"))
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [directory, *directory.iterdir()]}
    files = ("log.sqlite3", "log.sqlite3-wal", "log.sqlite3-shm", "fanout.lock")
    assert modes == {"data": 0o700} | dict.fromkeys(files, 0o600)
    await log.aclose()
    (directory / "log.sqlite3").chmod(0o644)
    await _used(directory / "log.sqlite3")
    assert stat.S_IMODE((directory / "log.sqlite3").stat().st_mode) == 0o600


_OCCUPANT = """
import sys, pathlib
from fanout.log.sqlite import SqliteLog
log = SqliteLog(pathlib.Path(sys.argv[1]))
print("open", flush=True)
sys.stdin.read()
"""


def test_two_processes_never_share_a_directory(tmp_path: Path) -> None:
    """The second is told who has it; it gets it when the first is gone, however it went."""
    database = tmp_path / "log.sqlite3"
    command = [sys.executable, "-c", _OCCUPANT, str(database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as occupant:
        assert occupant.stdout is not None
        assert occupant.stdout.readline() == b"open\n"
        refusal = _refusal(database)
        assert f"in use by process {occupant.pid}." in refusal
        assert "Stop it first" in refusal
        occupant.kill()
    trio.run(_used, database)


async def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    """In its head or in its middle: better no start than half a log."""
    database = tmp_path / "log.sqlite3"
    await _used(database, 200)
    whole = database.read_bytes()
    database.write_bytes(b"garbage " * 2 + whole[16:])
    assert "Restore a copy" in _refusal(database)
    middle = len(whole) // 2
    database.write_bytes(whole[:middle] + b"\xa5" * 8192 + whole[middle + 8192 :])
    assert "Restore a copy" in _refusal(database)
    database.write_bytes(whole[: middle // 4096 * 4096])
    assert "Restore a copy" in _refusal(database)
    database.write_bytes(whole)
    await _used(database)


def test_a_file_of_another_program_is_left_alone(tmp_path: Path) -> None:
    """Nothing is written into it."""
    database = tmp_path / "log.sqlite3"
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE recipes (name)")
    connection.close()
    assert "another program" in _refusal(database)
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("recipes",)]
    connection.close()


async def test_a_file_of_a_newer_fanout_is_refused(tmp_path: Path) -> None:
    """Its schema is named, and what to do."""
    database = tmp_path / "log.sqlite3"
    await _used(database)
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE schema_version SET version = 99")
    connection.close()
    refusal = _refusal(database)
    assert "newer fanout (schema 99; this one knows up to 1)" in refusal
    assert "Run that version" in refusal


async def test_an_older_file_is_brought_up_to_date(tmp_path: Path) -> None:
    """The next migration runs once, and leaves what there was."""
    database = tmp_path / "log.sqlite3"
    await _used(database, 3)
    later = [*MIGRATIONS, ["ALTER TABLE rooms ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'"]]
    for _ in range(2):
        connection = open_for_writing(database, later)
        assert connection.execute("SELECT version FROM schema_version").fetchall() == [(2,)]
        assert connection.execute("SELECT colour, (SELECT count(*) FROM entries) FROM rooms").fetchall() == [("red", 3)]
        connection.close()


async def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    """The older fanout can still use the file."""
    database = tmp_path / "log.sqlite3"
    await _used(database)
    with pytest.raises(ConfigurationError):
        open_for_writing(database, [*MIGRATIONS, ["CREATE TABLE half (done)", "ALTER TABLE nothing ADD COLUMN x"]])
    connection = open_for_writing(database)
    assert connection.execute("SELECT name FROM sqlite_master WHERE name = 'half'").fetchall() == []
    connection.close()


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A file system that can't be written, with a log on it."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(disk)], check=True)
    trio.run(_used, disk / "log.sqlite3")
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_read_only_file_system_is_refused(read_only: Path) -> None:
    """At the start, with the system's own words."""
    assert "Read-only file system" in _refusal(read_only / "log.sqlite3")


def test_a_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    """So is a database that is a directory."""
    (tmp_path / "file").touch()
    assert "must be a directory" in _refusal(tmp_path / "file" / "log.sqlite3")
    (tmp_path / "log.sqlite3").mkdir()
    assert "can't be" in _refusal(tmp_path / "log.sqlite3")


async def test_an_unused_log_closes(tmp_path: Path) -> None:
    """Never started, and twice; afterwards it says that it is closed instead of waiting for ever."""
    log = SqliteLog(tmp_path / "log.sqlite3")
    await log.aclose()
    await log.aclose()
    with pytest.raises(EngineClosed):
        await log.append(Publication((Draft("a", 1),)))
    with pytest.raises(EngineClosed):
        await log.read("a", 0, 1)


async def test_open_engine_chooses_the_log(tmp_path: Path) -> None:
    """A directory means durable; nothing means memory; a log of one's own is used as it is; not both."""
    async with open_engine(tmp_path / "data") as engine:
        room = await engine.open_room("stage")
        said = await room.publish("Good evening.")
    async with open_engine(tmp_path / "data") as engine:
        assert await engine.room("stage").history() == [said]
    async with open_engine() as engine:
        assert not engine.rooms
    async with open_engine(log=MemoryLog()) as engine:
        assert engine.available
    with pytest.raises(ValueError, match="not both"):
        async with open_engine(tmp_path, log=MemoryLog()):
            pass
