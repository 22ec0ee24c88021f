"""What operators' machines read: metrics with the names of the contract, and health."""

from __future__ import annotations

import math
import sqlite3
from pathlib import Path

import pytest
import trio
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

from fanout.store.sqlite import DESK_FILE
from tests.web.site import Site

NAMES = {
    "fanout_listeners": {"transport"},
    "fanout_room_listeners": {"room"},
    "fanout_messages": {"room"},
    "fanout_deliveries": set(),
    "fanout_sends": set(),
    "fanout_pass_seconds": {"le"},
    "fanout_delivery_seconds": {"le"},
    "fanout_slow_listeners": set(),
    "fanout_gaps": {"reason"},
    "fanout_closes": {"code"},
    "fanout_handshakes": {"result"},
    "fanout_log_append_seconds": {"le"},
    "fanout_room_slow_listeners": {"room"},
    "fanout_room_delivery_seconds": {"room", "le"},
    "fanout_process_listeners": {"process"},
    "fanout_process_slow_listeners": {"process"},
    "fanout_process_deliveries": {"process"},
    "fanout_process_behind": {"process"},
    "fanout_process_overtaken": {"process"},
    "fanout_process_cpu_seconds": {"process"},
    "fanout_process_resident_bytes": {"process"},
    "fanout_process_open_fds": {"process"},
    "fanout_process_max_fds": {"process"},
}
"""All of a server without a desk, with their labels."""


@pytest.mark.parametrize(
    ("accept", "parse"), [("text/plain", prometheus), ("application/openmetrics-text", openmetrics)]
)
async def test_the_metrics_have_the_names_and_labels_of_the_contract_and_the_numbers_of_the_server(
    site: Site, accept: str, parse: object
) -> None:
    await site.engine.room("stage").publish("a")
    async with site.client() as client:
        response = await client.get("/metrics", headers={"Accept": accept})
    assert response.headers["content-type"].startswith(accept)
    families = {family.name: family for family in parse(response.text)}  # type: ignore[operator]
    labels = {
        name: {label for sample in family.samples for label in sample.labels} for name, family in families.items()
    }
    assert labels == NAMES
    values = {
        (sample.name, *sample.labels.values()): sample.value
        for family in families.values()
        for sample in family.samples
    }
    assert values["fanout_listeners", "websocket"] == 3
    assert values["fanout_room_listeners", "stage"] == 5
    assert values["fanout_messages_total", "stage"] == 1
    assert values["fanout_deliveries_total",] == 100
    assert values["fanout_closes_total", "1001"] == 4
    assert values["fanout_gaps_total", "slow"] == 2
    assert values["fanout_delivery_seconds_bucket", "0.001"] == 90
    assert values["fanout_delivery_seconds_bucket", "+Inf"] == 100
    assert values["fanout_delivery_seconds_count",] == 100
    assert math.isclose(values["fanout_delivery_seconds_sum",], 0.272)
    assert values["fanout_log_append_seconds_count",] == 1
    assert values["fanout_room_slow_listeners", "stage"] == 1
    assert values["fanout_room_delivery_seconds_count", "stage"] == 100
    assert values["fanout_process_listeners", "server"] == 5
    assert values["fanout_process_slow_listeners", "server"] == 1
    assert values["fanout_process_cpu_seconds_total", "server"] > 0
    assert values["fanout_process_resident_bytes", "server"] > 1 << 20
    assert 5 < values["fanout_process_open_fds", "server"] < values["fanout_process_max_fds", "server"]


async def test_a_server_that_drains_lives_but_is_not_ready(site: Site) -> None:
    async with site.client() as client:
        assert (await client.get("/readyz")).json() == {"status": "ready"}
        site.ready = False
        refused = await client.get("/readyz")
        assert (refused.status_code, refused.json()["code"]) == (503, "draining")
        assert refused.headers["retry-after"].isdigit()
        assert (await client.get("/healthz")).status_code == 200


OF_MODERATION = {
    "fanout_submissions": {"source", "verdict"},
    "fanout_submissions_now": {"state"},
    "fanout_oldest_held_seconds": set(),
    "fanout_room_held": {"room"},
    "fanout_room_oldest_held_seconds": {"room"},
    "fanout_hook_seconds": {"plugin", "hook", "le"},
    "fanout_hook_failures": {"plugin", "hook", "kind"},
    "fanout_plugin_enabled": {"plugin"},
    "fanout_hook_breaker_open": {"plugin", "hook"},
}


async def test_the_metrics_of_moderation_count_verdicts_hooks_and_what_waits(desk: Site) -> None:
    async with desk.client() as client:
        for text in ("When?", "SHOUTING", "a crash"):
            body = {"text": text, "name": "Zoe"}
            await client.post("/v1/rooms/hall/submissions", json=body)
        for name in ("Zoe", "Bob"):
            await client.post("/v1/rooms/foyer/submissions", json={"text": "Hello", "name": name})
        families = {family.name: family for family in prometheus((await client.get("/metrics")).text)}
    labels = {name: {label for sample in families[name].samples for label in sample.labels} for name in OF_MODERATION}
    assert labels == OF_MODERATION
    values = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for name in OF_MODERATION
        for sample in families[name].samples
    }
    assert values["fanout_submissions_total", "hold", "web"] == 3
    assert values["fanout_submissions_total", "reject", "web"] == 1
    assert values["fanout_submissions_total", "accept", "web"] == 1
    assert values["fanout_submissions_now", "held"] == 3
    assert values["fanout_submissions_now", "aired"] == 1
    assert values["fanout_hook_seconds_count", "no-shouting", "review_submission"] == 5
    assert values["fanout_hook_failures_total", "error", "no-shouting", "review_submission"] == 1
    assert 0 < values["fanout_oldest_held_seconds",] < 60
    assert (values["fanout_room_held", "hall"], values["fanout_room_held", "foyer"]) == (2, 1)
    assert values["fanout_room_oldest_held_seconds", "hall"] == values["fanout_oldest_held_seconds",]
    assert 0 < values["fanout_room_oldest_held_seconds", "foyer"] < values["fanout_oldest_held_seconds",]
    assert values["fanout_plugin_enabled", "no-shouting"] == 1
    assert values["fanout_hook_breaker_open", "no-shouting", "review_submission"] == 0


@pytest.mark.parametrize("desk", ["sqlite"], indirect=True)
async def test_a_server_whose_desk_can_not_write_is_not_ready_until_it_can(desk: Site, tmp_path: Path) -> None:
    """Somebody else holds the file: nothing is taken, and the server finds out by itself when it is free again."""
    stranger = sqlite3.connect(tmp_path / DESK_FILE, isolation_level=None)
    stranger.execute("BEGIN IMMEDIATE")
    async with desk.client() as client:
        with trio.fail_after(30):
            refused = await client.post("/v1/rooms/hall/submissions", json={"text": "When?", "name": "Zoe"})
            assert (refused.status_code, refused.json()["code"]) == (503, "store_unavailable")
            unready = await client.get("/readyz")
            assert (unready.status_code, unready.json()["code"]) == (503, "store_unavailable")
            stranger.execute("ROLLBACK")
            stranger.close()
            while (await client.get("/readyz")).status_code != 200:
                await trio.lowlevel.checkpoint()
