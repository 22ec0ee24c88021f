"""Both stores against the shipped suite: the one in memory is thereby a verified stand-in for the durable one."""

from __future__ import annotations

import secrets
from functools import partial
from pathlib import Path

import pytest

from fanout.moderation.ports import Store
from fanout.store.memory import MemoryStore
from fanout.testing.check_store import DURABLE_STORE_CHECKS, STORE_CHECKS
from fanout.testing.store_under_test import Check


async def _in_memory() -> Store:
    return MemoryStore()


@pytest.mark.parametrize("check", STORE_CHECKS, ids=lambda check: check.__name__)
async def test_the_store_in_memory_keeps_the_contract(check: Check) -> None:
    await check(lambda: _in_memory)


@pytest.mark.parametrize("check", STORE_CHECKS + DURABLE_STORE_CHECKS, ids=lambda check: check.__name__)
async def test_the_durable_store_keeps_the_contract(check: Check, tmp_path: Path) -> None:
    sqlite = pytest.importorskip("fanout.store.sqlite", reason="the durable store is not there yet")

    def make() -> partial[Store]:
        folder = tmp_path / secrets.token_hex(4)
        folder.mkdir()
        return partial(sqlite.open_sqlite_store, folder / "desk.sqlite3")

    await check(make)
