"""The store in memory against the shipped suite: it is thereby a verified stand-in for the durable one."""

from __future__ import annotations

import pytest

from fanout.moderation.ports import Store
from fanout.store.memory import MemoryStore
from fanout.testing.check_store import STORE_CHECKS
from fanout.testing.store_under_test import Check


async def _in_memory() -> Store:
    return MemoryStore()


@pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__)
async def test_the_store_in_memory_keeps_the_contract(check: Check) -> None:
    await check(lambda: _in_memory)
