"""Everything that was seen, put together: what each measure came to, in the whole evening and in each phase."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from fanout.client.crowd.hdr import BOUNDS_SECONDS, TOPS_NS
from fanout.client.crowd.tally import Tally
from fanout.rehearsal.load.evidence import Evidence
from fanout.rehearsal.scenario import Totals
from fanout.rehearsal.schedule import Schedule

SATURATED: Final = 0.95
"""Share of a core above which a load process is taken for the bottleneck. It is single-threaded, as Python is."""

MOST_LAG_SECONDS: Final = 1.0
"""A load process that did something so much later than it meant to was not there when things happened."""


REFUSALS: Final = ("refused: ", "sms refused: ", "sms given up", "staff refused: ", "staff given up", "put off: ")
"""How the names of counts begin that say of something that it was not taken, or not at once."""


@dataclass(slots=True)
class Second:
    """One second of the evening, for the plots and the progress. `latency`: deliveries by bucket."""

    t: float
    live: int | None = None
    came: int = 0
    connections: int = 0
    delivered: int = 0
    sms: int = 0
    said: int = 0
    latency: Counter[int] = field(default_factory=Counter)
    waiting: int | None = None
    oldest_s: float | None = None

    def delivery_ms(self, fraction: float) -> float | None:
        """How long this share of the second's deliveries took at most; None where there were none."""
        running, wanted = 0, fraction * self.latency.total()
        for bucket, times in sorted(self.latency.items()):
            running += times
            if running >= wanted:
                return TOPS_NS[min(bucket, len(TOPS_NS) - 1)] / 1e6
        return None


@dataclass(slots=True)
class Seen:
    """What was seen in one phase, or in all of them."""

    tally: Tally = field(default_factory=Tally)
    evidence: Evidence = field(default_factory=Evidence)
    most_live: int = 0


class Record:
    """All evidence, as it comes in from the load processes."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self.whole = Seen()
        self.phases = {span.name: Seen() for span in schedule.spans}
        self.seconds: list[Second] = []
        self.cpu: dict[str, list[float]] = {}
        self.lag: dict[str, float] = {}
        self.stands: list[dict[str, Any]] = []
        self.happened: list[tuple[float, str]] = []
        self.faults: list[str] = []
        """What of the load was not there."""
        self.unanswered: list[str] = []
        """Where somebody of it waited for an answer in vain until they gave up."""
        self._live: dict[str, tuple[int, int]] = {}

    def add(self, process: str, said: dict[str, Any]) -> None:
        """Take one line of a load process's evidence."""
        t = said["t"]
        phase = self.phases[self._schedule.phase_at(max(0.0, t - 0.5))]
        second = self._second(t)
        tally: dict[str, Any] | None = said.get("tally")
        for seen in (self.whole, phase):
            seen.evidence.add(said)
            if tally is not None:
                seen.tally.add(tally)
        self.cpu.setdefault(process, []).append(said["cpu"])
        self.lag[process] = max(self.lag.get(process, 0.0), said["lag"])
        self.faults += said.get("faults", [])
        self.unanswered += said.get("unanswered", [])
        counts = said["counts"]
        second.sms += counts.get("sms acknowledged", 0)
        second.said += counts.get("web_questions", 0) + counts.get("chat_messages", 0)
        second.connections += counts.get("connections", 0)
        if tally is None:
            return
        second.delivered += tally["counts"]["delivered"]
        second.connections += tally["counts"]["resumed"]
        self._live[process] = (said["live"], said["came"])
        second.live, second.came = (sum(each[number] for each in self._live.values()) for number in (0, 1))
        for seen in (self.whole, phase):
            seen.most_live = max(seen.most_live, second.live)
        second.latency.update({bucket: times for bucket, times in enumerate(tally["latency"][0]) if times})
        if "stand" in said:
            self.stands.append(said["stand"])

    def _second(self, t: float) -> Second:
        number = max(0, round(t) - 1)
        while len(self.seconds) <= number:
            self.seconds.append(Second(len(self.seconds) + 1.0))
        return self.seconds[number]

    def queue(self, t: float, waiting: int, oldest_s: float | None) -> None:
        """The moderators' queue as the server had it at `t`."""
        second = self._second(t)
        second.waiting, second.oldest_s = waiting, oldest_s

    def happen(self, t: float, what: str) -> None:
        """Something went wrong on purpose."""
        self.happened.append((t, what))

    # --- what it comes to ---------------------------------------------------------------------------------------------

    def behind(self, heads: dict[str, tuple[str, int]]) -> int:
        """Deliveries that a connected listener had not had at the end, when the rooms were so far: epoch and number.
        Whoever stands in another epoch has had nothing of this one."""
        return sum(
            (head - (max(int(seq), 0) if stands_in == epoch else 0)) * count
            for stand in self.stands
            for room, (epoch, head) in heads.items()
            for stands_in, seqs in stand.get(room, {}).items()
            for seq, count in seqs.items()
        )

    def slow(self) -> list[str]:
        """Why a time in this record may say more of the generator than of the server; empty: it doesn't."""
        said = []
        for process, shares in sorted(self.cpu.items()):
            busy = sum(share >= SATURATED for share in shares)
            if busy > max(1, len(shares) // 10):
                said.append(f"{process} used its whole core in {busy} of {len(shares)} seconds")
        for process, lag in sorted(self.lag.items()):
            if lag > MOST_LAG_SECONDS:
                said.append(f"{process} was {lag:.1f} s late with what it meant to do")
        return said

    def planned(self, kind: str) -> int:
        """How many of these the evening was to have."""
        return sum(getattr(span, kind) for span in self._schedule.spans)

    def short(self) -> list[str]:
        """What was planned and never tried: then this was another evening, and an easier one."""
        counts, said = self.whole.evidence.counts, []
        if not self.whole.tally.counts.delivered:
            said.append("nothing was delivered to anybody")
        for kind in ("reloads", "web_questions", "chat_messages"):
            planned = self.planned(kind)
            if counts[kind] + counts[f"not possible: {kind}"] < planned:
                said.append(f"only {counts[kind]:,} of {planned:,} {kind.replace('_', ' ')} were tried")
        return said


def measured(seen: Seen, compress: float) -> dict[str, float | None]:
    """What the evidence alone comes to, by measure; None where nothing was observed."""
    evidence, counts, tally = seen.evidence, seen.evidence.counts, seen.tally
    told = tally.counts
    handshakes = told.connected + told.resumed + told.refused
    latency = tally.latency
    waits, sms_waits = (evidence.quantile(name, 0.95) for name in ("wait in minutes", "SMS wait in minutes"))
    return {
        **{f"delivery_{name}_ms": min(latency.quantile(fraction), BOUNDS_SECONDS[-1]) * 1000 if latency.count else None
           for name, fraction in (("p50", 0.5), ("p99", 0.99), ("max", 1.0))},
        **{f"{name}_p99_ms": _ms(evidence.quantile(name, 0.99)) for name in ("join", "ask", "sms", "staff")},
        "back_s": evidence.quantile("back", 0.99),
        "listeners": seen.most_live,
        "connections": counts["connections"],
        "delivered": told.delivered,
        "lost": told.lost,
        "repeated": told.repeated,
        "disordered": told.disordered,
        "gaps": told.announced,
        "sent_away": told.stopped + told.out_of_step,
        "refused_share": 100 * told.refused / handshakes if handshakes else 0.0,
        "broken": counts["broken"],
        "refused": sum(times for what, times in counts.items() if what.startswith(REFUSALS)),
        "disk_taken": None if evidence.quantile("disk", 1.0) is None else counts["taken while the disk stood"],
        "disk_back_s": evidence.quantile("disk", 1.0),
        "aired": counts["aired"],
        "lines": counts["lines"],
        "announced": counts["announced"],
        "starved_s": counts["starved_ms"] / 1000 * compress,
        "wait_p95_s": None if waits is None else waits * 60 * compress,
        "sms_wait_p95_s": None if sms_waits is None else sms_waits * 60 * compress,
        "refused_flood_share": _share(counts["flood refused"], counts["flood taken"]),
    }  # fmt: skip


def added(tallies: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The tallies of several rooms as one. Somebody who wrote in two rooms counts twice."""
    whole: dict[str, Any] = {"messages": 0, "people": 0, "by_source": {}, "by_state": {}}
    for each in tallies:
        for name in ("messages", "people"):
            whole[name] += each[name]
        for state, messages in each["by_state"].items():
            whole["by_state"][state] = whole["by_state"].get(state, 0) + messages
        for source, found in each["by_source"].items():
            former = whole["by_source"].get(source, {})
            whole["by_source"][source] = {name: former.get(name, 0) + value for name, value in found.items()}
    return whole


def less(tallies: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """What came after `before`, of whom nobody had written by then."""

    def since(source: str, name: str, value: int) -> int:
        return value - int(before["by_source"].get(source, {}).get(name, 0))

    return {
        "messages": tallies["messages"] - before["messages"],
        "people": tallies["people"] - before["people"],
        "by_source": {
            source: {name: since(source, name, value) for name, value in found.items()}
            for source, found in tallies["by_source"].items()
        },
        "by_state": {
            state: messages - before["by_state"].get(state, 0) for state, messages in tallies["by_state"].items()
        },
    }


def counted(record: Record, totals: Totals, tallies: dict[str, Any] | None) -> dict[str, float | None]:
    """What the server's own counts, compared with ours, come to. `tallies`: of the rooms that take questions."""
    if tallies is None:
        return {}
    counts = record.whole.evidence.counts
    sms = tallies["by_source"].get("sms", {"messages": 0, "people": 0})
    web = tallies["by_source"].get("web", {"messages": 0, "people": 0})
    api = tallies["by_source"].get("api", {"messages": 0})
    acknowledged = counts["sms acknowledged"]
    people = totals.sms_people if acknowledged == totals.sms_messages else sms["people"]
    return {
        "sms_lost": max(0, acknowledged - sms["messages"]),
        "sms_surplus": max(0, sms["messages"] - max(totals.sms_messages, acknowledged)),
        "sms_people_off": abs(sms["people"] - people),
        "questions_lost": max(0, counts["acknowledged: web"] + counts["flood taken"] - web["messages"])
        + max(0, counts["acknowledged: handed in"] - api["messages"]),
        "undecided": max(0, web["messages"] - counts["flood taken"] - counts["decided: web"]),
    }


def missing(record: Record) -> dict[str, float | None]:
    """What was due or said, and nobody acknowledged: it was refused, or there was nobody to take it. Whoever asked just
    before the rehearsal itself cut their line could get no answer. And what was acknowledged, and is not there."""
    counts = record.whole.evidence.counts
    said = counts["web_questions"] + counts["chat_messages"] - counts["cut off as they asked"]
    acknowledged = counts["lines"] + counts["announced"] + counts["acknowledged: chat"]
    unanswered = max(0, said - counts["acknowledged: web"] - counts["acknowledged: chat"])
    return {
        "sms_missing": max(0, record.planned("sms") - counts["sms acknowledged"]),
        "unanswered_share": 100 * unanswered / said if said else None,
        "said_lost": max(0, acknowledged - counts["said and found"]) if "said and found" in counts else None,
    }


def full_share(record: Record, planned: int) -> float:
    """Of all visitors, how many were there at the same time, in per cent."""
    return 100 * record.whole.most_live / planned


def absent(record: Record, planned: int) -> int:
    """Visitors who were not connected at the end."""
    return planned - sum(_people(stand) for stand in record.stands)


def _people(stand: dict[str, dict[str, dict[str, int]]]) -> int:
    return sum(count for epochs in stand.values() for seqs in epochs.values() for count in seqs.values())


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000


def _share(part: int, rest: int) -> float | None:
    return 100 * part / (part + rest) if part + rest else None
