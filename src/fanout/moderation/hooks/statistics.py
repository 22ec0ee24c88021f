"""What plug-ins have done and cost: for `/metrics`, for `GET /v1/plugins`, and for `fanout plugins`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from fanout.core.breaker import BreakerState
from fanout.core.histogram import Histogram
from fanout.core.submission import Decision, Step, Submission
from fanout.core.verdict import VerdictKind
from fanout.moderation.hooks.plugin import Plugin

JUDGED: Final = {Step.APPROVE: "approved", Step.REJECT: "rejected"}
"""The humans' decisions that a shadow's verdict is compared with."""


@dataclass(frozen=True, slots=True)
class HookStatistics:
    """One hook of one plug-in, since the server started.

    Args:
        seconds: How long its calls took; those given up at the deadline included. The histogram goes on counting.
        failures: By kind: `timeout`, `busy`, `error`, `wrong_answer`, `breaker`, `blocked`, `dropped`, `stopped`.
        verdicts: By kind, and `none`; of filters only.
        under_way: Calls that have not ended, those that nobody waits for any more included.
        queued: Notifications that wait; of the plug-in's whole queue.
    """

    hook: str
    seconds: Histogram
    failures: dict[str, int]
    verdicts: dict[str, int]
    breaker: BreakerState
    under_way: int
    queued: int


@dataclass(frozen=True, slots=True)
class PluginStatistics:
    """One plug-in. `agreement` counts, of one in shadow mode, (its verdict, what humans decided) pairs; `enabled`:
    nobody has switched it off."""

    plugin: Plugin
    hooks: tuple[HookStatistics, ...]
    agreement: dict[tuple[str, str], int]
    enabled: bool = True


class Agreement:
    """How the verdicts of plug-ins in shadow mode compare with what humans then decided.

    Counted are approvals and rejections by people. A decision that is undone and taken anew counts again.
    """

    def __init__(self) -> None:
        self._counts: dict[str, Counter[tuple[str, str]]] = {}

    def learn(self, submission: Submission, decision: Decision) -> None:
        """Take note of a decision."""
        judged = JUDGED.get(decision.step)
        if judged is None or decision.opinions:  # opinions come with the first step, which no human takes
            return
        for opinion in submission.opinions:
            if opinion.shadow and not opinion.failure:
                verdict = VerdictKind.ACCEPT if opinion.kind is VerdictKind.REPLACE else opinion.kind
                self._counts.setdefault(opinion.plugin, Counter())[verdict, judged] += 1

    def of(self, plugin: str) -> dict[tuple[str, str], int]:
        """The table of one plug-in."""
        return dict(self._counts.get(plugin, {}))


def plugins_as_objects(statistics: Sequence[PluginStatistics]) -> list[dict[str, Any]]:
    """The same as plain JSON: what `GET /v1/plugins` answers under `plugins`, and `fanout plugins` shows.

    Each is `{"name", "enabled", "from", "order", "deadline_s", "concurrency", "on_failure", "shadow", "rooms", "hooks":
    {HOOK: {"calls", "mean_s", "p99_s", "failures": {KIND: n}, "verdicts": {KIND: n}, "breaker", "under_way",
    "queued"}}, "agreement": {VERDICT: {"approved": n, "rejected": n}} or null}`.
    """
    return [
        {
            "name": each.plugin.name,
            "enabled": each.enabled,
            "from": each.plugin.origin,
            "order": each.plugin.order,
            "deadline_s": each.plugin.deadline,
            "concurrency": each.plugin.concurrency,
            "on_failure": str(each.plugin.on_failure),
            "shadow": each.plugin.shadow,
            "rooms": sorted(each.plugin.rooms),
            "hooks": {hook.hook: _hook_as_object(hook) for hook in each.hooks},
            "agreement": _table(each) if each.plugin.shadow else None,
        }
        for each in statistics
    ]


def _hook_as_object(hook: HookStatistics) -> dict[str, Any]:
    calls = hook.seconds.count
    p99 = hook.seconds.quantile(0.99)
    return {
        "calls": calls,
        "mean_s": hook.seconds.total / calls if calls else 0.0,
        "p99_s": min(p99, hook.seconds.bounds[-1]),
        "failures": {str(kind): count for kind, count in hook.failures.items()},
        "verdicts": {str(kind): count for kind, count in hook.verdicts.items()},
        "breaker": str(hook.breaker),
        "under_way": hook.under_way,
        "queued": hook.queued,
    }


def _table(plugin: PluginStatistics) -> dict[str, dict[str, int]]:
    return {
        str(verdict): {judged: plugin.agreement.get((verdict, judged), 0) for judged in JUDGED.values()}
        for verdict in (VerdictKind.ACCEPT, VerdictKind.HOLD, VerdictKind.REJECT)
    }
