"""The flags of commands that talk to a server: where it is, and who we are."""

from __future__ import annotations

import argparse
import os

DEFAULT_URL = "http://127.0.0.1:8700"


def add_address_flags(parser: argparse.ArgumentParser) -> None:
    """`--url` and `--token`, which may also stand in the environment: what stands on a command line, others can see."""
    parser.add_argument(
        "--url",
        default=os.environ.get("FANOUT_URL") or DEFAULT_URL,
        help=f"the server (or FANOUT_URL; default: {DEFAULT_URL})",
    )
    parser.add_argument(
        "--token", default=os.environ.get("FANOUT_TOKEN") or None, metavar="T", help="who we are (or FANOUT_TOKEN)"
    )
