"""The results as Markdown, for people: one table a row, its goals under it, and what could not be measured."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.report.results import OURS, RowResult, Spread


def number(value: float) -> str:
    """Write a number with as many digits as it deserves."""
    if abs(value) >= 1000:
        digits = 3 - len(str(int(abs(value))))
        return f"{round(value, digits):,.0f}"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def cell(found: Spread | None) -> str:
    """Write a median, and the extremes where they differ from it."""
    if found is None:
        return ""
    low, middle, high = number(found.low), number(found.median), number(found.high)
    return middle if low == high else f"{middle} ({low}-{high})"


def row_table(result: RowResult, labels: Mapping[str, str]) -> str:
    """Return one row of the benchmark as a table: servers down, values across."""
    shown = {v: heading for v, heading in result.row.show.items() if any(result.values(p, v) for p in result.rounds)}
    lines = [
        f"### {result.row.name}: {result.row.question}",
        "",
        "| server | " + " | ".join(shown.values()) + " |",
        "|---|" + "---:|" * len(shown),
    ]
    for peer in result.rounds:
        name = f"**{labels[peer]}**" if peer == OURS else labels[peer]
        mark = " ¹" if result.remarks(peer) else ""
        lines.append(f"| {name}{mark} | " + " | ".join(cell(result.spread(peer, v)) for v in shown) + " |")
    lines.append("")
    for peer in result.rounds:
        lines += [f"¹ {labels[peer]}: {remark}" for remark in result.remarks(peer)[:3]]
    lines += [f"Not measured: {labels.get(peer, peer)}, because {why}." for peer, why in result.missing.items()]
    return "\n".join(lines).rstrip() + "\n"


def goals_table(results: list[RowResult], labels: Mapping[str, str]) -> str:
    """Return every goal, what was found, and whether it is met."""
    lines = ["| benchmark | goal | wanted | found | met |", "|---|---|---:|---:|---|"]
    for result in results:
        for j in result.judge():
            found = cell(j.found) + (" times" if "times" in j.wanted and j.found else "")
            found += f" {labels[j.best]}" if j.best else ""
            met = "yes" if j.met else "**no**" if j.found else "not measured"
            lines.append(f"| {result.row.name} | {j.text} | {j.wanted} | {found or '-'} | {met} |")
    return "\n".join(lines) + "\n"


def document(results: list[RowResult], labels: Mapping[str, str], facts: Mapping[str, str]) -> str:
    """Return the whole report. Figures are medians, with the lowest and highest round in brackets."""
    about = ", ".join(f"{name} {value}" for name, value in facts.items())
    parts = ["# Benchmarks", ""]
    if small := [f"{r.row.name} with {r.size.listeners:,} listeners" for r in results if r.size != r.row.full]:
        parts += ["**Small run, which shows that everything works and proves nothing:** " + ", ".join(small) + ".", ""]
    parts += ["Median of the rounds (lowest-highest). " + about + ".", "", "## Goals", ""]
    parts += [goals_table(results, labels), "## Figures", ""]
    parts += [row_table(result, labels) for result in results]
    return "\n".join(parts)
