"""`fanout doctor` as an operator sees it: its table, its exit codes, its colours, and what it leaves alone."""

import json
import os
import pty
import re
import socket
import subprocess
from pathlib import Path

import pytest

from tests.server_process import FANOUT, fanout


def test_a_machine_in_order_is_told_so_with_exit_code_0(tmp_path: Path):
    done = fanout("doctor", "--for", "100", "--port", "0", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("For 100 listeners: fanout serve\n")
    for check in ("descriptors", "accept backlog", "local ports", "memory", "clock", "disk flushes", "kernel"):
        assert re.search(rf"^(good|warn)  {check} ", done.stdout, re.MULTILINE), done.stdout
    assert re.search(r"\d+ good, \d+ to look at, 0 bad\n$", done.stdout)
    assert "\x1b" not in done.stdout
    assert list(tmp_path.iterdir()) == [], "it changes nothing"


def test_it_says_how_many_the_machine_can_carry(tmp_path: Path):
    done = fanout("doctor", "--port", "0", "--workers", "0", folder=tmp_path)
    found = re.match(r"For ([\d,]+) listeners, limited by [^:]+: fanout serve\n", done.stdout)
    assert found, done.stdout
    carried = found[1].replace(",", "")
    most = fanout("doctor", "--port", "0", "--workers", "0", "--for", carried, folder=tmp_path)
    assert most.returncode == done.returncode == 0, most.stdout


def _as_json(folder: Path, *arguments: str) -> str:
    return fanout("doctor", "--port", "0", "--json", *arguments, folder=folder).stdout


def test_workers_are_as_many_as_asked_for(tmp_path: Path):
    assert json.loads(_as_json(tmp_path, "--for", "100", "--workers", "3"))["workers"] == 3
    cores = len(os.sched_getaffinity(0))
    assert json.loads(_as_json(tmp_path, "--for", "100", "--workers", "auto"))["workers"] == cores
    seated = json.loads(_as_json(tmp_path, "--max-listeners", "50"))
    assert (seated["listeners"], seated["limited_by"], seated["workers"]) == (50, "max_listeners", 0)


def test_something_bad_is_exit_code_1_with_what_to_change(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = fanout("doctor", "--for", "100", "--port", str(taken.getsockname()[1]), folder=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    assert re.search(r"^bad   address .* is taken", done.stdout, re.MULTILINE)
    assert "-> stop that program, or set another port\n" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--for", "many"], "--for: a whole number from 1 to"),
        (["--for", "0"], "--for: a whole number from 1 to"),
        (["--for", "²"], "--for: a whole number from 1 to"),
        (["--workers", "-1"], "--workers: processes that carry listeners, 0 to 64, or auto"),
        (["--port", "many"], "--port: a whole number from 0 to 65535"),
        (["--proxy-config", "absent.conf"], "absent.conf can't be read"),
    ],
)
def test_a_usage_error_is_exit_code_2(tmp_path: Path, arguments: list[str], says: str):
    done = fanout("doctor", *arguments, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


@pytest.mark.parametrize(("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours_are_for_terminals_and_for_those_who_want_them(
    tmp_path: Path, environment: dict[str, str], coloured: bool
):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*FANOUT, "doctor", "--for", "100", "--port", "0"],
        cwd=tmp_path, stdout=theirs, env={**os.environ, "NO_COLOR": "", **environment},
    )  # fmt: skip
    os.close(theirs)
    printed = b""
    try:
        while more := os.read(ours, 65_536):
            printed += more
    except OSError:
        pass  # EIO: the other end is closed, and all has been read
    assert process.wait(30) == 0
    os.close(ours)
    assert (b"\x1b[32mgood" in printed) == coloured
    assert b"descriptors" in printed
