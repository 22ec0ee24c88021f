"""The engine on each of our logs: what it promises may not depend on which."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fanout.engine.engine import Engine
from fanout.log.opening import open_engine


@pytest.fixture(params=["memory", "sqlite"])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    data = None if request.param == "memory" else tmp_path / "data"
    async with open_engine(data) as opened:
        yield opened
