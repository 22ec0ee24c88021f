"""The locust scenario, as QA people run it: it passes on a good server, catches a bad one, and has no use for trio."""

from __future__ import annotations

import ast
import csv
import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
import trio

from tests.client.faults import drop_every, repeat_every, swap_every
from tests.client.hdr_reading import read_log
from tests.client.small_server import SmallServer, small_server

# Importing locust here would take select.epoll away from every test of this run.
pytestmark = [
    pytest.mark.skipif(find_spec("locust") is None, reason="locust is in the extra `load`"),
    pytest.mark.xdist_group("alone"),
]

ROOT = Path(__file__).parents[2]
SCENARIO = ROOT / "loadtests" / "evening.py"


async def evening(*options: str, run_time: int = 6, seconds: int = 60, rate: int = 20) -> tuple[int, str]:
    """Run the scenario with a dozen visitors and a small crowd, and so many messages a second; its exit code and what
    it printed."""
    command = [sys.executable, "-m", "locust", "-f", str(SCENARIO), "--headless", "-u", "8", "-r", "8"]
    command += ["-t", f"{run_time}s", "--only-summary", "--salons", "4", "--sockets", "20", "--publish-rate", str(rate)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with trio.fail_after(seconds):
        done = await trio.run_process(
            [*command, *options], check=False, capture_stdout=True, stderr=subprocess.STDOUT, env=environment
        )
    return done.returncode, done.stdout.decode()


async def test_an_evening_with_a_break_passes_and_its_figures_are_in_the_usual_files(tmp_path: Path) -> None:
    async with small_server() as server:
        code, said = await evening(
            "--host", server.url, "--p99-ms", "60000", "--late-ms", "60000",
            "--csv", str(tmp_path / "evening"), "--html", str(tmp_path / "evening.html"),
            "--hdr", str(tmp_path / "evening.hlog"),
        )  # fmt: skip
    assert code == 0, said
    assert "All objectives met" in said
    with (tmp_path / "evening_stats.csv").open() as lines:
        rows = {(row["Type"], row["Name"]): int(row["Request Count"]) for row in csv.DictReader(lines)}
    assert rows["WS", "connect"] == rows["WS", "resume"] == 26, "six visitors, and one crowd of twenty; all came back"
    assert rows["WSR", "deliver/stage"] > 0
    assert rows["POST", "POST publish"] > 20
    assert (tmp_path / "evening.html").stat().st_size > 0
    times = read_log(tmp_path / "evening.hlog")
    (seen,) = (ast.literal_eval(figures) for figures in re.findall(r"Seen: (\{.*\})", said))
    assert times["connect"].get_total_count() == times["resume"].get_total_count() == 26
    assert times["deliver/stage"].get_total_count() == seen["delivered"] - seen["caught_up"], "every single delivery"
    assert times["deliver/stage"].get_max_value() / 1e6 == pytest.approx(seen["max_ms"], rel=0.01)
    phases = re.findall(r"Phase: (.*)", said)
    assert phases == ["doors open", "steady", "break", "back", "close"]


BROKEN: dict[str, Callable[[SmallServer], None]] = {
    "lost": lambda server: setattr(server, "bend", drop_every(1000)),
    "duplicate": lambda server: setattr(server, "bend", repeat_every(200)),
    "order": lambda server: setattr(server, "bend", swap_every(200)),
    "late": lambda server: setattr(server, "delay_seconds", 0.4),
}
"""Ways to break a promise, by the word for it."""


@pytest.mark.timeout(240)
async def test_a_server_that_breaks_a_promise_is_caught_with_exit_code_1() -> None:
    """Each in a run of its own, all at the same time: most of each is waiting."""
    found: dict[str, tuple[int, str]] = {}

    async def one(word: str) -> None:
        async with small_server() as server:
            BROKEN[word](server)
            limit = "200" if word == "late" else "60000"
            options = ("--host", server.url, "--p99-ms", limit, "--late-ms", limit, "--cut", "none")
            rate = 60 if word == "lost" else 20  # a busy machine says a third of it, and one in a thousand is few
            found[word] = await evening(*options, seconds=200, rate=rate)

    async with trio.open_nursery() as nursery:
        for word in BROKEN:
            nursery.start_soon(one, word)
    for word, (code, said) in found.items():
        assert code == 1, said
        assert f"Missed: {word}" in said
        shown = "late > 200 ms" if word == "late" else f"{word} lane=stage"
        assert shown in said, "and it is in locust's own list of failures"


async def test_a_host_that_is_not_there_has_an_exit_code_of_its_own() -> None:
    code, said = await evening("--host", "http://127.0.0.1:1", run_time=2)
    assert code == 4, said


async def test_only_a_server_of_our_own_may_be_killed() -> None:
    code, said = await evening("--host", "http://127.0.0.1:1", "--cut", "server", run_time=2)
    assert code == 2
    assert "--serve" in said


def test_nothing_that_a_locust_process_uses_of_ours_knows_trio() -> None:
    """Importing `fanout` imports trio, which does no harm; running it without `select.epoll` would fail. So the
    scenario, and the modules of the client that it uses, must be free of it."""
    check = (
        "import sys, locust, evening\n"
        "used = [name for name in sys.modules if name.startswith(('evening', 'fanout.client'))]\n"
        "assert {'evening_hall', 'fanout.client.crowd.loop'} <= set(used), used\n"
        "knowing = [name for name in used if 'trio' in vars(sys.modules[name])]\n"
        "sys.exit(' '.join(knowing) or 0)"
    )
    path = os.pathsep.join([str(ROOT), str(SCENARIO.parent)])
    done = subprocess.run(
        [sys.executable, "-c", check], env={**os.environ, "PYTHONPATH": path}, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()
