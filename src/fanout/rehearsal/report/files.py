"""A report's files: `report.html`, `report.md`, `report.json` with every figure, and `report.hlog` with the times."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from msgspec.structs import asdict as struct_dict

from fanout.client.crowd.hdr import BOUNDS_SECONDS, Interval, values_of, write_log
from fanout.rehearsal.load.evidence import sparse
from fanout.rehearsal.measures import Seen
from fanout.rehearsal.rehearsing import Rehearsal
from fanout.rehearsal.report.html_page import html_page
from fanout.rehearsal.report.markdown import markdown
from fanout.rehearsal.verdict import Judged

IN_MINUTES: Final = {"wait in minutes": "wait", "SMS wait in minutes": "sms-wait"}
"""Series that are kept in minutes of the rehearsal, and their tags."""


def write_report(done: Rehearsal, folder: Path) -> Path:
    """Write all four into the folder, made if it is not there; returns the path of the page. Beside them the end of the
    log of a server that died (`server.log`).

    Raises:
        OSError: It can't be done. Then nothing of it is there, and an earlier report is as it was.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".report-", dir=folder) as name:
        aside = Path(name)
        (aside / "report.html").write_text(html_page(done), "utf-8")
        (aside / "report.md").write_text(markdown(done), "utf-8")
        (aside / "report.json").write_text(json.dumps(as_json(done), indent=1) + "\n", "utf-8")
        remark = f"fanout rehearse {done.name}: an interval a phase, a tag a series, all values in nanoseconds"
        write_log(aside / "report.hlog", done.began, [remark], _intervals(done))
        if done.server_log:
            (aside / "server.log").write_text(done.server_log, "utf-8")
        else:
            (folder / "server.log").unlink(missing_ok=True)  # of an earlier run
        for written in aside.iterdir():
            written.replace(folder / written.name)
    return folder / "report.html"


def as_json(done: Rehearsal) -> dict[str, Any]:
    """Every figure, for programs. Histograms hold times by bucket; `bounds_s` are the buckets' upper bounds."""
    schedule, record = done.schedule, done.record
    return {
        "scenario": {"name": done.name, "title": done.scenario.title, "sha256": done.digest, "text": done.text},
        "began": done.began.isoformat(timespec="seconds"),
        "scale": schedule.scale,
        "compress": schedule.compress,
        "replay": done.replay and done.replay.as_json(schedule.compress),
        "totals": struct_dict(schedule.totals),
        "assumptions": done.assumptions,
        "outcome": str(done.verdict.outcome),
        "problems": list(done.verdict.problems),
        "gone": done.gone,
        "not_tried": done.not_tried,
        "headroom": done.headroom,
        "objectives": [_judged(each) for each in done.verdict.judged],
        "whole": dict(done.whole),
        "phases": done.phases,
        "faults": [{"t": t, "what": what} for t, what in record.happened],
        "tallies": done.tallies,
        "counts": dict(sorted(record.whole.evidence.counts.items())),
        "reckoned_desk": None if done.desk is None else asdict(done.desk),
        "machine": done.machine,
        "memory_bytes": done.memory,
        "generator": {name: {"cpu": shares, "lag_s": record.lag[name]} for name, shares in record.cpu.items()},
        "bounds_s": [round(bound, 9) for bound in BOUNDS_SECONDS],
        "histograms": {"whole": _histograms(record.whole)}
        | {name: _histograms(seen) for name, seen in record.phases.items()},
        "seconds": [
            {"t": each.t, "live": each.live, "came": each.came, "connections": each.connections,
             "delivered": each.delivered, "p50_ms": each.delivery_ms(0.5), "p99_ms": each.delivery_ms(0.99),
             "sms": each.sms, "said": each.said, "waiting": each.waiting, "oldest_s": each.oldest_s}
            for each in record.seconds
        ],
    }  # fmt: skip


def _judged(judged: Judged) -> dict[str, Any]:
    return {**struct_dict(judged.objective), "found": judged.found, "met": judged.met, "margin": judged.margin}


def _histograms(seen: Seen) -> dict[str, Any]:
    found = {name: sparse(histogram)[0] for name, histogram in seen.evidence.latencies.items()}
    return {"counts": asdict(seen.tally.counts), "delivery": sparse(seen.tally.latency)[0], **found}


def _intervals(done: Rehearsal) -> Iterator[Interval]:
    """Every series of each phase. What is waited for a moderator is time of the event, as everywhere in the report."""
    for span in done.schedule.spans:
        seen, length = done.record.phases[span.name], span.end - span.begin
        yield Interval("delivery", span.begin, length, values_of(seen.tally.latency.counts))
        for name, histogram in seen.evidence.latencies.items():
            factor = 60 * done.schedule.compress if name in IN_MINUTES else 1.0
            yield Interval(IN_MINUTES.get(name, name), span.begin, length, values_of(histogram.counts, factor))
