"""Publish and listen in one process: the engine as a library, without a server or a socket.

Run it: `python examples/embedded_engine.py`. With a directory (`… embedded_engine.py DIR`), what is published is kept
there, and a second run shows the first one's messages too.
"""

from __future__ import annotations

import sys
from pathlib import Path

import trio

import fanout


async def listen(room: fanout.Room, *, task_status: trio.TaskStatus[None]) -> None:
    async with room.listen(last=10) as listener:
        task_status.started()
        async for entry in listener:
            match entry:
                case fanout.Message(retracted=False):
                    print(f"{room.name} {entry.position.seq}: {entry.author.name}: {entry.text}")
                case fanout.Message():
                    print(f"{room.name} {entry.position.seq}: (taken back)")
                case fanout.Retraction():
                    print(f"{room.name} {entry.position.seq}: {entry.target} was taken back")
                case fanout.Gap():
                    print(f"{room.name}: {entry.missed} messages are missing ({entry.reason})")


async def main(data: Path | None) -> None:
    async with trio.open_nursery() as nursery, fanout.open_engine(data) as engine:
        stage = await engine.open_room("stage", mode="stage")
        hall = await engine.open_room("hall", follows=["stage"])
        await nursery.start(listen, stage)
        await nursery.start(listen, hall)

        ann = fanout.Author("Ann", "publisher")
        await stage.publish("Good evening.", author=ann, key="greeting")  # the same key twice: published once
        await stage.publish("Good evening.", author=ann, key="greeting")
        slip = await stage.publish("This should not have gone out.", author=ann)
        await stage.retract(slip.id)
    # The engine is closed: both listeners have had everything, and have ended.


if __name__ == "__main__":
    trio.run(main, Path(sys.argv[1]) if len(sys.argv) > 1 else None)
