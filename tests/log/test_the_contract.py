"""Both logs against the shipped suite: the one in memory is thereby a verified stand-in for the durable one."""

from __future__ import annotations

import secrets
from functools import partial
from pathlib import Path

import pytest

from fanout.engine.ports import Log
from fanout.log.memory import MemoryLog
from fanout.log.sqlite import open_sqlite_log
from fanout.testing.check_log import DURABLE_LOG_CHECKS, LOG_CHECKS, Check


async def _in_memory() -> Log:
    return MemoryLog()


@pytest.mark.parametrize("check", LOG_CHECKS, ids=lambda check: check.__name__)
async def test_the_log_in_memory_keeps_the_contract(check: Check) -> None:
    await check(lambda: _in_memory)


@pytest.mark.parametrize("check", LOG_CHECKS + DURABLE_LOG_CHECKS, ids=lambda check: check.__name__)
async def test_the_durable_log_keeps_the_contract(check: Check, tmp_path: Path) -> None:
    await check(lambda: partial(open_sqlite_log, tmp_path / secrets.token_hex(4) / "log.sqlite3"))
