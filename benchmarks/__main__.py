"""The command: `python -m benchmarks [NAME…] [--quick] [--rounds N] [--peers a,b] [--out DIR]`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks import run
from benchmarks.load.control import ROOT
from benchmarks.peers import install
from benchmarks.peers.catalogue import PEERS
from benchmarks.report.machine import machine
from benchmarks.report.results import OURS, RowResult
from benchmarks.rows import ROWS


def arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measures fanout beside its peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"rows to run, or `peers`: {', '.join(ROWS)} (all)")
    parser.add_argument("--quick", action="store_true", help="small and short: tries the harness, proves nothing")
    parser.add_argument("--rounds", type=int, default=0, help="rounds of each row (3; quick: 1)")
    parser.add_argument("--peers", default="", help=f"servers to measure, with commas: {', '.join(PEERS)} (all)")
    parser.add_argument(
        "--out", type=Path, default=ROOT / "benchmarks" / "results", help="folder for JSON, table, plot"
    )
    parser.add_argument("--no-fetch", action="store_true", help="do not fetch peers from npm and PyPI")
    chosen = parser.parse_args(words)
    for name in chosen.names:
        if name not in (*ROWS, "peers"):
            parser.error(f"there is no row {name!r}; there are {', '.join(ROWS)}, and `peers` to see what can be had")
    chosen.peers = chosen.peers.split(",") if chosen.peers else list(PEERS)
    for name in chosen.peers:
        if name not in PEERS:
            parser.error(f"there is no peer {name!r}; there are {', '.join(PEERS)}")
    return chosen


def main(words: list[str] | None = None) -> int:
    """Run what was asked for; return 0, or 1 when fanout failed in a row, or missed a goal in a run of full size."""
    chosen = arguments(words)
    if not chosen.no_fetch:
        for problem in install.fetch():
            run.say(f"not fetched: {problem}")
    versions = {}
    for name in chosen.peers:
        why = PEERS[name].missing()
        versions[name] = "" if why else PEERS[name].version()
        run.say(f"{name}: {'left out: ' + why if why else versions[name] or 'ready'}")
    if "peers" in chosen.names:
        return 0
    run.stay_beside_the_client()
    facts = machine()
    results: list[RowResult] = []
    text = ""
    for name in chosen.names or ROWS:
        row = ROWS[name]
        size, rounds = (row.quick, 1) if chosen.quick else (row.full, 3)
        results.append(run.run_row(row, size, chosen.rounds or rounds, chosen.peers))
        text = run.write(results, facts, versions, chosen.out)  # after each row: an interrupted run has said something
    print(text)
    failed = [result for result in results if OURS in result.missing]
    missed = [j for result in results for j in result.judge() if j.found is not None and not j.met]
    return 1 if failed or (missed and not chosen.quick) else 0


if __name__ == "__main__":
    sys.exit(main())
