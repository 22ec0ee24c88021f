"""The report in Markdown: to be kept beside the code, compared, and pasted into a ticket."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from fanout.rehearsal.rehearsing import Rehearsal
from fanout.rehearsal.report import content
from fanout.rehearsal.report.content import Table
from fanout.rehearsal.report.people import moderation_sentences


def markdown(done: Rehearsal) -> str:
    """The whole report but for its plots."""
    verdict, scenario = done.verdict, done.scenario
    met = sum(judged.met for judged in verdict.judged)
    parts = [
        f"# Rehearsal: {scenario.title}",
        *([f"**{done.replay.sentence(done.schedule.compress)}**"] if done.replay else []),
        scenario.summary,
        f"**{' '.join([content.headline(done), *content.size_sentences(done)])}** {met} of {len(verdict.judged)} "
        "objectives met." + (f" Headroom: {done.headroom}" if done.headroom is not None else ""),
        *_list(content.missed_sentences(done)),
        *_list(content.problem_sentences(done)),
        *_list([f"Not tried: {each}." for each in done.not_tried]),
        "## The objectives, one by one",
        _table(content.objectives_table(done)),
    ]
    if sentences := moderation_sentences(done):
        parts += ["## The people behind the stage", *_list(sentences)]
    parts += ["## Phase by phase", _table(content.phases_table(done))]
    parts += ["## Counted", _table(content.counts_table(done))]
    parts += ["## What is known, and what was assumed"]
    if scenario.facts:
        parts += [f"Known ({scenario.source}):", *_list(scenario.facts)]
    parts += ["Assumed:", *_list(done.assumptions)]
    parts += ["## How it was measured", *_list(content.HOW_IT_WAS_MEASURED)]
    parts += ["## Where it ran", _table(content.machine_table(done))]
    parts.append(
        f"Scenario {done.name}, SHA-256 `{done.digest}`; began {done.began:%Y-%m-%d %H:%M:%S} UTC; scale "
        f"{done.schedule.scale:g}, {done.schedule.compress:g} times faster."
    )
    return escape("\n\n".join(part for part in parts if part), quote=False) + "\n"  # Markdown lets HTML through


def _list(sentences: Sequence[str]) -> list[str]:
    return ["\n".join(f"- {each}" for each in sentences)] if sentences else []


def _table(table: Table) -> str:
    lines = [list(table.head), ["---"] * len(table.head), *table.rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
