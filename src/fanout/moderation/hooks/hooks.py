"""All plug-ins together, as the rest of the house calls them: review, admit, notify, and run in the background.

Whatever a plug-in does, a review has its result by the sum of the deadlines, and a notification costs its sender an
entry in a queue. What nobody hooks into costs the look into a dictionary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final, NamedTuple

import structlog
import trio

from fanout.core.submission import Submission
from fanout.core.submitted_text import checked_text
from fanout.core.verdict import Opinion, Verdict, VerdictKind
from fanout.errors import ConfigurationError, RecordNotFound
from fanout.moderation.hooks.answers import admission_fault, verdict_fault
from fanout.moderation.hooks.background import Switch, keep_running
from fanout.moderation.hooks.calls import Calls, Failure
from fanout.moderation.hooks.crew import Crew
from fanout.moderation.hooks.notices import Notices
from fanout.moderation.hooks.plugin import MAX_PLUGINS, OnFailure, Plugin
from fanout.moderation.hooks.statistics import Agreement, HookStatistics, PluginStatistics
from fanout.moderation.hooks.watchdog import Watchdog
from fanout.plugins.interface import HOOKS, AdmitAnswer, App, HookKind, Refuse, RoomView, Visitor

NOT_CHECKED: Final = "This could not be checked. Please send it again later."
"""What authors read when a plug-in with `on_failure = "reject"` fails."""

NOT_ADMITTED: Final = "You can't be let in just now. Please try again in a moment."

LAST_NOTICES_SECONDS: Final = 5.0
"""How long plug-ins may take, when the server stops, to hear what is still in their queues. The rest counts as
`stopped`."""

ADMISSION_RETRY_SECONDS: Final = 5.0
"""When to come back after a plug-in failed to say who may enter: as long as its breaker's first pause."""

_STANDS_FOR: Final = {
    OnFailure.HOLD: VerdictKind.HOLD,
    OnFailure.ACCEPT: VerdictKind.ACCEPT,
    OnFailure.REJECT: VerdictKind.REJECT,
}

_FAULTS: Final[dict[str, Callable[[Any], str]]] = {
    "review_submission": verdict_fault,
    "admit_visitor": admission_fault,
}
"""What is wrong with an answer, by the hook that gives one."""


class Review(NamedTuple):
    """What the filters say together.

    Args:
        text: The text to go on with; another than the submission's when a filter replaced it.
        opinions: What each said that said anything, in order, those in shadow mode included.
        retry_after_s: It came too early and is not to be kept: may be sent again after so many seconds.
    """

    text: str
    opinions: tuple[Opinion, ...] = ()
    retry_after_s: float | None = None


class Hooks:
    """The plug-ins of one server. `load_plugins` finds them; an empty sequence is a server without any."""

    def __init__(self, plugins: Sequence[Plugin] = ()) -> None:
        """
        Raises:
            ConfigurationError: Two have the same name, or there are too many.
        """
        self.plugins = tuple(sorted(plugins, key=lambda plugin: plugin.order))
        _check_together(self.plugins)
        self._crew, self._watchdog, self._agreement = Crew(), Watchdog(), Agreement()
        self._calls = {
            plugin.name: {
                hook: Calls(plugin, hook, self._crew, self._watchdog, _FAULTS.get(hook)) for hook in plugin.hooks
            }
            for plugin in self.plugins
        }
        self._notices = {plugin.name: Notices(plugin) for plugin in self.plugins}
        self._off: set[str] = set()
        self._background = {plugin.name: Switch() for plugin in self.plugins if "run" in plugin.hooks}
        self._set_out()
        self.filters_wait = not all(calls.at_once for calls in self._review)
        """Whether a filter may wait for something, so that reviewing several at a time gains anything."""
        self.admits = bool(self._admission)
        """Whether anything decides who may enter, when it is on."""
        self._hearing = frozenset(hook for plugin in self.plugins for hook in plugin.hooks)
        self._learns = any(calls.plugin.shadow for calls in self._review)

    def _set_out(self) -> None:
        """Who is asked and told from now on."""
        self._review, self._admission = self._all("review_submission"), self._all("admit_visitor")
        self._heard = {hook: self._all(hook) for hook, form in HOOKS.items() if form.kind is HookKind.NOTIFY}
        self.filters = bool(self._review)
        """Whether there is any filter."""

    def _all(self, hook: str) -> tuple[Calls, ...]:
        return tuple(calls[hook] for name, calls in self._calls.items() if hook in calls and name not in self._off)

    def is_on(self, name: str) -> bool:
        """Whether nobody has switched it off.

        Raises:
            RecordNotFound: `plugin_not_found`.
        """
        if name not in self._calls:
            loaded = ", ".join(self._calls) or "none"
            raise RecordNotFound(f"No plug-in of this name is loaded; there are: {loaded}.", code="plugin_not_found")
        return name not in self._off

    def switch(self, name: str, *, on: bool) -> None:
        """Have a plug-in be there, or be as if it had never been loaded: not asked, not told, its background task
        ended, and what it says of what is under way not heard. Switched on, it begins with its breakers closed.

        Raises:
            RecordNotFound: `plugin_not_found`.
        """
        if on == self.is_on(name):
            return
        if on:
            self._off.discard(name)
            for calls in self._calls[name].values():
                calls.breaker.mended()
        else:
            self._off.add(name)
            self._notices[name].forget()
        self._set_out()
        if name in self._background:
            self._background[name].set(on)

    def hears(self, hook: str) -> bool:
        """Whether a notification can have anybody to go to: for senders who would have to make its arguments first."""
        return hook in self._hearing or (self._learns and hook == "submission_decided")

    def keeps_slow_mode(self, room: str) -> bool:
        """Whether a filter of this room says that it keeps slow mode, and counts."""
        return any(
            getattr(calls.plugin.object, "slow_mode", False)
            and not calls.plugin.shadow
            and (not calls.plugin.rooms or room in calls.plugin.rooms)
            for calls in self._review
        )

    async def review(self, submission: Submission, room: RoomView) -> Review:
        """Ask every filter that is on, in order, until one rejects; each sees the text as the one before left it.

        Raises nothing but `trio.Cancelled`: a filter that fails has the opinion that its `on_failure` says.
        Cancellation: takes the call under way along. A filter that never awaits is not a checkpoint.
        """
        text = submission.text
        opinions: list[Opinion] = []
        for calls in self._review:
            plugin = calls.plugin
            if plugin.rooms and room.name not in plugin.rooms:
                continue
            answer = calls.ask_now(submission, room) if calls.at_once else await calls.ask(submission, room)
            if plugin.name in self._off:
                continue
            if answer is None:
                calls.verdicts["none"] += 1
                if not plugin.shadow:
                    continue
                opinions.append(_opinion(plugin, None))
            elif isinstance(answer, Failure):
                opinions.append(_opinion_of_failure(plugin, answer))
            else:
                calls.verdicts[answer.kind] += 1
                opinions.append(_opinion(plugin, answer))
            if plugin.shadow:
                continue
            opinion = opinions[-1]
            if opinion.kind is VerdictKind.REPLACE:
                text = checked_text(answer.text)
                submission = replace(submission, text=text)
            elif opinion.kind is VerdictKind.REJECT:
                return Review(text, tuple(opinions), getattr(answer, "retry_after_s", None))
        return Review(text, tuple(opinions))

    async def admit_visitor(self, visitor: Visitor) -> AdmitAnswer | None:
        """The first answer to whether somebody may enter; None: nobody had one, so they may.

        Raises nothing but `trio.Cancelled`: a plug-in that fails refuses for a moment, unless its `on_failure` is
        `accept`; then the next is asked.
        """
        for calls in self._admission:
            answer = await calls.ask(visitor)
            if calls.plugin_name in self._off:
                continue
            if isinstance(answer, Failure):
                if calls.plugin.on_failure is OnFailure.ACCEPT or calls.plugin.shadow:
                    continue
                return Refuse(NOT_ADMITTED, ADMISSION_RETRY_SECONDS)
            if answer is not None and not calls.plugin.shadow:
                given: AdmitAnswer = answer
                return given
        return None

    def notify(self, hook: str, *arguments: Any) -> None:
        """Tell every plug-in that has this hook, each out of its own queue. Returns at once and never raises; what does
        not fit in a queue is dropped, and counted. May be called before `run` is: it is told then."""
        if self._learns and hook == "submission_decided":
            self._agreement.learn(*arguments)
        for calls in self._heard[hook]:
            self._notices[calls.plugin_name].tell(calls, arguments)

    async def run(self, app: App, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run what plug-ins do in the background, deliver notifications, and watch who blocks; until cancelled, and
        then for the seconds that the last notifications take. Returns at once where there is no plug-in.

        Before it has started and after it has ended, hooks that await fail with `stopped`: submissions are held.
        """
        if not self.plugins:
            task_status.started()
            return
        with self._watchdog.watching():
            self._crew.working = True
            try:
                async with trio.open_nursery() as telling:
                    for notices in self._notices.values():
                        telling.start_soon(notices.deliver)
                    try:
                        await self._run_background(app, task_status)
                    finally:
                        for notices in self._notices.values():
                            notices.end(LAST_NOTICES_SECONDS)
            finally:
                await self._crew.close()

    async def _run_background(self, app: App, task_status: trio.TaskStatus[None]) -> None:
        async with trio.open_nursery() as nursery:
            for name, switch in self._background.items():
                nursery.start_soon(switch.while_on, partial(keep_running, self._calls[name]["run"], self._crew, app))
            structlog.get_logger().info("plugins_started", plugins=[plugin.name for plugin in self.plugins])
            task_status.started()
            await trio.sleep_forever()

    def statistics(self) -> tuple[PluginStatistics, ...]:
        """The counts at this moment, plug-ins in their order; the histograms go on counting."""
        now = trio.current_time() if trio.lowlevel.in_trio_run() else 0.0
        return tuple(
            PluginStatistics(
                plugin,
                tuple(
                    HookStatistics(
                        hook,
                        calls.seconds,
                        dict(calls.failures),
                        dict(calls.verdicts),
                        calls.breaker.state(now),
                        calls.under_way,
                        self._notices[plugin.name].queued if HOOKS[hook].kind is HookKind.NOTIFY else 0,
                    )
                    for hook, calls in self._calls[plugin.name].items()
                ),
                self._agreement.of(plugin.name),
                plugin.name not in self._off,
            )
            for plugin in self.plugins
        )


def _opinion(plugin: Plugin, verdict: Verdict | None) -> Opinion:
    """What is written down. Of one in shadow mode, no opinion is: it would have let this pass."""
    if verdict is None:
        return Opinion(plugin.name, VerdictKind.ACCEPT, shadow=True)
    return Opinion(plugin.name, verdict.kind, verdict.reason, verdict.rule, verdict.similar_to, plugin.shadow)


def _opinion_of_failure(plugin: Plugin, failure: Failure) -> Opinion:
    kind = _STANDS_FOR[plugin.on_failure]
    reason = NOT_CHECKED if kind is VerdictKind.REJECT else ""
    return Opinion(plugin.name, kind, reason, shadow=plugin.shadow, failure=str(failure))


def _check_together(plugins: Sequence[Plugin]) -> None:
    if len(plugins) > MAX_PLUGINS:
        raise ConfigurationError("plugins", f"at most {MAX_PLUGINS}; these are {len(plugins)}.")
    seen: dict[str, Plugin] = {}
    for plugin in plugins:
        other = seen.setdefault(plugin.name, plugin)
        if other is not plugin:
            origins = " and ".join(dict.fromkeys(each.origin or "this program" for each in (other, plugin)))
            raise ConfigurationError(f"plugin {plugin.name}", f"two have this name (from {origins}); names are unique.")
