"""The report: whole, one file, escaped, and its plots stay inside their frames."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest

from fanout.rehearsal.measures import Record, measured
from fanout.rehearsal.rehearsing import Rehearsal
from fanout.rehearsal.report.files import write_report
from fanout.rehearsal.report.html_page import html_page
from fanout.rehearsal.report.plot import Axis, Line, nice_top, plot
from fanout.rehearsal.scenario import find_scenario, read_scenario
from fanout.rehearsal.schedule import make_schedule
from fanout.rehearsal.verdict import Outcome, judge
from tests.client.hdr_reading import read_log

EVIL = "<script>alert('x')</script> & | co"


def rehearsal(*, lost: int = 0, slow: tuple[str, ...] = ()) -> Rehearsal:
    """One that never was: a minute of evidence from an audience and a staff."""
    name, text = find_scenario("town-hall-2002")
    scenario = replace_title(text)
    schedule = make_schedule(scenario, compress=60)
    record = Record(schedule)
    for second in range(1, 61):
        record.add("audience 1", {"t": second + 0.01, "live": 10 * second, "came": 10 * second, "cpu": 0.5, "lag": 0.0,
                                  "counts": {"connections": 10}, "latencies": {"join": [{"60": 10}, 0.02]},
                                  "tally": tally(second, lost if second == 30 else 0)})  # fmt: skip
        record.queue(second, second % 7, float(second % 5))
    record.happen(20.0, EVIL)
    whole = measured(record.whole, 60)
    phases = {phase: measured(seen, 60) for phase, seen in record.phases.items()}
    verdict = judge(scenario.objectives, whole, phases, slow=slow, short=[])
    return Rehearsal(
        name, scenario, schedule, "0" * 64, datetime(2026, 3, 1, tzinfo=UTC), record, whole, phases, verdict,
        [EVIL], [], {"processor": EVIL}, {"server": 1 << 26}, None,
    )  # fmt: skip


def replace_title(text: str):
    scenario = read_scenario(text)
    return scenario.__class__(**{**{f: getattr(scenario, f) for f in scenario.__struct_fields__}, "title": EVIL})


def tally(second: int, lost: int) -> dict:
    from fanout.client.crowd.tally import Tally

    one = Tally()
    one.counts.connected = 10
    one.counts.delivered = 100
    one.counts.lost = lost
    one.latency.observe(0.01 * (1 + second % 10), 100)
    return one.taken()


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


def test_the_files_say_the_same(tmp_path: Path):
    done = replace(rehearsal(lost=3), headroom="2 times as many people still meet every objective.")
    page = write_report(done, tmp_path / "a" / "b")
    assert page.read_text().startswith("<!doctype html>")
    markdown = (page.parent / "report.md").read_text()
    found = json.loads((page.parent / "report.json").read_text())
    assert found["outcome"] == "missed"
    assert found["whole"]["lost"] == 3
    assert len(found["seconds"]) == 60
    assert sum(found["histograms"]["whole"]["delivery"].values()) == 6000
    times = read_log(page.parent / "report.hlog")
    assert {tag: histogram.get_total_count() for tag, histogram in times.items()} == {"delivery": 6000, "join": 600}
    p99 = times["delivery"].get_value_at_percentile(99) / 1e6
    assert p99 == pytest.approx(found["whole"]["delivery_p99_ms"], rel=1e-6)
    assert "|  | doors open | questions and answers | last questions |\n" in markdown
    assert "| deliveries that are missing, and no gap said so | 0 | 3 | 0 |\n" in markdown
    assert "| MISSED | No silent loss | lost |" in markdown
    assert "Headroom: 2 times" in markdown
    assert "<" not in markdown, "a renderer lets HTML through"
    assert escape(EVIL, quote=False).replace("|", "\\|") in markdown


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
