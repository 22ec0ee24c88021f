"""Runs rows: servers interleaved within a row (A B C, A B C…), so that what the machine does to one it does to all."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.load.control import CORES, LoadFailed
from benchmarks.load.publisher import PublishFailed
from benchmarks.peers.catalogue import PEERS, Peer
from benchmarks.report import plot, table
from benchmarks.report.results import RowResult
from benchmarks.rows.row import Measured, Row, Size

ONCE_SECONDS: Final = 30.0
"""A server that needs longer than this for one round of a row is measured once: it is not where the race is."""


def say(words: str) -> None:
    """Tell how far the run is: on stderr, since stdout is for the table."""
    print(words, file=sys.stderr, flush=True)


def measure(row: Row, peer: Peer, size: Size) -> Measured | None:
    """Measure once; None when the server could not do it, which is said."""
    try:
        measured = row.measure(peer, size)
    except (LoadFailed, PublishFailed, OSError) as error:
        say(f"    {peer.name}: failed: {error}")
        return None
    shown = ", ".join(f"{name} {table.number(value)}" for name, value in measured.values.items())
    say(f"    {peer.name}: {shown}" + ("" if measured.valid else f" [INVALID {measured.faults or 'client saturated'}]"))
    return measured


def run_row(row: Row, size: Size, rounds: int, wanted: list[str]) -> RowResult:
    """Measure one row on every server that can be had, round after round."""
    result = RowResult(row, size)
    peers: list[Peer] = []
    for name in row.peers:
        if name in wanted:
            why = PEERS[name].missing()
            if why:
                result.missing[name] = why
            else:
                peers.append(PEERS[name])
    once: set[str] = set()
    for i in range(rounds):
        say(f"  {row.name}, round {i + 1} of {rounds}")
        for peer in peers:
            if peer.name in once:
                continue
            begin = time.monotonic()
            measured = measure(row, peer, size)
            if measured is None and i == 0:
                result.missing[peer.name] = "it failed; see the log of the run"
                once.add(peer.name)
                continue
            result.add(peer.name, measured)
            if time.monotonic() - begin > ONCE_SECONDS and peer.name != "fanout":
                once.add(peer.name)
    return result


def stay_beside_the_client() -> None:
    """Keep this process, which publishes, off the server's core."""
    if len(CORES) > 1:
        os.sched_setaffinity(0, {CORES[1]})


def write(results: list[RowResult], facts: Mapping[str, str], versions: Mapping[str, str], folder: Path) -> str:
    """Write results.json, results.md and results.png; return the Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    labels = {p.name: f"{p.label} {versions.get(p.name, '')}".strip() for p in PEERS.values()}
    rows: dict[str, Any] = {r.row.name: r.as_json() for r in results}
    document = {"machine": facts, "versions": versions, "rows": rows}
    (folder / "results.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    text = table.document(results, labels, facts)
    (folder / "results.md").write_text(text)
    try:
        plot.draw(results, {p.name: p.label for p in PEERS.values()}, facts, folder / "results.png")
    except ImportError:
        say("  no plot: matplotlib is not installed (pip install 'fanout-live[bench]')")
    return text
