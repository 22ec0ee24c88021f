"""A process that publishes to a durable log with keys and says on its standard output what was acknowledged. It is
killed in the middle; `python publisher.py DATABASE FIRST` goes on from message FIRST."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import trio

from fanout.core.message import Draft
from fanout.core.room import room_settings
from fanout.engine.ports import Publication
from fanout.log.sqlite import open_sqlite_log

PUBLISHERS = 20


async def main(path: Path, first: int) -> None:
    log = await open_sqlite_log(path)
    log.start(lambda entries: None)
    for room in ("stage", "partner"):
        await log.save_room(room_settings(room))
    numbers = iter(range(first, 1_000_000))

    async def publish() -> None:
        for number in numbers:
            name = str(number)
            drafts = (Draft("stage", 1, name, text=name), Draft("partner", 1, name, text=name))
            appended = await log.append(Publication(drafts, key=name))
            stage, partner = appended.entries
            os.write(1, f"{number} {stage.position} {partner.position}\n".encode())

    async with trio.open_nursery() as nursery:
        for _ in range(PUBLISHERS):
            nursery.start_soon(publish)


if __name__ == "__main__":
    trio.run(main, Path(sys.argv[1]), int(sys.argv[2]))
