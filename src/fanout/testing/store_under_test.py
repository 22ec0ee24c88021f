"""What the checks of a store are made of: opening it, sending it what came in, deciding, and saying what was wrong."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from fanout.core.audit import AuditEntry, Chain
from fanout.core.submission import Decision, Source, Step, Submission
from fanout.errors import FanoutError
from fanout.moderation.ports import Arrival, Query, Store, Tallies

OpenStore = Callable[[], Awaitable[Store]]
"""Opens the store in one place: empty at first; after `aclose`, once more, with what it kept."""

MakeStore = Callable[[], OpenStore]
"""Gives a new, empty place for a store."""

Check = Callable[[MakeStore], Awaitable[None]]

EVERYTHING: Final = 100_000
"""More than any check keeps."""

AT: Final = 1_700_000_000_000
"""When the checks' submissions came in, in milliseconds since 1970."""

BY: Final = "Ada (moderator)"


class StoreContractBroken(AssertionError):
    """The store under test breaks its contract; the text says where."""


def expect(what: str, found: object, expected: object) -> None:
    """Raise unless both are equal."""
    if found != expected:
        raise StoreContractBroken(f"{what}: expected {expected!r}, found {found!r}")


@asynccontextmanager
async def opened(open_store: OpenStore) -> AsyncIterator[Store]:
    """An open store, closed at the end."""
    store = await open_store()
    try:
        yield store
    finally:
        await store.aclose()


def id_of(number: int) -> str:
    """The id that the checks give to their submission of that number."""
    return f"s{number:011d}"


def arrival(number: int, room: str = "a", **changes: Any) -> Arrival:
    """What came in, with everything in it; the number makes it different from the others."""
    plain = Arrival(
        id_of(number), room, Source.WEB, f"sent-{number}", f"visitor:{number}", "Zoë Ångström", f"text {number}", AT
    )
    return replace(plain, **changes)


async def received(store: Store, *numbers: int, room: str = "a", **changes: Any) -> list[Submission]:
    """These have come in, in one call."""
    receipts = await store.receive([arrival(number, room, **changes) for number in numbers])
    return [receipt.submission for receipt in receipts]


_NEEDED: Final[Mapping[Step, Mapping[str, str]]] = MappingProxyType(
    {
        Step.EDIT: {"text": "edited"},
        Step.REJECT: {"reason": "not tonight"},
        Step.CUE: {"rank": "i"},
        Step.MOVE: {"rank": "r"},
    }
)


def message_of(number: int) -> str:
    """The id of the message that the checks' submission of that number becomes, unless another is said."""
    return f"m{number:011d}"


def step(number: int, taken: Step, **parts: Any) -> Decision:
    """That step with the checks' submission of that number, with everything that it needs but `into`."""
    if taken is Step.AIR:
        parts = {"message": message_of(number), **parts}
    return Decision(id_of(number), taken, BY, AT + 1000, **{**_NEEDED.get(taken, {}), **parts})


async def lead(store: Store, number: int, *steps: Step) -> Submission:
    """Take these steps with one submission, each in a call of its own; how it stands then."""
    for taken in steps:
        await store.decide([step(number, taken)])
    return await standing(store, number)


async def standing(store: Store, number: int) -> Submission:
    """The checks' submission of that number, which must be there."""
    found = await store.find(id_of(number))
    if found is None:
        raise StoreContractBroken(f"find of {id_of(number)}: expected a submission, found None")
    return found


async def refused(what: str, call: Awaitable[object], wanted: type[FanoutError], code: str) -> None:
    """Wait for the call, and expect this refusal."""
    found: object = None
    try:
        found = await call
    except FanoutError as error:
        found = (type(error), error.code)
    expect(f"{what} is refused", found, (wanted, code))


async def everything(store: Store, **filters: Any) -> list[Submission]:
    """All that the store has of these."""
    return await store.page(Query(limit=EVERYTHING, **filters))


async def trail(store: Store) -> list[AuditEntry]:
    """The whole audit trail, which must be sound."""
    entries = await store.audit(limit=EVERYTHING)
    expect("what is wrong with the audit's chain", Chain().check(entries), None)
    return entries


def numbers(submissions: Sequence[Submission]) -> list[int]:
    """Their numbers."""
    return [submission.number for submission in submissions]


async def counts(store: Store, room: str = "a") -> Tallies:
    """A room's tallies, without the zeros that a store may or may not write down."""
    tallies = await store.tallies(room)
    return Tallies(
        tallies.total,
        {source: count for source, count in tallies.by_source.items() if count.messages},
        {state: count for state, count in tallies.by_state.items() if count},
    )
