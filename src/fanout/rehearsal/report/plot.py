"""Plots as SVG, drawn by hand so that a report is one file that opens anywhere and for ever."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from fanout.rehearsal.verdict import number

WIDTH: Final = 760
HEIGHT: Final = 190
LEFT: Final = 70
RIGHT: Final = 14
TOP: Final = 22
BOTTOM: Final = 26
LEAST_TOP: Final = 1.0
"""Where an axis ends at least: the line of something that never happened lies at the bottom."""
COLOURS: Final = ("#1f6583", "#b3541e", "#5b7f2b")
"""Of the first, second and third line; told apart by those who don't see colours by their dashes."""
DASHES: Final = ("", "6 3", "2 3")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: what it is, and its points (seconds, value); a value of None is a hole."""

    label: str
    points: Sequence[tuple[float, float | None]]


@dataclass(frozen=True, slots=True)
class Axis:
    """Time, the same for all plots of a report: its end, the phases (name, begin, end), and what went wrong when."""

    end: float
    phases: Sequence[tuple[str, float, float]]
    marks: Sequence[tuple[float, str]]


def plot(title: str, unit: str, lines: Sequence[Line], axis: Axis, *, limit: float | None = None) -> str:
    """A figure with these lines over the phases; `limit` is drawn across as the objective that it is."""
    values = [value for line in lines for _, value in line.points if value is not None]
    top = nice_top(max([*values, limit or 0.0, LEAST_TOP]))
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title, quote=True)}">',
        *_phases(axis),
        *_grid(top, axis),
    ]
    if limit is not None:
        y = _y(limit, top)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="limit"/>')
        parts.append(
            f'<text x="{WIDTH - RIGHT - 4}" y="{y - 3:.1f}" class="limit-text">objective {number(limit)}</text>'
        )
    for order, line in enumerate(lines):
        dash = f' stroke-dasharray="{DASHES[order]}"' if DASHES[order] else ""
        path = _path(line.points, top, axis.end)
        parts.append(f'<path d="{path}" fill="none" stroke="{COLOURS[order]}" stroke-width="1.6"{dash}/>')
    parts.append("</svg>")
    key = " ".join(
        f'<span class="key" style="border-top:3px {"solid" if not DASHES[order] else "dashed"} {COLOURS[order]}">'
        f"{escape(line.label)}</span>"
        for order, line in enumerate(lines)
    )
    of_unit = f", {escape(unit)}" if unit else ""
    return f"<figure><figcaption><b>{escape(title)}</b>{of_unit} {key}</figcaption>{''.join(parts)}</figure>"


def nice_top(value: float) -> float:
    """The round number at or above it at which an axis ends: 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= value * 0.9999)


def _x(t: float, end: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * min(max(t / end, 0.0), 1.0)


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top


def _path(points: Sequence[tuple[float, float | None]], top: float, end: float) -> str:
    words, pen_down = [], False
    for t, value in points:
        if value is None:
            pen_down = False
            continue
        words.append(f"{'L' if pen_down else 'M'}{_x(t, end):.1f} {_y(value, top):.1f}")
        if not pen_down:
            words.append("h0.01")  # so that a point between two holes is seen
        pen_down = True
    return "".join(words)


def _phases(axis: Axis) -> list[str]:
    parts = []
    for order, (name, begin, end) in enumerate(axis.phases):
        x, width = _x(begin, axis.end), _x(end, axis.end) - _x(begin, axis.end)
        shade = "#f3f6f8" if order % 2 == 0 else "#ffffff"
        parts.append(
            f'<rect x="{x:.1f}" y="{TOP}" width="{width:.1f}" height="{HEIGHT - TOP - BOTTOM}" fill="{shade}"/>'
        )
        most = max(1, int(width / 5.6))
        shown = name if len(name) <= most else name[: most - 1] + "…"
        parts.append(
            f'<svg x="{x + 3:.1f}" y="0" width="{max(width - 3, 0):.1f}" height="{TOP}">'  # larger letters are cut off
            f'<text y="{TOP - 8}" class="phase">{escape(shown)}</text></svg>'
        )
    for t, what in axis.marks:
        x = _x(t, axis.end)
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" class="mark"/>')
        late = x > LEFT + (WIDTH - LEFT - RIGHT) * 0.7
        words = f'x="{x - 3:.1f}" class="mark-text ends"' if late else f'x="{x + 3:.1f}" class="mark-text"'
        parts.append(f'<text y="{TOP + 16}" {words}>{escape(what)}</text>')
    return parts


def _grid(top: float, axis: Axis) -> list[str]:
    parts = []
    for quarter in range(5):
        value = top * quarter / 4
        y = _y(value, top)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 3.5:.1f}" class="value">{number(value)}</text>')
    for tenth in range(0, 11, 2):
        t = axis.end * tenth / 10
        where = f'x="{_x(t, axis.end):.1f}" y="{HEIGHT - 8}" class="time{" ends" * (tenth == 10)}"'
        parts.append(f"<text {where}>{_time(t)}</text>")
    return parts


def _time(t: float) -> str:
    return f"{t:.0f} s" if t < 120 else f"{int(t // 60)}:{int(t % 60):02d}"
