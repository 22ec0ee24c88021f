"""What was retracted is in no file any more, byte for byte, from the moment the retraction is acknowledged."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest
import trio

from fanout.core.message import Author, Draft
from fanout.core.room import room_settings
from fanout.engine.ports import Publication
from fanout.log.ledger import Ledger
from fanout.log.sqlite import SqliteLog, open_sqlite_log

SECRETS = (b"said-in-anger", b"Zo\xc3\xab the Indiscreet", b"hidden-in-data")


def _outburst(room: str, name: str, size: int) -> Draft:
    text = "said-in-anger " * (size // 14 + 1)
    return Draft(room, 1, name, author=Author("Zoë the Indiscreet", "visitor"), text=text, data={"k": "hidden-in-data"})


def _files_with(directory: Path, needle: bytes) -> list[str]:
    return [path.name for path in directory.iterdir() if needle in path.read_bytes()]


def _all_bytes(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.iterdir())


async def _started(directory: Path, *rooms: str) -> SqliteLog:
    log = await open_sqlite_log(directory / "log.sqlite3")
    log.start(lambda entries: None)
    for room in rooms:
        await log.save_room(room_settings(room))
    return log


async def test_no_file_has_what_was_retracted(tmp_path: Path) -> None:
    """Short and long texts, in the middle of thousands of others and in several rooms; at once, and after closing."""
    log = await _started(tmp_path, "a", "b")

    async def chatter(name: int) -> None:
        for turn in range(10):
            size = 50 + (name * 37 + turn * 131) % 3000
            await log.append(Publication((Draft("ab"[turn % 2], 1, f"{name}-{turn}", text="quiet " * (size // 6)),)))

    outbursts = {f"o{size}": size for size in (1, 100, 900, 3000, 9000, 16_000)}
    for name, size in outbursts.items():
        async with trio.open_nursery() as nursery:
            for publisher in range(20):
                nursery.start_soon(chatter, publisher + 100 * size)
            nursery.start_soon(
                log.append, Publication((_outburst("a", name, size), _outburst("b", name, size)), key=name)
            )
    assert all(_files_with(tmp_path, secret) for secret in SECRETS)  # it was there, in plain bytes
    for name in outbursts:
        await log.append(Publication((Draft("a", 2, target=name), Draft("b", 2, target=name))))
    for secret in SECRETS:
        assert _files_with(tmp_path, secret) == []
    await log.aclose()
    for secret in SECRETS:
        assert _files_with(tmp_path, secret) == []


async def test_most_of_several_rooms_can_be_taken_back(tmp_path: Path) -> None:
    """In any order, with rows of all sizes: SQLite moves rows between pages when it may, and leaves copies behind."""
    chance = random.Random(7)
    rooms = [f"room-{number}" for number in range(6)]
    log = await _started(tmp_path, *rooms)
    said = {f"<secret-{number:05d}>": chance.choice(rooms) for number in range(900)}
    async with trio.open_nursery() as nursery:
        for text, room in said.items():
            draft = Draft(room, 1, text[1:-1], text=text * chance.randint(1, 60))
            nursery.start_soon(log.append, Publication((draft,)))
    gone = chance.sample(sorted(said), 700)
    async with trio.open_nursery() as nursery:
        for text in gone:
            nursery.start_soon(log.append, Publication((Draft(said[text], 2, target=text[1:-1]),)))
    left = _all_bytes(tmp_path)
    assert {text for text in said if text.encode() in left} == set(said) - set(gone)
    await log.aclose()


async def test_a_reader_in_the_way_only_delays_it(tmp_path: Path) -> None:
    """Somebody's long look into the file holds the old pages; the retraction is acknowledged, publishing goes on, and
    the trace goes as soon as the reader does."""
    log = await _started(tmp_path, "a")
    await log.append(Publication((_outburst("a", "o", 500),)))
    stranger = sqlite3.connect(tmp_path / "log.sqlite3", isolation_level=None)
    stranger.execute("BEGIN")
    stranger.execute("SELECT count(*) FROM entries").fetchone()
    with trio.fail_after(10):
        await log.append(Publication((Draft("a", 2, target="o"),)))
        assert _files_with(tmp_path, SECRETS[0]) != []
        await log.append(Publication((Draft("a", 3, "after", text="life goes on"),)))
        stranger.execute("COMMIT")
        stranger.close()
        while _files_with(tmp_path, SECRETS[0]):  # noqa: ASYNC110 - a file tells nobody when it changes
            await trio.sleep(0.01)
    assert [entry.position.seq for entry in await log.read("a", 0, 9)] == [1, 2, 3]
    await log.aclose()


async def test_a_crash_before_the_erasing_is_made_good_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The retraction is in the write-ahead log, and so are the pages from before it."""
    monkeypatch.setattr(Ledger, "erase", lambda self: None)
    log = await _started(tmp_path / "first", "a")
    await log.append(Publication((_outburst("a", "o", 500),)))
    await log.append(Publication((Draft("a", 2, target="o"),)))
    crashed = tmp_path / "second"
    crashed.mkdir()
    for name in ("log.sqlite3", "log.sqlite3-wal"):
        (crashed / name).write_bytes((tmp_path / "first" / name).read_bytes())
    await log.aclose()
    assert _files_with(crashed, SECRETS[0]) == ["log.sqlite3-wal"]
    again = await _started(crashed)
    assert _files_with(crashed, SECRETS[0]) == []
    await again.aclose()
