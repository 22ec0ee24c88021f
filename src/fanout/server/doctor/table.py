"""An examination for people: a line a finding; below one that is not good, what to change and what it is good for."""

from __future__ import annotations

import textwrap
from typing import Final

from fanout.server.doctor.examination import Examination
from fanout.server.doctor.finding import Finding, Verdict

_COLOURS: Final = {Verdict.GOOD: "32", Verdict.WARN: "33", Verdict.BAD: "31"}
_DIM: Final = "2"
_BOLD: Final = "1"

MOST_COLUMNS: Final = 110
"""Longer lines are hard to read, whatever the terminal's width."""


def examination_text(examination: Examination, *, columns: int, colours: bool) -> str:
    """All of it, ready to print; without colours on a pipe."""
    columns = max(40, min(columns, MOST_COLUMNS))
    name_width = max(len(finding.check) for finding in examination.findings)
    lines = [_painted(_headline(examination), _BOLD, colours), ""]
    for finding in examination.findings:
        lines += _finding_lines(finding, name_width, columns, colours)
    return "\n".join([*lines, "", *_closing(examination, columns, colours)])


def _headline(examination: Examination) -> str:
    limited = f", limited by {examination.limited_by}" if examination.limited_by else ""
    return f"For {examination.listeners:,} listeners{limited}: {command(examination)}"


def command(examination: Examination) -> str:
    """How to start the server that carries them."""
    return "fanout serve" + (f" --workers {examination.workers}" if examination.workers else "")


def _finding_lines(finding: Finding, name_width: int, columns: int, colours: bool) -> list[str]:
    indent = " " * (6 + name_width + 2)
    stands = finding.found + (f"; needed: {finding.needed}" if finding.needed else "")
    first, *rest = textwrap.wrap(stands, columns - len(indent), break_on_hyphens=False)
    mark = _painted(f"{finding.verdict:<4}", _COLOURS[finding.verdict], colours)
    lines = [f"{mark}  {finding.check:<{name_width}}  {first}", *(indent + line for line in rest)]
    if finding.verdict is Verdict.GOOD:
        return lines
    # A change is not wrapped: it is to be copied.
    lines += [indent + _painted("-> ", _BOLD, colours) + change for change in finding.change]
    why = textwrap.wrap(finding.why, columns - len(indent), break_on_hyphens=False)
    return [*lines, *(indent + _painted(line, _DIM, colours) for line in why)]


def _closing(examination: Examination, columns: int, colours: bool) -> list[str]:
    count = {verdict: sum(each.verdict is verdict for each in examination.findings) for verdict in Verdict}
    lines = []
    if any("sysctl -w" in change for finding in examination.findings for change in finding.change):
        lines += textwrap.wrap(
            "What sysctl sets is gone with a restart of the machine: write it to /etc/sysctl.d/90-fanout.conf too.",
            columns,
        )
    said = f"{count[Verdict.GOOD]} good, {count[Verdict.WARN]} to look at, {count[Verdict.BAD]} bad"
    return [*lines, _painted(said, _COLOURS[examination.verdict], colours)]


def _painted(text: str, colour: str, colours: bool) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m" if colours else text
