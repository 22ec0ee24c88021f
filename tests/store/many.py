"""A store as large as the largest event's, made quickly: rows as a store would have written them, without its waits.

`python -m tests.store.many DIRECTORY [SUBMISSIONS]` makes one to try things on.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Iterator
from itertools import accumulate, islice
from pathlib import Path
from typing import Final

from fanout.core.submission import Source, State, Submission
from fanout.store.desk_ledger import DeskLedger
from fanout.store.requests import Batch
from fanout.store.schema import open_for_writing

WORDS: Final = 20_000
"""Different words, a few of them in nearly every text, as in a language."""

AT: Final = 1_086_206_400_000
"""When the first one came in, in milliseconds since 1970; one comes every 40 ms."""

EVERY_MS: Final = 40

_STATES: Final = (
    (State.REJECTED, 0.3), (State.HELD, 0.55), (State.APPROVED, 0.1), (State.ANSWERED, 0.03), (State.AIRED, 0.0199),
    (State.CUED, 0.00005), (State.WITHDRAWN, 0.00005),
)  # fmt: skip

_SOURCES: Final = ((Source.SMS, 0.6), (Source.WEB, 0.39999), (Source.API, 0.00001))


def many(count: int, room: str = "stage") -> Iterator[Submission]:
    """So many, the same each time. Three of four come from people who sent one; the word `unicorn` is in every
    100,000th text, `question` in all, and the last ten came with the clock of an hour before."""
    chance = random.Random(1_324_085)
    words = [f"{chance.choice('abcdefghijklmnopqrstuvwxyz')}{number:x}" for number in range(WORDS)]
    cumulative = list(accumulate(1 / (rank + 3) for rank in range(WORDS)))
    states, state_weights = zip(*_STATES, strict=True)
    sources, source_weights = zip(*_SOURCES, strict=True)
    for number in range(1, count + 1):
        text = "My question " + " ".join(chance.choices(words, cum_weights=cumulative, k=12))
        if number % 100_000 == 50_000:
            text += " unicorn"
        person = number if chance.random() < 0.75 else chance.randrange(count)
        (state,), (source,) = chance.choices(states, state_weights), chance.choices(sources, source_weights)
        at = AT + number * EVERY_MS - (3_600_000 if number > count - 10 else 0)
        yield Submission(
            number, f"{chance.getrandbits(60):012x}"[-12:], room, source, f"{chance.getrandbits(64):x}",
            f"phone:{person:064x}", f"Visitor {person}", text, at, state, by="Ada (moderator)", decided_at=at,
        )  # fmt: skip


def fill(path: Path, count: int, room: str = "stage") -> None:
    """Make the file. Its commits are synchronised once, at the end."""
    connection = open_for_writing(path)
    connection.execute("PRAGMA synchronous = OFF")
    ledger = DeskLedger(connection)
    ledger.commit([])
    for some in batched(many(count, room), 5000):
        batch = Batch(
            now={submission.id: submission for submission in some}, new=[submission.id for submission in some]
        )
        ledger._last = some[-1].number
        connection.execute("BEGIN")
        ledger._write(batch)
        connection.execute("COMMIT")
    connection.execute("PRAGMA synchronous = FULL")
    ledger.close()


def batched(submissions: Iterable[Submission], size: int) -> Iterator[list[Submission]]:
    """In pieces of that size, and a rest."""
    left = iter(submissions)
    while some := list(islice(left, size)):
        yield some


if __name__ == "__main__":
    fill(Path(sys.argv[1]) / "desk.sqlite3", int(sys.argv[2]) if len(sys.argv) > 2 else 1_300_000)
