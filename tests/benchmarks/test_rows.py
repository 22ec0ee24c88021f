"""Every row of the benchmarks runs, small, on the real server and on peers that the development set-up brings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import run
from benchmarks.peers.catalogue import PEERS
from benchmarks.peers.install import compile_programs
from benchmarks.rows import ROWS
from benchmarks.rows.row import Measured, Size

pytestmark = pytest.mark.xdist_group("alone")

NEED_C = {"many_rooms", "second_core", "reconnect_storm", "past_the_limit", "as_many_as_fit"}

TINY = {
    "one_at_a_time": Size(30, 3, 1),
    "back_to_back": Size(30, 3, 1),
    "open_chat": Size(30, 20, 1),
    "idle_memory": Size(60, 0, 0.1),
    "connects": Size(60, 0),
    "stalled_readers": Size(30, 5, 0.3),
    "cut_and_resume": Size(60, 5),
    "one_listener": Size(1, 5),
    "submissions": Size(2, 200, 0.2),
    "queue_pages": Size(1, 2_000),
    "approve_to_listener": Size(30, 3),
    "many_rooms": Size(60, 3),
    "second_core": Size(60, 2),
    "reconnect_storm": Size(60, 5),
    "past_the_limit": Size(60, 2),
    "as_many_as_fit": Size(60, 2),
}


def measured(row: str, peer: str) -> Measured:
    result = ROWS[row].measure(PEERS[peer], TINY[row])
    assert result.faults == {}, result.notes
    return result


def test_every_row_has_a_small_version_here() -> None:
    assert set(TINY) == set(ROWS)


@pytest.mark.parametrize("row", ROWS)
def test_fanout_is_measured_in_every_row_without_a_fault(row: str) -> None:
    """Each value of the table is there, and no listener missed anything or got anything twice."""
    if (why := compile_programs()) and row in NEED_C:
        pytest.skip(", ".join(why))
    values = measured(row, "fanout").values
    assert set(ROWS[row].show) <= set(values)
    assert {goal.value for goal in ROWS[row].goals} <= set(values)
    if row in ("cut_and_resume", "reconnect_storm"):
        assert (values["resumed"], values["gaps"]) == (1.0, 0)
    if row == "open_chat":
        assert values["delivered"] == 1.0


@pytest.mark.parametrize("peer", ["websockets", "trio-websocket", "floor-python"])
def test_a_peer_is_measured_beside_it(peer: str) -> None:
    assert measured("one_at_a_time", peer).values["deliveries_per_s"] > 100


def test_a_run_writes_table_json_and_plot_and_prints_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command as `make bench` calls it, with one small row and two peers."""
    monkeypatch.setattr(run, "stay_beside_the_client", lambda: None)  # this process has other tests to run
    words = ["one_at_a_time", "--quick", "--no-fetch", "--peers", "websockets,floor-python", "--out", str(tmp_path)]
    assert command.main(words) == 0
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["rows"]["one_at_a_time"]["summary"]["websockets"]["deliveries_per_s"]["median"] > 100
    assert results["machine"]["kernel"]
    assert "| websockets broadcast() " in capsys.readouterr().out
    assert (tmp_path / "results.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("words", [["no_such_row"], ["--peers", "no_such_peer"]])
def test_an_unknown_name_is_refused_with_the_names_there_are(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(words)
    assert ended.value.code == 2
    assert "there are one_at_a_time" in (said := capsys.readouterr().err) or "there are fanout, bun" in said
