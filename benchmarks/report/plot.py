"""The results as a picture: one panel a row, one bar a server, fanout in colour, the spread over the rounds as a
line."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.report.results import OURS, RowResult
from benchmarks.report.table import number

INK: Final = "#22303c"
OURS_COLOUR: Final = "#e4572e"
PEER_COLOUR: Final = "#9fb3c8"
FLOOR_COLOUR: Final = "#d9e2ec"
LESS_IS_BETTER: Final = ("_ms", "_us", "_kib", "_mib", "_s", "_ratio")
"""How the names of such values end; rates end in per_s."""

LOGARITHMIC_FROM: Final = 50.0
"""Largest over smallest bar from which the small ones can't be seen on a linear scale."""


def colour(peer: str) -> str:
    return OURS_COLOUR if peer == OURS else FLOOR_COLOUR if peer.startswith("floor") else PEER_COLOUR


def draw_panel(axes: Any, result: RowResult, labels: Mapping[str, str], most: int) -> None:
    """Draw the row's first value, best server at the top, as if there were `most` bars."""
    value, heading = next(iter(result.row.show.items()))
    less = value.endswith(LESS_IS_BETTER) and not value.endswith("per_s")
    spreads = {peer: s for peer in result.rounds if (s := result.spread(peer, value)) is not None}
    order = sorted(spreads, key=lambda peer: spreads[peer].median, reverse=not less)
    medians = [spreads[peer].median for peer in order]
    axes.barh(range(len(order)), medians, color=[colour(peer) for peer in order], height=0.72, zorder=2)
    for y, peer in enumerate(order):
        s = spreads[peer]
        axes.plot([s.low, s.high], [y, y], color=INK, linewidth=1.1, zorder=3, solid_capstyle="round")
        doubt = " ¹" if result.remarks(peer) else ""
        weight = "bold" if peer == OURS else "normal"
        axes.annotate(
            number(s.median) + doubt, (max(s.high, s.median), y), xytext=(6, 0), textcoords="offset points",
            va="center", fontsize=9, color=INK, fontweight=weight,
        )  # fmt: skip
    axes.set_yticks(range(len(order)), [labels[peer] for peer in order], fontsize=9, color=INK)
    for tick, peer in zip(axes.get_yticklabels(), order, strict=True):
        tick.set_fontweight("bold" if peer == OURS else "normal")
    if min(medians) > 0 and max(medians) / min(medians) > LOGARITHMIC_FROM:
        axes.set_xscale("log")
        axes.set_xlim(min(medians) / 2, max(medians) * 4)
        heading += ", logarithmic"
    else:
        axes.set_xlim(min(0, *medians), max([*medians, 1e-9]) * 1.22)
    title = "\n".join(textwrap.wrap(result.row.question[0].upper() + result.row.question[1:], 50))
    axes.set_title(title, loc="left", fontsize=10.5, fontweight="bold", color=INK, pad=22)
    axes.text(
        0, 1.02, f"{heading} ({'less' if less else 'more'} is better)", transform=axes.transAxes, fontsize=8.5,
        color="#627d98", va="bottom",
    )  # fmt: skip
    axes.set_ylim(most - 0.4, -0.6)  # bars as thick in every panel, the first at the top
    axes.tick_params(length=0, labelsize=9)
    axes.xaxis.set_visible(False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def draw(results: list[RowResult], labels: Mapping[str, str], facts: Mapping[str, str], path: Path) -> None:
    """Write the picture as PNG. Rows in which nothing, or only fanout, was measured have nothing to show and are left
    out."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    rows = [r for r in results if sum(bool(r.values(p, next(iter(r.row.show)))) for p in r.rounds) > 1]
    if not rows:
        return
    columns = 2 if len(rows) > 1 else 1
    lines = -(-len(rows) // columns)
    bars = max(len(r.rounds) for r in rows)
    height = 1.2 + lines * (1.1 + 0.31 * bars)
    figure, grid = pyplot.subplots(lines, columns, figsize=(6.4 * columns, height), squeeze=False, facecolor="white")
    panels = list(grid.flat)
    for axes, result in zip(panels, rows, strict=False):
        draw_panel(axes, result, labels, bars)
    for axes in panels[len(rows) :]:
        axes.set_axis_off()
    figure.suptitle("One publisher, many listeners, one core for the server", x=0.02, ha="left", fontsize=15, color=INK)
    about = f"{facts['processor']}, {facts['cores']} cores, Linux {facts['kernel']}, commit {facts['commit']}; "
    about += "bars are medians, lines the lowest and highest round; ¹ see the remarks under the table"
    figure.text(0.02, 0.008, about, fontsize=8, color="#627d98")
    figure.tight_layout(rect=(0, 0.02, 1, 0.985), h_pad=2.2, w_pad=2.5)
    figure.savefig(path, dpi=130)
    pyplot.close(figure)
