"""The evening of 2004 in locust: met on a good server, with everybody in its figures; missed on a bad one."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import trio

from fanout.rehearsal.house import House
from fanout.server.settings import Config
from tests.rehearsal.bad_line import bad_line
from tests.rehearsal.small import SMALL, Small
from tests.server_process import SECRET, ServerProcess

pytestmark = [
    pytest.mark.skipif(find_spec("locust") is None, reason="locust is in the extra `load`"),
    pytest.mark.xdist_group("alone"),
    pytest.mark.timeout(240),
]

ROOT = Path(__file__).parents[2]
SCENARIO = ROOT / "loadtests" / "prime_minister_2004.py"

ENOUGH = 3
"""Messages that were dropped so that somebody must have felt it."""

TALKATIVE = replace(SMALL[0], words={
    **SMALL[0].words,
    'asks_in = "stage"': 'asks_in = "stage"\nspeaks_in = "stage"',
    "answer_lines = 10": "answer_lines = 10\nannouncements = 120",
    "sms = 6": "sms = 6\nannouncements = 1",
    "sms = 4": "sms = 4\nannouncements = 1",
})  # fmt: skip
"""The same with a voice, who needs nobody's approval: however busy the machine is, enough is said."""


async def evening(folder: Path, *options: str, small: Small = SMALL[0]) -> tuple[int, str]:
    """Its exit code, and what it said."""
    file = small.write(folder, patient=True)
    command = [sys.executable, "-m", "locust", "-f", str(SCENARIO), "--headless", "--only-summary"]
    command += ["--scenario", str(file), "--scale", str(small.scale), *options]
    with trio.fail_after(200):
        done = await trio.run_process(
            command, check=False, capture_stdout=True, stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONPATH": str(ROOT), "FANOUT_SECRET": SECRET},
        )  # fmt: skip
    return done.returncode, done.stdout.decode()


async def test_everybody_of_the_evening_is_in_its_figures_and_no_sms_is_lost(tmp_path: Path) -> None:
    code, said = await evening(tmp_path, "--serve", "--compress", "600", "--csv", str(tmp_path / "evening"))
    assert code == 0, said
    assert "SMS: 6620 acknowledged, {'messages': 6620, 'people': 5040} counted" in said
    assert "Fault: cut" in said
    with (tmp_path / "evening_stats.csv").open() as lines:
        rows = {row["Name"]: int(row["Request Count"]) for row in csv.DictReader(lines)}
    assert rows["connect"] == 100, "sixty in the hall, forty by themselves"
    assert rows["resume"] >= 100, "and all came back"
    assert rows["STAGE air"] == 10
    assert rows["SCRIBE line"] >= 10, "what the end cuts short is not said"
    assert rows["ask"] == rows["visitor"] == 3, "each asks with an identity"
    assert {"MOD decide", "SMS ingest", "GET embed page", "GET embed.js", "deliver/stage"} <= set(rows)
    assert "Heard something: {'Partner': 4, 'Stream': 8, 'Telephone': 4, 'Web': 24}" in said


async def test_a_server_that_drops_one_message_in_a_thousand_is_caught(
    start_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    """On a busy machine next to nobody may be there within seconds. Then there is nothing to be caught, and it is
    played again, longer: what decides on that is what was dropped, and not what was found."""
    for compress in ("900", "300"):
        server = await trio.to_thread.run_sync(lambda data=compress: start_server("--data", data))
        await trio.to_thread.run_sync(leave_from_before, server.url)
        async with bad_line(server.port, every=1000, seconds=0.0) as (url, line):
            code, said = await evening(tmp_path, "--host", url, "--compress", compress, small=TALKATIVE)
        if line.felt >= ENOUGH:
            break
    assert line.felt >= ENOUGH, said
    assert code == 1, said
    assert "Missed: lost" in said
    assert "lost lane=stage" in said
    counted = re.search(r"SMS: (\d+) acknowledged, \{'messages': (\d+), 'people': \d+\} counted", said)
    assert counted is not None
    assert int(counted[1]) <= int(counted[2]) <= 6620, "without what was there before; some answers may come too late"
    assert "Missed: people" not in said


async def test_a_gateway_that_is_never_answered_is_missed_though_nothing_is_refused(
    start_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    server = await trio.to_thread.run_sync(lambda: start_server("--data", "data"))
    async with bad_line(server.port, every=10**9, seconds=0.0, mute=True) as (url, _):
        code, said = await evening(tmp_path, "--host", url, "--compress", "1000", "--tags", "sms")
    assert code == 1, said
    assert "Missed: SMS: 0 of 6620 were acknowledged" in said
    assert "Missed: refused" not in said


def leave_from_before(url: str) -> None:
    """Somebody else's SMS, as an earlier evening leaves them."""
    house = House(url, Config(secret=SECRET))
    house.make_rooms({"stage": {"mode": "moderated"}})
    house.call("gateway", "POST", "/v1/sms?room=stage", [{"id": "old", "from": "+33612345678", "text": "Before."}])


def test_nothing_of_ours_that_it_uses_knows_trio() -> None:
    check = (
        "import sys, locust, prime_minister_2004\n"
        "ours = ('people', 'evening', 'prime_minister', 'fanout.client.crowd', 'fanout.rehearsal')\n"
        "used = [name for name in sys.modules if name.startswith(ours)]\n"
        "assert {'people', 'fanout.rehearsal.house'} <= set(used), used\n"
        "server_side = {'fanout.rehearsal.slow_plugin'}\n"  # a plug-in, which runs in the server's process
        "knowing = [name for name in used if 'trio' in vars(sys.modules[name]) and name not in server_side]\n"
        "sys.exit(' '.join(knowing) or 0)"
    )
    path = os.pathsep.join([str(ROOT), str(SCENARIO.parent)])
    done = subprocess.run(
        [sys.executable, "-c", check], env={**os.environ, "PYTHONPATH": path}, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()
