"""What a report says, once, for all of its forms: sentences and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fanout.rehearsal.desk import as_measures
from fanout.rehearsal.doubts import in_minutes
from fanout.rehearsal.measures import REFUSALS
from fanout.rehearsal.measuring import MEASURES
from fanout.rehearsal.rehearsing import Rehearsal
from fanout.rehearsal.verdict import Judged, Outcome, number

HEADLINES = {
    Outcome.MET: "All objectives are met.",
    Outcome.MISSED: "Not all objectives are met.",
    Outcome.INVALID: "This run proves nothing: what made the load was the bottleneck.",
    Outcome.UNREACHABLE: "The server was gone before the end.",
}

HOW_IT_WAS_MEASURED = (
    "Times run from the moment at which something was meant to happen, not from when it was done: a server that falls "
    "behind can't hide it (no coordinated omission).",
    "Every single delivery was checked by its receiver: position, order, epoch. Lost means that no gap said so.",
    "Times are kept in HDR histograms of two digits: each is rounded up, by less than 1 %.",
    "A question on the air carries no time, for its text is its author's; lines of answers, announcements and chat do.",
)


SIGN = ("the checks", "operations", "the event")
"""Those for whom a report is signed."""

FAULTS = {
    "cut": "lines were cut",
    "stall": "listeners stopped reading",
    "kill-edge": "a process with listeners was killed",
    "kill-engine": "the engine was killed",
    "kill-server": "the server was killed, and started again",
    "stop-disk": "the disk took nothing",
    "slow-plugin": "a plug-in was slow",
    "flood": "one address sent as much as it could",
}
"""In words."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its head and its rows, all text."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def headline(done: Rehearsal) -> str:
    """The verdict, with the size at which it holds: nobody signs a tenth of an evening for a whole one."""
    said, scale = HEADLINES[done.verdict.outcome], done.schedule.scale
    return said if scale == 1 else f"{said.removesuffix('.')} (at scale {scale:g})."


def size_sentences(done: Rehearsal) -> list[str]:
    """How this run differs from the event, where it does."""
    schedule, planned, said = done.schedule, done.scenario.totals.visitors, []
    if schedule.scale != 1:
        which = "Not the whole event" if schedule.scale < 1 else "More than the event"
        said.append(f"{which}: scale {schedule.scale:g}, {schedule.totals.visitors:,} visitors for {planned:,}.")
    if schedule.compress != 1:
        seconds, factor = schedule.seconds, schedule.compress
        pace = f"{number(factor)} times faster" if factor > 1 else f"{number(1 / factor)} times slower"
        said.append(f"{pace} than planned: {in_minutes(seconds)} for {in_minutes(seconds * factor)}.")
    if schedule.scale < 1:
        said.append("Sign a run at scale 1.")
    return said


def played_sentence(done: Rehearsal) -> str:
    """When, where and with what."""
    server, version = (done.machine.get(each, "unknown") for each in ("server", "fanout"))
    return f"Played on {done.began:%-d %B %Y, %H:%M} UTC. Server: {server}. Rehearsed with fanout {version}."


def digest_sentence(done: Rehearsal) -> str:
    """Which scenario it was, exactly, and which run."""
    return (
        f"Scenario {done.name}, SHA-256 {done.digest}; began {done.began:%Y-%m-%d %H:%M:%S} UTC; scale "
        f"{done.schedule.scale:g}, {done.schedule.compress:g} times faster."
    )


def with_unit(value: float | None, unit: str) -> str:
    """A value as people read it; a dash where nothing was measured."""
    if value is None:
        return "-"
    return f"{number(value)} {unit}".strip()


def bound(judged: Judged) -> str:
    """The objective itself, in words."""
    objective, unit = judged.objective, MEASURES[judged.objective.measure].unit
    if objective.at_most is not None:
        return f"at most {with_unit(objective.at_most, unit)}"
    return f"at least {with_unit(objective.at_least, unit)}"


def objectives_table(done: Rehearsal) -> Table:
    """Every objective with what was found, its margin, and what it is for."""
    rows, reckoned = [], {} if done.desk is None else as_measures(done.desk)
    for judged in done.verdict.judged:
        measure = MEASURES[judged.objective.measure]
        margin = "" if judged.margin is None else f"{100 * judged.margin:+.0f} %"
        where = judged.objective.phase or "the whole evening"
        where = "the whole event, reckoned" if judged.objective.measure in reckoned else where
        rows.append((
            "met" if judged.met else "MISSED", judged.objective.why or measure.what, judged.objective.measure, where,
            bound(judged), with_unit(judged.found, measure.unit), margin,
        ))  # fmt: skip
    return Table(("", "what must hold", "measure", "when", "objective", "found", "margin"), rows)


def problem_sentences(done: Rehearsal) -> list[str]:
    """What is known against the load generator, and what that means for this verdict."""
    problems = list(done.verdict.problems)
    if done.gone is not None:
        log = " The end of its log is in server.log." if done.server_log else ""
        return [f"It ended early: {done.gone}. What stands here was seen until then.{log}", *_doubts(problems)]
    if problems and done.verdict.outcome is Outcome.MET:
        return [f"The load was late at times ({'; '.join(problems)}): the server's own times are no worse than these."]
    advice = ["Put the load on another machine, or on more processes, and run it again."]
    return [*(advice if done.verdict.outcome is Outcome.INVALID else []), *_doubts(problems)]


def _doubts(problems: Sequence[str]) -> list[str]:
    return [f"In doubt: {problem}." for problem in problems]


def missed_sentences(done: Rehearsal) -> list[str]:
    """What does not hold, for somebody who reads nothing else."""
    said = []
    for judged in done.verdict.judged:
        if not judged.met:
            measure = MEASURES[judged.objective.measure]
            when = f" ({judged.objective.phase})" if judged.objective.phase else ""
            found = with_unit(judged.found, measure.unit) if judged.found is not None else "nothing was measured"
            said.append(f"{judged.objective.why or measure.what}{when}: {found}, wanted {bound(judged)}.")
    return said


_BY_PHASE = ("connections", "delivered", "join_p99_ms", "delivery_p50_ms", "delivery_p99_ms", "delivery_max_ms",
             "ask_p99_ms", "sms_p99_ms", "staff_p99_ms", "back_s", "broken", "refused", "lost", "repeated",
             "gaps")  # fmt: skip
_MOSTLY_NONE = ("broken", "refused")


def faults_table(done: Rehearsal) -> Table | None:
    """Each fault: when, what, how much of it, and what came of it. None where nothing went wrong on purpose."""
    rows = []
    for at, fault in done.schedule.faults:
        much = f"{100 * fault.share:g} % of the listeners" if fault.kind in ("cut", "stall") else ""
        long = f"{fault.seconds:g} s" if fault.kind in ("stall", "stop-disk", "slow-plugin", "flood") else ""
        phase, tried = done.phases[fault.phase], f"{fault.kind} in {fault.phase}: "
        back = phase.get("back_s") if fault.kind.startswith(("cut", "kill")) else None
        came = "" if back is None else f"99 of 100 were back after {with_unit(back, 's')}"
        if fault.kind.startswith("kill") and phase.get("broken") == 0:
            came = "no line broke"
        if why := next((each.removeprefix(tried) for each in done.not_tried if each.startswith(tried)), ""):
            came = f"not tried: {why}"
        rows.append((f"{at:.0f} s", fault.phase, FAULTS[fault.kind], ", ".join(filter(None, (much, long))), came))
    return Table(("after", "phase", "what", "how much", "what came of it"), rows) if rows else None


def phases_table(done: Rehearsal) -> Table:
    """What each phase came to: a column a phase, for there are more measures than phases, and a page is narrow."""
    used = [
        name for name in _BY_PHASE
        if any(found.get(name) not in (None, *([0] if name in _MOSTLY_NONE else [])) for found in done.phases.values())
    ]  # fmt: skip
    spans = done.schedule.spans
    rows = [
        ("it lasted", *(f"{span.end - span.begin:.0f} s" for span in spans)),
        ("most listeners at the same time", *(number(done.record.phases[span.name].most_live) for span in spans)),
    ]
    rows += [
        (MEASURES[name].what, *(with_unit(done.phases[span.name].get(name), MEASURES[name].unit) for span in spans))
        for name in used
    ]
    return Table(("", *(span.name for span in spans)), rows)


def counts_table(done: Rehearsal) -> Table:
    """What was planned and what was seen, in whole numbers."""
    totals, counts, whole = done.schedule.totals, done.record.whole.evidence.counts, done.whole
    told = done.record.whole.tally.counts
    by_source = (done.tallies or {}).get("by_source", {})
    sms = by_source.get("sms", {})
    visitors = by_source.get("web", {}).get("messages", 0) - counts["flood taken"]
    rows = [
        ("visitors", f"{totals.visitors:,}", f"{told.connected:,} came"),
        ("most at the same time", "", f"{done.record.whole.most_live:,}"),
        ("connections of their own accord", f"{max(totals.connections, totals.visitors):,}",
         f"{counts['connections']:,}"),
        ("of those, over event streams",
         f"{round(done.scenario.event_streams * max(totals.connections, totals.visitors)):,}",
         f"{counts['connections: streams']:,}"),
        ("connections that broke and came back", "", f"{told.resumed - counts['reloads']:,}"),
        (f"questions {'that were handed in' if done.replay else 'before the doors opened'}",
         f"{totals.advance_questions:,}",
         f"{by_source.get('api', {}).get('messages', 0):,} counted by the server"),
        ("questions on the web", f"{totals.web_questions:,}",
         f"{counts['acknowledged: web']:,} acknowledged, {visitors:,} counted by the server"),
        ("messages of a flood", "" if counts["flood taken"] + counts["flood refused"] else "0",
         f"{counts['flood taken']:,} taken, {counts['flood refused']:,} refused"),
        ("chat messages", f"{totals.chat_messages:,}", f"{counts['acknowledged: chat']:,} acknowledged"),
        ("SMS", f"{totals.sms_messages:,}",
         f"{counts['sms acknowledged']:,} acknowledged, {sms.get('messages', 0):,} counted by the server"),
        ("people who sent SMS", f"{totals.sms_people:,}", f"{sms.get('people', 0):,} counted by the server"),
        ("questions aired", f"{totals.aired:,}", f"{counts['aired']:,}"),
        ("lines of answers", f"{done.replay.planned.lines if done.replay else totals.aired * totals.answer_lines:,}",
         f"{counts['lines']:,}"),
        ("announcements", f"{totals.announcements:,}", f"{counts['announced']:,}"),
        ("deliveries", "", f"{told.delivered:,}, of which {told.caught_up:,} after a return"),
        ("messages in one write to a listener, on average", "", with_unit(whole.get("per_send"), "")),
        ("lost, repeated, out of order, announced as missing", "0, 0, 0, 0",
         f"{told.lost:,}, {told.repeated:,}, {told.disordered:,}, {told.announced:,}"),
        ("not had at the end, not there at the end", "0, 0",
         f"{with_unit(whole.get('behind'), '')}, {with_unit(whole.get('absent'), '')}"),
        *replay_rows(done),
    ]  # fmt: skip
    rows += [(said, "", f"{times:,}") for said, times in sorted(counts.items()) if said.startswith(REFUSALS) and times]
    if any(fault.kind == "stop-disk" for fault in done.scenario.faults):
        rows += [
            ("acknowledged while the disk took nothing", "none", f"{counts['taken while the disk stood']:,}"),
            ("from when the disk worked again to a message that was taken", "", with_unit(whole["disk_back_s"], "s")),
        ]
    return Table(("", "planned", "seen"), [row for row in rows if row[1] != "0"])


def replay_rows(done: Rehearsal) -> list[tuple[str, str, str]]:
    """What a recording brings besides."""
    if done.replay is None:
        return []
    counts, planned = done.record.whole.evidence.counts, done.replay.planned
    refused = sum(times for name, times in counts.items() if "refused: " in name)
    return [
        ("decisions at the desk", f"{planned.decisions - planned.aired:,}", f"{counts['decided']:,}"),
        ("messages taken back", f"{planned.taken_back:,}", f"{counts['taken back']:,}"),
        ("acts of the recording", f"{planned.acts:,}",
         f"{counts['acts']:,} tried, {refused:,} refused, {counts['acts not possible']:,} about something that was not "
         "taken here"),
    ]  # fmt: skip


def machine_table(done: Rehearsal) -> Table:
    """Where it ran."""
    rows = [*done.machine.items()]
    rows += [
        (f"memory of the {name} at the end", f"{size / 2**20:.0f} MiB") for name, size in sorted(done.memory.items())
    ]
    for process, shares in sorted(done.record.cpu.items()):
        rows.append((
            f"load process: {process}",
            f"{100 * sum(shares) / len(shares):.0f} % of a core on average, {100 * max(shares):.0f} % at most, "
            f"late by {1000 * done.record.lag[process]:.0f} ms at most",
        ))  # fmt: skip
    return Table(("", ""), rows)
