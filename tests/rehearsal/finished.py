"""A rehearsal that never was: a minute of evidence from an audience, with what is dangerous in its words."""

from __future__ import annotations

from datetime import UTC, datetime

from fanout.client.crowd.hdr import BOUNDS_SECONDS
from fanout.client.crowd.tally import Tally
from fanout.rehearsal.desk import reckon
from fanout.rehearsal.measures import Record, measured
from fanout.rehearsal.rehearsing import Rehearsal
from fanout.rehearsal.scenario import Scenario, find_scenario, read_scenario
from fanout.rehearsal.schedule import make_schedule
from fanout.rehearsal.verdict import judge

EVIL = "<script>alert('x')</script> & | co"


def rehearsal(
    *, lost: int = 0, slow: tuple[str, ...] = (), scale: float = 1, compress: float = 60, unread: int = 0
) -> Rehearsal:
    """One that never was: a minute of evidence from an audience and a staff. `unread`: SMS that wait longer than any
    bucket is for."""
    name, text = find_scenario("town-hall-2002")
    scenario = replace_title(text)
    schedule = make_schedule(scenario, scale=scale, compress=compress)
    record = Record(schedule)
    for second in range(1, 61):
        record.add("audience 1", {"t": second + 0.01, "live": 10 * second, "came": 10 * second, "cpu": 0.5, "lag": 0.0,
                                  "counts": {"connections": 10}, "latencies": {"join": [{"60": 10}, 0.02]},
                                  "tally": tally(second, lost if second == 30 else 0)})  # fmt: skip
        record.queue(second, second % 7, float(second % 5))
    if unread:
        waits = {"SMS wait in minutes": [{str(len(BOUNDS_SECONDS)): unread}, 1000.0 * unread]}
        record.add("staff", {"t": 60.0, "cpu": 0.5, "lag": 0.0, "counts": {"sms acknowledged": unread},
                             "latencies": waits})  # fmt: skip
    record.happen(20.0, EVIL)
    whole = measured(record.whole, compress)
    phases = {phase: measured(seen, compress) for phase, seen in record.phases.items()}
    verdict = judge(scenario.objectives, whole, phases, slow=slow, short=[])
    return Rehearsal(
        name, scenario, schedule, "0" * 64, datetime(2026, 3, 1, tzinfo=UTC), record, whole, phases, verdict,
        [EVIL], [], {"processor": EVIL}, {"server": 1 << 26}, None,
        desk=reckon(scenario) if scale < 1 else None, text=f"{text}# ````{EVIL}\n",
    )  # fmt: skip


def replace_title(text: str) -> Scenario:
    scenario = read_scenario(text)
    return scenario.__class__(**{**{f: getattr(scenario, f) for f in scenario.__struct_fields__}, "title": EVIL})


def tally(second: int, lost: int) -> dict:
    one = Tally()
    one.counts.connected = 10
    one.counts.delivered = 100
    one.counts.lost = lost
    one.latency.observe(0.01 * (1 + second % 10), 100)
    return one.taken()
