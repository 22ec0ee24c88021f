"""An evening that took place on a server, over a restart, is recorded and played again: it is the same evening, with
nobody in it; met on a good server, and missed on one that loses messages."""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from fanout.rehearsal.recording.acts import Act, Ask, Decide, End, Line, Say, TakeBack, open_recording
from tests.rehearsal.bad_line import bad_line
from tests.rehearsal.evening import Evening
from tests.rehearsal.small import patiently
from tests.server_process import FANOUT, SECRET, ServerProcess, fanout

pytestmark = [pytest.mark.xdist_group("alone"), pytest.mark.timeout(120)]

StartServer = Callable[..., ServerProcess]


@pytest.fixture(scope="module")
def was(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, set[str]]:
    """The data of an evening whose server was killed at the end, and everything that no recording of it may show."""
    folder, secrets = tmp_path_factory.mktemp("evening"), set[str]()
    for part, end in ((Evening.begin, ServerProcess.terminate), (Evening.go_on, ServerProcess.kill)):
        server = ServerProcess("--data", "data", "--port", "0", folder=folder, env={"FANOUT_SECRET": SECRET}).listens()
        evening = Evening(server.url, secrets)
        try:
            part(evening)
        finally:
            evening.close()
            end(server)
    return folder / "data", secrets


async def replay(scenario: Path, *options: str) -> tuple[int, str, dict]:
    """Its exit code, what it said, and its report in JSON."""
    report = scenario.parent / "report"
    with trio.fail_after(100):
        done = await trio.run_process(
            [*FANOUT, "rehearse", str(scenario), "--report", str(report), *options],
            check=False, capture_stdout=True, stderr=subprocess.STDOUT, env={**os.environ, "FANOUT_SECRET": SECRET},
        )  # fmt: skip
    return done.returncode, done.stdout.decode(), json.loads((report / "report.json").read_text())


def kinds(recording: Path) -> Counter[tuple]:
    """What is in a recording, without its moments and numbers."""
    return Counter(_kind(act) for act in open_recording(recording).acts())


def _kind(act: Act | End) -> tuple:
    if isinstance(act, Ask):
        return ("ask", act.room, act.source, act.text, act.name, act.submission > 0, act.message > 0)
    if isinstance(act, Say):
        text = None if act.message else act.text  # of what is taken back, text and name are known together
        return ("say", act.room, act.kind, text, act.data, act.message > 0, act.re > 0)
    if isinstance(act, Decide):
        return ("decide", act.action, act.role, act.into > 0, act.message > 0)
    return ("line", act.text) if isinstance(act, Line) else (type(act).__name__,)


async def test_an_evening_is_the_same_when_it_is_played_again_and_nobody_is_in_it(
    was: tuple[Path, set[str]], start_server: StartServer, tmp_path: Path
) -> None:
    before = {file.name: file.read_bytes() for file in was[0].iterdir() if file.suffix != ".sqlite3-shm"}
    assert any(file.endswith("-wal") and found for file, found in before.items()), "it was killed"
    done = fanout("record", str(was[0]), "-o", "again.toml", "--listeners", "60", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert before == {file.name: file.read_bytes() for file in was[0].iterdir() if file.suffix != ".sqlite3-shm"}
    head, made = (tmp_path / "again.recording").read_text().split("\n", 1)
    scenario = head + (tmp_path / "again.toml").read_text()
    for secret in was[1]:
        assert secret not in scenario
        assert not [word for word in secret.split() if len(word) > 3 and word in made], secret
    patient = tmp_path / "patient.toml"  # a test machine has other work to do
    patient.write_text(patiently((tmp_path / "again.toml").read_text()))
    server = await trio.to_thread.run_sync(lambda: start_server("--data", "again"))
    code, said, report = await replay(patient, "--speed", "0.5", "--host", server.url)
    assert code == 0, said
    whole, counts = report["whole"], report["histograms"]["whole"]["counts"]
    assert (whole["lost"], whole["repeated"], whole["gaps"], whole["behind"]) == (0, 0, 0, 0)
    assert whole["delivery_p99_ms"] is not None
    assert counts["connected"] == 60
    assert "A replay of again.recording: " in said
    assert ", 0.5 times as fast, in " in said
    assert report["replay"]["said"] in (tmp_path / "report" / "report.html").read_text()
    assert " tried, 0 refused, 0 about something" in (tmp_path / "report" / "report.md").read_text()
    await trio.to_thread.run_sync(server.terminate)
    done = fanout("record", "again", "-o", "third.toml", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    first, third = kinds(tmp_path / "again.recording"), kinds(tmp_path / "third.recording")
    assert first - third == Counter()
    assert third - first == Counter()
    acts = list(open_recording(tmp_path / "again.recording").acts())
    assert sum(isinstance(act, TakeBack) for act in acts) == 2
    long = [list(open_recording(tmp_path / f"{name}.recording").acts())[-1].at for name in ("again", "third")]
    assert 1.8 * long[0] < long[1] < 2 * long[0] + 10_000


async def test_a_replay_catches_a_server_that_loses_messages_and_is_late(
    was: tuple[Path, set[str]], start_server: StartServer, tmp_path: Path
) -> None:
    assert fanout("record", str(was[0]), "-o", "again.toml", "--listeners", "60", folder=tmp_path).returncode == 0
    server = await trio.to_thread.run_sync(lambda: start_server("--data", "again"))
    async with bad_line(server.port, every=1000, seconds=0.6) as (url, line):
        code, said, report = await replay(tmp_path / "again.toml", "--speed", "3", "--host", url)
    assert code == 1, said
    assert line.dropped > 0
    missed = {each["measure"] for each in report["objectives"] if not each["met"]}
    assert {"lost", "delivery_p99_ms"} <= missed, said
    assert report["whole"]["lost"] + report["whole"]["behind"] >= line.dropped / 2


async def test_a_replay_goes_on_over_the_death_of_its_server(was: tuple[Path, set[str]], tmp_path: Path) -> None:
    assert fanout("record", str(was[0]), "-o", "again.toml", "--listeners", "20", folder=tmp_path).returncode == 0
    killed = tmp_path / "killed.toml"
    death = '\n[[faults]]\nkind = "kill-server"\nphase = "from 0:00"\nat = 0.4\n'
    killed.write_text(patiently((tmp_path / "again.toml").read_text()) + death)
    code, said, report = await replay(killed, "--speed", "0.7")
    assert code == 0, said
    assert [fault["what"] for fault in report["faults"]] == ["kill-server"]
    assert report["tallies"]["by_source"]["sms"] == {"messages": 30, "people": 7}
    assert report["histograms"]["whole"]["counts"]["resumed"] > 0
    assert [what for what in report["counts"] if "refused" in what or "not possible" in what] == []
    acts = len(list(open_recording(tmp_path / "again.recording").acts())) - 1
    assert f"| {acts} tried, 0 refused, 0 about something" in (tmp_path / "report" / "report.md").read_text()
