"""What people know of locust works with these scenarios: processes, tags, files of figures, web page, exit codes."""

from __future__ import annotations

import ast
import csv
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections import Counter
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest
import trio

from tests.client.hdr_reading import read_log
from tests.client.small_server import small_server
from tests.rehearsal.small import SMALL

pytestmark = [
    pytest.mark.skipif(find_spec("locust") is None, reason="locust is in the extra `load`"),
    pytest.mark.xdist_group("alone"),
    pytest.mark.timeout(180),
]

ROOT = Path(__file__).parents[2]
SCENARIOS = {small.name: small for small in SMALL}


def command(file: str, *options: str) -> list[str]:
    return [sys.executable, "-m", "locust", "-f", str(ROOT / "loadtests" / file), *options]


def play(folder: Path, name: str, *options: str) -> list[str]:
    """A shipped scenario, small, in locust."""
    small = SCENARIOS[name]
    file = small.write(folder, patient=True)
    return command(
        "prime_minister_2004.py", "--headless", "--only-summary", "--scenario", str(file), "--scale", str(small.scale),
        *options,
    )  # fmt: skip


async def run(line: list[str]) -> tuple[int, str]:
    with trio.fail_after(150):
        done = await trio.run_process(
            line,
            check=False,
            capture_stdout=True,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    return done.returncode, done.stdout.decode()


def figures(prefix: Path) -> dict[str, tuple[int, int]]:
    """Requests and failures by name, of `--csv`."""
    with Path(f"{prefix}_stats.csv").open() as lines:
        return {row["Name"]: (int(row["Request Count"]), int(row["Failure Count"])) for row in csv.DictReader(lines)}


async def test_two_processes_share_an_evening_and_its_figures_are_in_every_file(tmp_path: Path) -> None:
    """Everybody who listens with a user of their own, in rooms where everybody talks."""
    code, said = await run(play(
        tmp_path, "citizens-2007", "--serve", "--compress", "150", "--processes", "2", "--exclude-tags", "crowd",
        "--csv", str(tmp_path / "talk"), "--html", str(tmp_path / "talk.html"), "--hdr", str(tmp_path / "talk.hlog"),
    ))  # fmt: skip
    assert code == 0, said
    found = figures(tmp_path / "talk")
    assert found["connect"] == (40, 0), "and no crowd"
    assert 150 <= found["chat"][0] <= 230, "what is planned, shared out by chance"
    assert found["chat"][1] == 0
    assert found["visitor"] == (50, 0), "who talks has an identity"
    assert found["GET embed page"] == found["GET embed.js"] == (4, 0)
    heard: Counter[str] = Counter()
    for each in re.findall(r"Heard something: (\{.*\})", said):
        heard.update(ast.literal_eval(each))
    wanted = {"Web": 24, "Stream": 8, "Telephone": 4, "Partner": 4}  # who came late on a busy machine heard nothing
    assert all(times / 2 < heard[kind] <= times for kind, times in wanted.items()), f"in both processes: {heard}"
    (seen,) = (ast.literal_eval(each) for each in re.findall(r"Seen: (\{.*\})", said))
    assert (seen["connected"], seen["resumed"]) == (40, 0)
    times = read_log(tmp_path / "talk.hlog")
    assert times["chat"].get_total_count() == found["chat"][0]
    assert times["deliver/stage"].get_total_count() == seen["delivered"] - seen["caught_up"]
    assert "chat" in (tmp_path / "talk.html").read_text()


async def test_tags_choose_who_plays_and_each_ending_has_its_exit_code(tmp_path: Path) -> None:
    """All at the same time: most of each is waiting."""
    name, nobody = "prime-minister-2004", "http://127.0.0.1:1"
    runs = {
        "tags": play(tmp_path / "a", name, "--serve", "--compress", "900", "--tags", "sms", "ask", "--csv",
                     str(tmp_path / "tags")),
        "nobody there": play(tmp_path / "b", name, "--host", nobody),
        "no such scenario": play(tmp_path / "c", name, "--host", nobody, "--scenario", "nowhere"),
        "no such scale": play(tmp_path / "d", name, "--host", nobody, "--scale", "0"),
        "no such folder": play(tmp_path / "e", name, "--host", nobody, "--hdr", str(tmp_path / "no" / "x.hlog")),
    }  # fmt: skip
    found: dict[str, tuple[int, str]] = {}

    async def one(what: str) -> None:
        found[what] = await run(runs[what])

    async with trio.open_nursery() as nursery:
        for what in runs:
            nursery.start_soon(one, what)
    codes = {what: code for what, (code, _) in found.items()}
    assert codes == {
        "tags": 1, "nobody there": 4, "no such scenario": 2, "no such scale": 2, "no such folder": 2,
    }, found  # fmt: skip
    assert "Missed: nothing was delivered" in found["tags"][1], "for nobody listened"
    assert set(figures(tmp_path / "tags")) == {"SMS ingest", "ask", "visitor", "Aggregated"}
    assert "'nowhere' is no file that can be read" in found["no such scenario"][1]
    assert "--scale: a number above 0" in found["no such scale"][1]


async def test_the_web_page_starts_a_run_and_shows_its_figures() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        page = f"http://127.0.0.1:{free.getsockname()[1]}"

    def ask(path: str, form: bytes | None = None) -> bytes:
        with urllib.request.urlopen(f"{page}{path}", form, timeout=10) as answer:
            return answer.read()

    async def stats(name: str) -> dict:
        """Locust's figures, once something of this name is in them."""
        with trio.fail_after(30):
            while True:
                try:
                    found = json.loads(await trio.to_thread.run_sync(ask, "/stats/requests"))
                    if any(each["name"] == name for each in found["stats"]):
                        return found
                except OSError:
                    pass  # it has not begun to listen
                await trio.sleep(0.1)

    async with small_server() as server, trio.open_nursery() as nursery:
        line = command(
            "evening.py", "--host", server.url, "--web-host", "127.0.0.1", "--web-port", page.rpartition(":")[2],
            "-u", "6", "-r", "6", "-t", "60s", "--salons", "2", "--cut", "none", "--tags", "visitor", "stage",
            "--p99-ms", "60000", "--late-ms", "60000",
        )  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        process = await nursery.start(
            partial(trio.run_process, line, check=False, capture_stdout=True, capture_stderr=True, env=environment)
        )
        assert (await stats("Aggregated"))["state"] == "ready"
        started = json.loads(await trio.to_thread.run_sync(ask, "/swarm", b"user_count=6&spawn_rate=6"))
        assert started["success"] is True
        found = await stats("deliver/stage")
        assert (found["state"], found["errors"]) == ("running", [])
        assert b"<html" in await trio.to_thread.run_sync(ask, "/")
        process.send_signal(signal.SIGTERM)
        with trio.fail_after(20):
            await process.wait()
        assert process.returncode == 0
