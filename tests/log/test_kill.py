"""kill -9 in the middle of publishing: what was acknowledged is there, once, at the position that was acknowledged."""

from __future__ import annotations

import random
import subprocess
import sys
from functools import partial
from pathlib import Path

import trio

from fanout.core.message import Draft, Message
from fanout.core.room import room_settings
from fanout.engine.ports import Publication
from fanout.log.sqlite import open_sqlite_log

ROUNDS = 12
PUBLISHER = Path(__file__).with_name("publisher.py")


async def _publish_until_killed(database: Path, first: int, acknowledgements: int) -> list[str]:
    """Kill the publisher once so many were acknowledged; what it said, whole lines only."""
    command = [sys.executable, str(PUBLISHER), str(database), str(first)]
    said = b""
    async with trio.open_nursery() as nursery:
        process: trio.Process = await nursery.start(
            partial(trio.run_process, command, stdout=subprocess.PIPE, check=False)
        )
        assert process.stdout is not None
        async for chunk in process.stdout:
            said += chunk
            if said.count(b"\n") >= acknowledgements and process.returncode is None:
                process.kill()
    assert process.returncode == -9
    return said.decode().splitlines()[: said.count(b"\n")]


async def test_a_killed_publisher_loses_nothing_acknowledged_and_repeats_nothing(tmp_path: Path) -> None:
    """Many rounds on the same log: the epoch stays, the numbers go on without a hole, and what nobody acknowledged
    appears once when it is sent again with its key."""
    database = tmp_path / "data" / "log.sqlite3"
    chance = random.Random(20040602)
    acknowledged: dict[int, tuple[str, str]] = {}
    epochs = set()
    for _ in range(ROUNDS):
        first = max(acknowledged, default=-1) + 1
        with trio.fail_after(60):
            said = await _publish_until_killed(database, first, chance.randint(1, 400))
        for line in said:
            number, stage, partner = line.split()
            acknowledged[int(number)] = (stage, partner)
        log = await open_sqlite_log(database)
        log.start(lambda entries: None)
        for room, place in (("stage", 0), ("partner", 1)):
            kept = await log.read(room, 0, 1_000_000)
            assert [entry.position.seq for entry in kept] == [*range(1, len(kept) + 1)]
            found = {int(entry.id): str(entry.position) for entry in kept if isinstance(entry, Message)}
            assert len(found) == len(kept)
            assert {number: found.get(number) for number in acknowledged} == {
                number: positions[place] for number, positions in acknowledged.items()
            }
        epochs.add(tuple(stream.epoch for stream in await log.streams()))
        for number in range(max(first - 5, 0), max(acknowledged) + 40):  # again, known or not: each is there once
            name = str(number)
            drafts = (Draft("stage", 1, name, text=name), Draft("partner", 1, name, text=name))
            stage, partner = (await log.append(Publication(drafts, key=name))).entries
            assert acknowledged.setdefault(number, (str(stage.position), str(partner.position))) == (
                str(stage.position),
                str(partner.position),
            )
        await log.aclose()
    assert len(epochs) == 1
    assert len(acknowledged) > ROUNDS * 40


async def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    """The next one starts at once."""
    database = tmp_path / "log.sqlite3"
    with trio.fail_after(30):
        await _publish_until_killed(database, 0, 1)
        log = await open_sqlite_log(database)
        log.start(lambda entries: None)
        await log.save_room(room_settings("stage"))
        await log.aclose()
