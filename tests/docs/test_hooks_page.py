"""The specification of the hooks says what the code does: names, kinds, signatures, settings, failures and numbers."""

import inspect
import re
from dataclasses import fields
from pathlib import Path

from fanout import plugins
from fanout.core import breaker
from fanout.moderation.hooks import answers, background, crew, hooks, notices, plugin, watchdog
from fanout.moderation.hooks.calls import Failure
from fanout.plugins.interface import HOOKS, HookKind
from fanout.server import last_resort

PAGE = (Path(__file__).parents[2] / "docs" / "plugins" / "hooks.md").read_text()

NUMBERS = {
    "notifications in a plug-in's queue": notices.QUEUE_LENGTH,
    "plug-ins in one server": plugin.MAX_PLUGINS,
    "characters of a reason": answers.MAX_REASON_CHARACTERS,
    "characters of a rule": answers.MAX_RULE_CHARACTERS,
    "longest `retry_after_s`, seconds": answers.MAX_RETRY_SECONDS,
    "failures in a row that open the breaker": breaker.FAILURES_TO_OPEN,
    "first pause of the breaker, seconds": breaker.FIRST_PAUSE_SECONDS,
    "longest pause of the breaker, seconds": breaker.LONGEST_PAUSE_SECONDS,
    "a step that is told afterwards, seconds": watchdog.BLOCKED_SECONDS,
    "a step that is told while it lasts, seconds": watchdog.STUCK_SECONDS,
    "for what is queued at the end, seconds": hooks.LAST_NOTICES_SECONDS,
    "for cancelled calls to end, seconds": crew.STOP_GRACE_SECONDS,
    "for one that shields itself for ever, until the process ends without it, seconds": last_resort.HELD_SECONDS,
}


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table after a heading, without its own."""
    section = re.split(rf"^##+ {re.escape(heading)}$", PAGE, maxsplit=1, flags=re.MULTILINE)[1]
    table = re.split(r"\n(?!\|)", section[section.index("\n|") + 1 :], maxsplit=1)[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def signature(hook: str) -> str:
    written = str(inspect.signature(getattr(HOOKS[hook].protocol, hook))).replace("'", "")
    return f"async def {hook}{written}"


def test_every_hook_is_there_with_its_kind_and_its_signature():
    told = re.findall(r"^### (\w+)\n\n(\w+): `(async def .+)`$", PAGE, re.MULTILINE)
    assert told == [(hook, str(form.kind), signature(hook)) for hook, form in HOOKS.items()]


def test_every_hook_stands_under_its_kind_and_says_when_it_runs():
    for kind in HookKind:
        section = re.split(rf"^## {kind.title()}$", PAGE, maxsplit=1, flags=re.MULTILINE)[1].split("\n## ")[0]
        told = section.split("\n### ")[1:]
        assert [each.split("\n")[0] for each in told] == [hook for hook, form in HOOKS.items() if form.kind is kind]
        assert all("\nWhen: " in each for each in told)
        assert "On failure: " in section


def test_the_kinds_are_the_codes():
    assert [row[0] for row in rows("Four kinds")] == [str(kind) for kind in HookKind]


def test_every_answer_that_can_be_given_is_explained():
    given = {
        "review_submission": ("accept", "hold", "reject", "replace"),
        "admit_visitor": ("admit", "refuse"),
    }
    for hook, names in given.items():
        told = [row[0] for row in rows(hook)]
        assert {re.match(r"`(\w+)", each)[1] for each in told} == {"None", *names}
        for name in names:
            assert name in plugins.__all__
            taken = set(inspect.signature(getattr(plugins, name)).parameters)
            named = {word for each in told if each.startswith(f"`{name}(") for word in re.findall(r"\w+", each)[1:]}
            assert named == taken, name


def test_the_settings_are_the_codes_with_their_defaults():
    default = {field.name: field.default for field in fields(plugin.Plugin)}
    shown = {"on_failure": '"hold"', "rooms": "[]", "shadow": "false"}
    expected = [(f"`{name}`", f"`{shown.get(name, default[name])}`") for name in plugin.SETTINGS]
    assert [tuple(row[:2]) for row in rows("What a plug-in declares, and what the settings change")] == expected
    assert f"at most {plugin.MAX_DEADLINE_SECONDS:g}" in PAGE
    assert f"from 1 to {plugin.MAX_CONCURRENCY}" in PAGE


def test_the_failures_are_the_codes():
    assert [row[0] for row in rows("Failures")] == [f"`{failure}`" for failure in Failure]


def test_the_numbers_are_the_codes():
    assert {what: float(value) for what, value in rows("Numbers")} == NUMBERS
    pauses = [f"{seconds:g}" for seconds in background.RESTART_PAUSES_SECONDS]
    assert f"after {', '.join(pauses[:-1])} and {pauses[-1]} seconds" in PAGE
    assert f"longer than {watchdog.BLOCKED_SECONDS:g} s" in PAGE
    assert f"longer than {watchdog.STUCK_SECONDS:g} s" in PAGE
    assert f"for {breaker.FIRST_PAUSE_SECONDS:g} seconds" in PAGE
    assert f"up to {breaker.LONGEST_PAUSE_SECONDS:g} seconds" in PAGE
