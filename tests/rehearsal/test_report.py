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

from fanout.rehearsal.desk import reckon
from fanout.rehearsal.measures import Record, measured
from fanout.rehearsal.rehearsing import Rehearsal
from fanout.rehearsal.report.files import write_report
from fanout.rehearsal.report.html_page import html_page
from fanout.rehearsal.report.markdown import markdown
from fanout.rehearsal.report.plot import Axis, Line, nice_top, plot
from fanout.rehearsal.scenario import find_scenario, read_scenario
from fanout.rehearsal.schedule import make_schedule
from fanout.rehearsal.verdict import Outcome, judge
from tests.client.hdr_reading import read_log

EVIL = "<script>alert('x')</script> & | co"


def rehearsal(*, lost: int = 0, slow: tuple[str, ...] = (), scale: float = 1, compress: float = 60) -> Rehearsal:
    """One that never was: a minute of evidence from an audience and a staff."""
    name, text = find_scenario("town-hall-2002")
    scenario = replace_title(text)
    schedule = make_schedule(scenario, scale=scale, compress=compress)
    record = Record(schedule)
    for second in range(1, 61):
        record.add("audience 1", {"t": second + 0.01, "live": 10 * second, "came": 10 * second, "cpu": 0.5, "lag": 0.0,
                                  "counts": {"connections": 10}, "latencies": {"join": [{"60": 10}, 0.02]},
                                  "tally": tally(second, lost if second == 30 else 0)})  # fmt: skip
        record.queue(second, second % 7, float(second % 5))
    record.happen(20.0, EVIL)
    whole = measured(record.whole, compress)
    phases = {phase: measured(seen, compress) for phase, seen in record.phases.items()}
    verdict = judge(scenario.objectives, whole, phases, slow=slow, short=[])
    return Rehearsal(
        name, scenario, schedule, "0" * 64, datetime(2026, 3, 1, tzinfo=UTC), record, whole, phases, verdict,
        [EVIL], [], {"processor": EVIL}, {"server": 1 << 26}, None,
        desk=reckon(scenario) if scale < 1 else None,
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


def test_a_part_of_the_questions_says_nothing_of_who_reads_them_all():
    """Two hundred questions at 10 s are read in an hour by one; a tenth of them would be read by anybody."""
    for text in (html_page(rehearsal(scale=0.1)), markdown(rehearsal(scale=0.1))):
        assert "At scale 0.1 they had a part of the questions." in text
        assert "Of 200 questions from the web, half would wait less than" in text
        assert "comes by web (200) at 10 s each" in text
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


def test_the_files_say_the_same(tmp_path: Path):
    done = replace(rehearsal(lost=3), headroom="2 times as many people still meet every objective.")
    page = write_report(done, tmp_path / "a" / "b")
    assert page.read_text().startswith("<!doctype html>")
    kept = (page.parent / "report.md").read_text()
    found = json.loads((page.parent / "report.json").read_text())
    assert found["outcome"] == "missed"
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
    assert "<" not in kept, "a renderer lets HTML through"
    assert escape(EVIL, quote=False).replace("|", "\\|") in kept


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
