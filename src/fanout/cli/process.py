"""`fanout process`: one process of `fanout serve --workers`, which starts it and tells it the rest. Not for people."""

from __future__ import annotations

import argparse


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("process", allow_abbrev=False)  # without help, it is not in the list
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from fanout.server.workers.life import run_process

    run_process()
    return 0
