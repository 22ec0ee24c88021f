"""`fanout demo`: a live event with a simulated audience."""

from __future__ import annotations

import argparse


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "demo",
        help="a live event with a simulated audience, in a browser",
        description="Play an evening of questions and answers before thousands of simulated listeners, each a real "
        "connection, and show what they measure. Nothing is kept. Ctrl-C ends it.",
        allow_abbrev=False,
    )
    parser.add_argument("--port", type=int, default=8700, help="default: 8700, or any free one if that is taken")
    parser.add_argument(
        "--listeners", type=int, metavar="N", help="default: 5000, or as many as the limit on descriptors allows"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from fanout.server.demo.show import run_demo

    return run_demo(arguments.port, arguments.listeners, lambda text: print(text, flush=True))
