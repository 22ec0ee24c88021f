"""Metrics of moderation: what filters decided, what plug-ins cost, and how much waits for a human.

Labels are rooms, sources, verdicts, states, plug-ins, hooks and kinds of failure: all ours or the operator's, never a
visitor's value.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import time
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from fanout.core.breaker import BreakerState
from fanout.core.histogram import Histogram
from fanout.core.room import Mode
from fanout.core.submission import Source, State, Step
from fanout.errors import StoreUnavailable
from fanout.moderation.changes import Change
from fanout.moderation.first_step import THE_ROOM
from fanout.moderation.hooks.hooks import Hooks
from fanout.moderation.moderation import Moderation
from fanout.moderation.ports import Query

VERDICTS: Final = {Step.HOLD: "hold", Step.APPROVE: "accept", Step.REJECT: "reject"}
"""What the first step of a submission says of the filters' verdict."""


def written_buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """As an exposition has them."""
    return [("+Inf" if bound == float("inf") else str(bound), count) for bound, count in histogram.cumulated()]


class Verdicts:
    """Counts first steps by source and verdict, from the moment that it is made."""

    def __init__(self) -> None:
        self.counts: Counter[tuple[Source, str]] = Counter()

    def heard(self, change: Change) -> None:
        """Take note of a change."""
        verdict = None if change.step is None or change.leader is not None else VERDICTS.get(change.step)
        if verdict is not None and _is_first(change):
            self.counts[change.submission.source, verdict] += 1


def _is_first(change: Change) -> bool:
    """Whether nobody had decided before. What went on air in the same step does not say where it came from."""
    before = change.submission.before
    return change.by == THE_ROOM if before is None else before.state is State.RECEIVED


@dataclass(frozen=True, slots=True)
class Waiting:
    """How submissions stand over all rooms. `held`: how many are, by room; `oldest_held`: when the oldest of them came
    in, in milliseconds since 1970, of the rooms where any is."""

    by_state: dict[State, int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    oldest_held: dict[str, int] = field(default_factory=dict)


async def waiting(moderation: Moderation) -> Waiting | None:
    """How submissions stand now; None while the store can't be read."""
    now = Waiting(dict.fromkeys(State, 0))
    try:
        for room in list(moderation.engine.rooms.values()):
            if room.settings.mode is Mode.STAGE:
                continue
            for state, count in (await moderation.store.tallies(room.name)).by_state.items():
                now.by_state[State(state)] += count
                if state == State.HELD:
                    now.held[room.name] = count
            if now.held.setdefault(room.name, 0):
                for oldest in await moderation.store.page(Query(room.name, frozenset({State.HELD}), limit=1)):
                    now.oldest_held[room.name] = oldest.at
    except StoreUnavailable:
        return None
    return now


class ModerationCollector(Collector):
    """Turns them into metric families. `waiting` is set before each collection."""

    def __init__(self, hooks: Hooks, verdicts: Verdicts, clock: Callable[[], float] = time) -> None:
        self._hooks, self._verdicts, self._clock = hooks, verdicts, clock
        self.waiting: Waiting | None = None

    def collect(self) -> Iterable[Metric]:
        submissions = CounterMetricFamily(
            "fanout_submissions", "First verdicts on submissions.", labels=["source", "verdict"]
        )
        for (source, verdict), count in self._verdicts.counts.items():
            submissions.add_metric([source, verdict], count)
        yield submissions
        yield from self._of_hooks()
        if self.waiting is not None:
            yield from self._of_queue(self.waiting)

    def _of_hooks(self) -> Iterable[Metric]:
        seconds = HistogramMetricFamily(
            "fanout_hook_seconds", "Duration of one call of a plug-in.", labels=["plugin", "hook"]
        )
        failures = CounterMetricFamily(
            "fanout_hook_failures", "Calls of plug-ins that gave no answer.", labels=["plugin", "hook", "kind"]
        )
        enabled = GaugeMetricFamily("fanout_plugin_enabled", "0: an operator has switched it off.", labels=["plugin"])
        alone = GaugeMetricFamily(
            "fanout_hook_breaker_open", "1: it has failed too often and is left alone.", labels=["plugin", "hook"]
        )
        for plugin in self._hooks.statistics():
            name = plugin.plugin.name
            enabled.add_metric([name], plugin.enabled)
            for hook in plugin.hooks:
                alone.add_metric([name, hook.hook], hook.breaker is not BreakerState.CLOSED)
                seconds.add_metric([name, hook.hook], written_buckets(hook.seconds), hook.seconds.total)
                for kind, count in hook.failures.items():
                    failures.add_metric([name, hook.hook, str(kind)], count)
        yield from (seconds, failures, enabled, alone)

    def _of_queue(self, now: Waiting) -> Iterable[Metric]:
        states = GaugeMetricFamily("fanout_submissions_now", "Submissions that stand so now.", labels=["state"])
        for state, count in now.by_state.items():
            states.add_metric([state], count)
        yield states
        ages = {room: max(0.0, self._clock() - at / 1000) for room, at in now.oldest_held.items()}
        oldest = max(ages.values(), default=0.0)
        yield GaugeMetricFamily("fanout_oldest_held_seconds", "Age of the oldest submission that is held.", oldest)
        held = GaugeMetricFamily("fanout_room_held", "Submissions of a room that are held now.", labels=["room"])
        age = GaugeMetricFamily("fanout_room_oldest_held_seconds", "Age of the oldest of them.", labels=["room"])
        for room, count in now.held.items():
            held.add_metric([room], count)
            age.add_metric([room], ages.get(room, 0.0))
        yield from (held, age)
