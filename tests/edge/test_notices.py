"""What everybody is told when the engine's process stays away."""

from __future__ import annotations

import pytest
import trio

from fanout.edge.notices import PATIENCE_SECONDS
from fanout.wire.rendered import Format
from tests.edge.site import open_site


async def test_everybody_is_told_when_it_stays_away_and_when_it_is_back(
    format: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fanout.edge.notices.PATIENCE_SECONDS", 0.01)
    async with open_site("stage", "foyer") as site:
        listeners = [await site.listener(format), await site.listener(format, room="foyer")]
        site.edge.engine(away=True)
        for listener in listeners:
            await listener.expect("notice", code="engine_away")
        site.edge.engine(away=False)
        for listener in listeners:
            await listener.expect("notice", code="engine_back")
        await site.publish("stage", "go on")
        assert await listeners[0].texts(1) == ["go on"]


async def test_nobody_is_told_of_what_is_over_soon(format: Format) -> None:
    async with open_site() as site:
        listener = await site.listener(format)
        began = trio.current_time()
        site.edge.engine(away=True)
        await site.publish("stage", "a moment")
        assert await listener.texts(1) == ["a moment"]
        site.edge.engine(away=False)
        assert trio.current_time() - began < PATIENCE_SECONDS, "this machine is too slow to tell"
        await site.publish("stage", "go on")
        assert await listener.texts(1) == ["go on"]
        if format is not Format.EVENTS:  # which can't be asked
            await listener.silence()
