"""The suite itself: each of these stores is wrong in one way, and is caught for it."""

from __future__ import annotations

import pytest
import trio

from fanout.errors import FanoutError
from fanout.moderation.ports import Store
from fanout.testing.check_store import DURABLE_STORE_CHECKS, STORE_CHECKS
from fanout.testing.store_under_test import MakeStore, StoreContractBroken
from tests.store import wrong_records
from tests.store.wrong_stores import Right

pytestmark = pytest.mark.xdist_group("wrong stores")  # so that what was found is there for the last test

WRONG = Right.__subclasses__()
assert wrong_records.LosesTheLastOne in WRONG


def _kept_in_memory(kind: type[Right]) -> MakeStore:
    def make() -> object:
        store = kind()

        async def open_store() -> Store:
            return store

        return open_store

    return make  # type: ignore[return-value]


_found: dict[type[Right], list[str]] = {}


async def _breaks(kind: type[Right]) -> list[str]:
    """The checks that find something in it."""
    if kind in _found:
        return _found[kind]
    found = []
    for check in STORE_CHECKS + DURABLE_STORE_CHECKS:
        try:
            with trio.fail_after(10):
                await check(_kept_in_memory(kind))
        except* (StoreContractBroken, FanoutError):
            found.append(check.__name__)
    return _found.setdefault(kind, found)


async def test_a_right_store_passes() -> None:
    """Nothing is found where nothing is wrong."""
    assert await _breaks(Right) == []


@pytest.mark.parametrize("kind", WRONG, ids=lambda kind: kind.__name__)
async def test_a_wrong_store_is_caught(kind: type[Right]) -> None:
    """At least one check names it."""
    assert await _breaks(kind) != []


async def test_no_check_is_idle() -> None:
    """Each check catches at least one of them; one that catches none would hold nothing."""
    caught = {name for kind in WRONG for name in await _breaks(kind)}
    assert {check.__name__ for check in STORE_CHECKS + DURABLE_STORE_CHECKS} - caught == set()
