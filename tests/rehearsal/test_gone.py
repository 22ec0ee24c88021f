"""A server that dies in the middle of a rehearsal: it ends, and its report says what was seen until then."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from fanout.rehearsal import house
from fanout.rehearsal.rehearsing import Request, rehearse, with_headroom
from fanout.rehearsal.report.files import write_report
from fanout.rehearsal.scenario import find_scenario, read_scenario
from fanout.rehearsal.verdict import Outcome
from fanout.server.settings import Config
from tests.rehearsal.test_on_one_server import SHORT
from tests.rehearsal.test_rehearsing import children
from tests.server_process import FANOUT, SECRET, ServerProcess

pytestmark = [pytest.mark.xdist_group("alone"), pytest.mark.timeout(120)]


async def test_a_server_of_our_own_that_is_killed_ends_the_run_and_leaves_its_report(
    tmp_path: Path,
) -> None:
    process = await trio.lowlevel.open_process(
        [*FANOUT, "rehearse", SHORT.name, "--compress", "2", "--headroom", "--report", str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    said = b""
    with trio.fail_after(60):
        while b" listeners" not in said:
            said += (news := await process.stdout.receive_some())
            assert news, await process.stderr.receive_some()
        os.kill(server_of(process.pid), signal.SIGKILL)
        died = time.monotonic()
        said += b"".join([part async for part in process.stdout])
        wrong = b"".join([part async for part in process.stderr]).decode()
        assert await process.wait() == 4, said
    assert time.monotonic() - died < 20, "of a minute that was left"
    assert "the server's process ended by itself (SIGKILL)" in wrong
    assert "Traceback" not in wrong
    assert b"Verdict: unreachable." in said
    assert b"Headroom: 2" not in said, "there is nothing to search with"
    page = (tmp_path / "report.html").read_text()
    banner = page[page.index('<div class="verdict unreachable">') :].partition("</div>")[0]
    assert "The server was gone before the end." in banner
    assert "ended by itself (SIGKILL). What stands here was seen until then." in banner
    assert not (tmp_path / "server.log").exists(), "it had nothing to say"


def server_of(rehearsal: int) -> int:
    (server,) = (pid for pid in children(rehearsal) if "serve" in Path(f"/proc/{pid}/cmdline").read_text())
    return server


def test_the_search_for_headroom_keeps_what_it_found_before_the_server_was_gone(
    start_server: Callable[..., ServerProcess], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house, "GONE_SECONDS", 1.0)
    server, said = start_server("--data", "data"), list[str]()

    def tell(text: str) -> None:
        said.append(text)
        if " listeners" in text and any(each.startswith("Headroom: 2") for each in said):
            server.kill()

    name, text = find_scenario(SHORT.name)
    request = Request(name, text, read_scenario(text), compress=60, host=(server.url, Config(secret=SECRET)))
    first = rehearse(request, tell)
    assert first.verdict.outcome is Outcome.MET, said
    done = with_headroom(first, request, tell)
    assert done.headroom is not None
    assert done.headroom.endswith("still meet every objective; at 2 times the server was gone before the end.")
    assert any("has taken no connection for 1 s" in each for each in said)
    assert write_report(done, tmp_path / "report").exists()
    assert not (tmp_path / "report" / "server.log").exists(), "it is somebody's own"
