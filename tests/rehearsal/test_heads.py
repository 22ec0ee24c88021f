"""How far rooms have to be that follow others, whatever the server says of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from fanout.rehearsal.heads import as_followed
from fanout.rehearsal.house import House
from fanout.server.settings import Config
from tests.rehearsal.small import Small
from tests.rehearsal.test_rehearsing import rehearse
from tests.server_process import SECRET, ServerProcess

SALONS = """
title = "A stage and two rooms that follow it"
speaks_in = "stage"
[[rooms]]
name = "stage"
mode = "stage"
[[rooms]]
name = "salon"
count = 2
follows = "stage"
listeners = 1
[totals]
visitors = 10
announcements = 40
[[phases]]
name = "all"
minutes = 1
arrivals = 1
announcements = 1
[[objectives]]
measure = "lost"
at_most = 0
[[objectives]]
measure = "behind"
at_most = 0
"""


def test_a_room_has_to_come_as_far_as_those_that_it_follows() -> None:
    follows = {"stage": (), "salon": ("stage",), "porch": ("salon",), "twin": ("stage", "salon")}
    began = {"stage": ("s", 10), "salon": ("a", 3), "porch": ("p", 0), "twin": ("old", 9)}
    now = {"stage": ("s", 15), "salon": ("a", 5), "porch": ("p", 0), "twin": ("t", 7)}
    wanted = {"stage": ("s", 15), "salon": ("a", 8), "porch": ("p", 5), "twin": ("t", 7)}
    assert as_followed(began, now, follows) == wanted


def test_rooms_that_follow_each_other_come_equally_far() -> None:
    began, follows = {"a": ("a", 0), "b": ("b", 4)}, {"a": ("b",), "b": ("a",)}
    assert as_followed(began, {"a": ("a", 3), "b": ("b", 5)}, follows) == {"a": ("a", 3), "b": ("b", 7)}


@pytest.mark.xdist_group("alone")
@pytest.mark.timeout(120)
async def test_a_room_that_ceases_to_follow_is_found(
    start_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    """Nobody in it misses anything that they know of, and all the others have everything."""
    server = await trio.to_thread.run_sync(lambda: start_server("--data", "data"))
    house = House(server.url, Config(secret=SECRET))
    (scenario := tmp_path / "salons.toml").write_text(SALONS)

    def forget() -> None:
        def salons() -> dict[str, str]:
            rooms = house.call("operator", "GET", "/v1/rooms")["rooms"]
            return {each["name"]: each["position"] for each in rooms if each["name"].startswith("salon")}

        while len(found := salons()) < 2 or any(position.endswith(":0") for position in found.values()):
            pass
        house.call("operator", "PUT", "/v1/rooms/salon-02", {"mode": "stage", "follows": []})

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.to_thread.run_sync, forget)
        code, said, report = await rehearse(Small(str(scenario), 1, 12), tmp_path / "r", "--host", server.url)
    assert code == 1, said
    assert report["whole"]["lost"] == 0
    assert report["whole"]["behind"] >= 5, "each of five missed what was said since"
