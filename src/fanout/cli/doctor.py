"""`fanout doctor`: whether this machine is ready for the evening, and what to change."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import Final

from fanout.cli.server_flags import add_server_flags, config_from

MOST_LISTENERS: Final = 100_000_000
"""More than one machine has ever had."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "doctor",
        help="check the machine for an evening, and say what to change",
        description="Check descriptors, backlog, ports, memory, cores, clock, TLS, disk and proxies for a number of "
        "listeners, with the settings that `fanout serve` would have: what was found, what is needed, what to change "
        "and what it is good for. It changes nothing. Without --workers it says how many are needed. Exits with 0 when "
        "nothing is bad, else with 1.",
        epilog="Run it as the user, and with the limits, of the service; a week before, and again on the day.",
        allow_abbrev=False,
    )
    add_server_flags(parser)
    parser.add_argument(
        "--for",
        dest="listeners",
        type=_listeners,
        metavar="LISTENERS",
        help="how many at the same time (default: as many as this machine can carry)",
    )
    parser.add_argument(
        "--proxy-config", type=Path, metavar="FILE", help="the nginx (nginx -T) or haproxy configuration to check too"
    )
    parser.add_argument("--json", action="store_true", help="print it as JSON, for programs")
    parser.set_defaults(run=run)


def _listeners(word: str) -> int:
    if not (word.isascii() and word.isdecimal() and 1 <= int(word) <= MOST_LISTENERS):
        raise argparse.ArgumentTypeError(f"a whole number from 1 to {MOST_LISTENERS}; not {word!r}")
    return int(word)


def run(arguments: argparse.Namespace) -> int:
    import msgspec

    from fanout.server.doctor.examination import examine
    from fanout.server.doctor.finding import Verdict
    from fanout.server.doctor.table import examination_text
    from fanout.server.edge_share import workers_of

    config = config_from(arguments)
    chosen = arguments.workers is not None or config.workers != 0
    examination = examine(
        config,
        listeners=arguments.listeners,
        workers=workers_of(config) if chosen else None,
        proxy_config=arguments.proxy_config,
    )
    if arguments.json:
        print(msgspec.json.encode(examination).decode())
    else:
        colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        print(examination_text(examination, columns=shutil.get_terminal_size().columns, colours=colours))
    return 1 if examination.verdict is Verdict.BAD else 0
