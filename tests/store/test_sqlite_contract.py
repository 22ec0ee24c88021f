"""The durable store keeps the port's contract; once more with its shortcuts for few submissions taken away."""

from __future__ import annotations

import secrets
from functools import partial
from pathlib import Path

import pytest
import trio

from fanout.store import pages, word_index
from fanout.store.sqlite import open_sqlite_store
from fanout.testing.check_store import DURABLE_STORE_CHECKS, STORE_CHECKS
from fanout.testing.store_under_test import Check, OpenStore

checks = pytest.mark.parametrize("check", STORE_CHECKS + DURABLE_STORE_CHECKS, ids=lambda check: check.__name__)


def _make_in(directory: Path) -> OpenStore:
    return partial(open_sqlite_store, directory / secrets.token_hex(4) / "desk.sqlite3")


@checks
async def test_it_keeps_the_contract(check: Check, tmp_path: Path) -> None:
    """As it is."""
    with trio.fail_after(60):
        await check(partial(_make_in, tmp_path))


@checks
async def test_it_keeps_the_contract_as_if_there_were_millions(
    check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every search is led by the index of words, which has every second submission; lists are merged in small steps."""
    monkeypatch.setattr(pages, "FEW", 1)
    monkeypatch.setattr(pages, "MANY", 0)
    monkeypatch.setattr(pages, "MOST_LISTS", 2)
    monkeypatch.setattr(word_index, "BEHIND", 2)
    monkeypatch.setattr(word_index, "PIECE", 3)
    with trio.fail_after(60):
        await check(partial(_make_in, tmp_path))
