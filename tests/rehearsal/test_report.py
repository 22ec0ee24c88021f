"""The report: whole, one file, escaped, and its plots stay inside their frames."""

from __future__ import annotations

import json
import re
import resource
from dataclasses import replace
from html import escape
from html.parser import HTMLParser
from importlib.metadata import version
from pathlib import Path

import pytest

from fanout.cli.program import main
from fanout.rehearsal import rehearsing
from fanout.rehearsal.house import OwnServer
from fanout.rehearsal.place import place_of
from fanout.rehearsal.report.content import faults_table
from fanout.rehearsal.report.files import write_report
from fanout.rehearsal.report.html_page import html_page
from fanout.rehearsal.report.markdown import markdown
from fanout.rehearsal.report.plot import Axis, Line, nice_top, plot
from fanout.rehearsal.scenario import find_scenario, read_scenario
from fanout.rehearsal.schedule import make_schedule
from fanout.rehearsal.verdict import Outcome
from tests.client.hdr_reading import read_log
from tests.rehearsal.finished import EVIL, rehearsal


class Page(HTMLParser):
    """What is in the page: its tags, and addresses of anything else."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.elsewhere: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.elsewhere += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_page_is_one_file_without_a_script_and_everything_in_it_is_escaped():
    page = Page()
    text = html_page(rehearsal())
    page.feed(text)
    assert "script" not in page.tags
    assert page.elsewhere == []
    assert "url(" not in text
    assert "&lt;script&gt;" in text
    assert page.tags.count("svg") >= 6


@pytest.mark.parametrize(
    ("scale", "compress", "said"),
    [
        (1, 1, []),
        (0.1, 1, ["(at scale 0.1).", "Not the whole event: scale 0.1, 100 visitors for 1,000.", "Sign a run at scale"]),
        (2, 1, ["(at scale 2).", "More than the event: scale 2, 2,000 visitors for 1,000."]),
        (1, 60, ["60 times faster than planned: 60 s for 60 minutes."]),
        (1, 0.5, ["2 times slower than planned: 120 minutes for 60 minutes."]),
    ],
)
def test_the_first_box_says_how_the_run_differs_from_the_event(scale: float, compress: float, said: list[str]):
    done = rehearsal(scale=scale, compress=compress)
    banner = re.search(r'<div class="verdict.*?</div>', html_page(done), re.DOTALL)
    (paragraph,) = [part for part in markdown(done).split("\n\n") if "objectives met." in part]
    assert banner is not None
    for text in (banner[0], paragraph):
        assert [part for part in said if part not in text] == []
        assert ("scale" in text, "than planned" in text) == (scale != 1, compress != 1)


def test_what_went_wrong_on_purpose_stands_in_both_with_its_share_and_what_came_of_it():
    storm = read_scenario(find_scenario("reconnect-storm")[1])
    done = replace(rehearsal(), scenario=storm, not_tried=["kill-engine in the engine is killed: not ours"])
    done = replace(done, schedule=make_schedule(done.scenario, compress=2))
    phases = {span.name: {"back_s": 1.25, "broken": 30} for span in done.schedule.spans}
    phases["an edge is killed"] = {"back_s": None, "broken": 0}
    rows = faults_table(replace(done, phases=phases))
    assert rows is not None
    assert [row[2:4] for row in rows.rows][:2] == [
        ("lines were cut", "30 % of the listeners"), ("lines were cut", "100 % of the listeners"),
    ]  # fmt: skip
    assert rows.rows[0][4] == "99 of 100 were back after 1.25 s"
    assert [row[4] for row in rows.rows][2:] == ["no line broke", "not tried: not ours"]
    stalled = faults_table(replace(done, schedule=make_schedule(read_scenario(find_scenario("slow-phones")[1])),
                                   phases={"a tenth stops reading": {}, "and again": {}}))  # fmt: skip
    assert stalled is not None
    assert stalled.rows[0] == ("66 s", "a tenth stops reading", "listeners stopped reading",
                               "10 % of the listeners, 30 s", "")  # fmt: skip
    assert faults_table(rehearsal()) is None


def test_who_asks_later_finds_versions_limits_and_the_scenario_itself():
    done = replace(rehearsal(), machine=place_of(OwnServer.__new__(OwnServer)))
    for text in (html_page(done), markdown(done)):
        assert f"fanout {version('fanout-live')}" in text
        for part in ("trio ", "SQLite ", "OpenSSL ", "CPython ", " a process; ", "local ports", "[[objectives]]"):
            assert part in text, part
    assert "<details><summary>The scenario, word for word</summary>" in html_page(done)


def test_a_part_of_the_questions_says_nothing_of_who_reads_them_all():
    """Two hundred questions at 10 s are read in an hour by one; a tenth of them would be read by anybody."""
    for text in (html_page(rehearsal(scale=0.1)), markdown(rehearsal(scale=0.1))):
        assert "At scale 0.1 they had a part of the questions." in text
        assert "Of 200 questions from the web, half would wait less than" in text
        assert "comes by web (200) at 10 s each" in text
        assert text.count("the whole event, reckoned") == 2, "what was not played is marked where it is judged"
    assert "reckoned" not in html_page(rehearsal())


@pytest.mark.parametrize(("lost", "slow", "outcome"), [(0, (), Outcome.MISSED), (3, ("it was busy",), Outcome.MISSED)])
def test_who_reads_nothing_else_reads_what_does_not_hold(lost: int, slow: tuple[str, ...], outcome: Outcome):
    done = rehearsal(lost=lost, slow=slow)
    text = html_page(done)
    assert done.verdict.outcome is outcome
    banner = re.search(r'<div class="verdict.*?</div>', text, re.DOTALL)
    assert banner is not None
    assert "Not all objectives are met." in banner[0]
    assert ("No silent loss: 3, wanted at most 0." in banner[0]) is (lost > 0)
    assert ("In doubt: it was busy." in banner[0]) is bool(slow)


def test_a_run_that_proves_nothing_says_what_to_do_in_both_forms():
    done = rehearsal(lost=0, slow=("it was busy",))
    done = replace(done, verdict=replace(done.verdict, outcome=Outcome.INVALID))
    for text in (html_page(done), markdown(done)):
        assert "Put the load on another machine" in text
        assert "In doubt: it was busy." in text


def test_what_nobody_ever_reads_has_no_endless_time(tmp_path: Path):
    page = write_report(rehearsal(unread=1_324_085), tmp_path)
    assert "Of 1,324,085 SMS, 0 were read before the end, and the others never." in page.read_text()
    assert "Infinity" not in (tmp_path / "report.json").read_text()


def test_the_files_say_the_same(tmp_path: Path):
    done = replace(rehearsal(lost=3), headroom="2 times as many people still meet every objective.")
    page = write_report(replace(done, gone="it was killed", server_log="Help!\n"), tmp_path / "a" / "b")
    assert (page.parent / "server.log").read_text() == "Help!\n"
    assert "until then. The end of its log is in server.log." in page.read_text()
    write_report(done, page.parent)
    assert not (page.parent / "server.log").exists(), "it is of another run"
    assert page.read_text().startswith("<!doctype html>")
    kept = (page.parent / "report.md").read_text()
    found = json.loads((page.parent / "report.json").read_text())
    assert found["outcome"] == "missed"
    assert found["scenario"]["text"] == done.text
    assert found["whole"]["lost"] == 3
    assert len(found["seconds"]) == 60
    assert sum(found["histograms"]["whole"]["delivery"].values()) == 6000
    times = read_log(page.parent / "report.hlog")
    assert {tag: histogram.get_total_count() for tag, histogram in times.items()} == {"delivery": 6000, "join": 600}
    p99 = times["delivery"].get_value_at_percentile(99) / 1e6
    assert p99 == pytest.approx(found["whole"]["delivery_p99_ms"], rel=1e-6)
    assert "|  | doors open | questions and answers | last questions |\n" in kept
    assert "| deliveries that are missing, and no gap said so | 0 | 3 | 0 |\n" in kept
    assert "| MISSED | No silent loss | lost |" in kept
    assert "Headroom: 2 times" in kept
    report, scenario = kept.split("\n`````toml\n")
    assert "<" not in report, "a renderer lets HTML through"
    assert scenario == f"{done.text}`````\n", "word for word, in a fence that nothing in it can end"
    assert escape(EVIL, quote=False).replace("|", "\\|") in kept


def test_a_report_that_can_t_be_written_is_no_verdict_and_leaves_an_earlier_one_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    write_report(rehearsal(lost=7), tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    monkeypatch.setattr(rehearsing, "rehearse", lambda *_: rehearsal())
    kept = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before["report.html"]) // 2, kept[1]))
    try:
        code = main(["rehearse", "town-hall-2002", "--report", str(tmp_path)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, kept)
    assert code == 2
    assert "can't be written to any more (File too large): there is no report." in capsys.readouterr().err
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_line_stays_inside_its_frame_and_has_holes_where_nothing_was_measured():
    axis = Axis(10, [("one", 0, 5), ("two", 5, 10)], [(4.0, "cut")])
    drawn = plot("Listeners", "", [Line("there", [(0, 1.0), (1, None), (2, 700.0), (3, 3.0)])], axis, limit=500)
    path = re.search(r'<path d="([^"]+)"', drawn)
    assert path is not None
    assert path[1].count("M") == 2
    heights = [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", path[1])]
    assert all(22 <= y <= 164 for y in heights)
    assert "objective 500" in drawn


def test_an_axis_ends_at_a_round_number_above_everything():
    assert [nice_top(value) for value in (1, 1.1, 4, 7, 19_999)] == [1, 2, 5, 10, 20_000]
