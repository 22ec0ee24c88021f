"""The report in Markdown: to be kept beside the code, compared, and pasted into a ticket."""

from __future__ import annotations

import re
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
        content.played_sentence(done),
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
    if faults := content.faults_table(done):
        parts += ["## What went wrong on purpose", _table(faults)]
    parts += ["## Phase by phase", _table(content.phases_table(done))]
    parts += ["## Counted", _table(content.counts_table(done))]
    parts += ["## What is known, and what was assumed"]
    if scenario.facts:
        parts += [f"Known ({scenario.source}):", *_list(scenario.facts)]
    parts += ["Assumed:", *_list(done.assumptions)]
    parts += ["## How it was measured", *_list(content.HOW_IT_WAS_MEASURED)]
    parts += ["## Where it ran", _table(content.machine_table(done))]
    parts += [content.digest_sentence(done)]
    signed = Table([f"for {who}" for who in content.SIGN], [("", "", "")])
    parts += ["## Signed", *_list(content.size_sentences(done)), _table(signed)]
    said = escape("\n\n".join(part for part in parts if part), quote=False)  # Markdown lets HTML through
    return f"{said}\n\n## The scenario, word for word\n\n{_word_for_word(done.text)}\n"


def _word_for_word(text: str) -> str:
    """In a fence that is longer than any in the text; what stands in it is not escaped, and no HTML."""
    fence = "`" * max([3, *(len(run) + 1 for run in re.findall("`+", text))])
    return f"{fence}toml\n{text.rstrip()}\n{fence}"


def _list(sentences: Sequence[str]) -> list[str]:
    return ["\n".join(f"- {each}" for each in sentences)] if sentences else []


def _table(table: Table) -> str:
    lines = [list(table.head), ["---"] * len(table.head), *table.rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
