"""A process that receives, decides and purges on a durable store, and says on its standard output what has returned. It
is killed in the middle: `python -m tests.store.desk_worker FILE work FIRST`, or kills itself: `… FILE purge FUNCTION`,
when the purge comes to the function of that name."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import trio

from fanout.core.audit import AuditDraft
from fanout.core.submission import Decision, Source, Step
from fanout.moderation.ports import Arrival
from fanout.store import desk_ledger, erasure
from fanout.store.sqlite import open_sqlite_store

WORKERS = 20


def arrival_of(number: int) -> Arrival:
    """What came in as that number: what tells of its author has `secret` in it."""
    name = f"secret{number}"
    return Arrival(f"{number:012d}", "stage", Source.SMS, f"id-{name}", f"phone:{name}", name, f"text {name}", number)


async def work(path: Path, first: int) -> None:
    """Receive and approve each, from `first` on."""
    store = await open_sqlite_store(path)
    numbers = iter(range(first, 1_000_000))

    async def one_after_another() -> None:
        for number in numbers:
            (receipt,) = await store.receive([arrival_of(number)])
            os.write(1, f"{number} {receipt.submission.number} received\n".encode())
            await store.decide([Decision(receipt.submission.id, Step.APPROVE, "Ada (moderator)", number)])
            os.write(1, f"{number} {receipt.submission.number} approved\n".encode())

    async with trio.open_nursery() as nursery:
        for _ in range(WORKERS):
            nursery.start_soon(one_after_another)


async def purge(path: Path, function: str) -> None:
    """Purge what was received, and die there."""

    def die(*_: object) -> bool:
        os.kill(os.getpid(), signal.SIGKILL)
        return False

    store = await open_sqlite_store(path)
    setattr(erasure if function == "truncate_wal" else desk_ledger, function, die)
    await store.purge("stage", AuditDraft(1, "Ada (producer)", "purge", "stage"))


if __name__ == "__main__":
    if sys.argv[2] == "work":
        trio.run(work, Path(sys.argv[1]), int(sys.argv[3]))
    else:
        trio.run(purge, Path(sys.argv[1]), sys.argv[3])
