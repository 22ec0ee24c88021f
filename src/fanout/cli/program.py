"""The program: its commands, and what becomes of errors. Exit codes: 0 done, 2 usage or configuration, 1 anything else.

Whatever goes wrong is said in one or two plain lines on stderr; nobody who runs a command is shown a traceback.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import sys
from collections.abc import Callable, Sequence
from typing import Final, NoReturn

from fanout.cli import (
    audit,
    check_config,
    demo,
    doctor,
    import_questions,
    listen,
    plan,
    plugins,
    process,
    publish,
    purge,
    record,
    rehearse,
    serve,
    token,
    transcript,
)
from fanout.errors import ConfigurationError, FanoutError

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2

Run = Callable[[argparse.Namespace], int]


class _Parser(argparse.ArgumentParser):
    """Says what is wrong and where to read on, instead of the whole usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(USAGE, f"{self.prog}: {message}\nTry: {self.prog} --help\n")


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = _Parser(
        prog="fanout",
        description="Carries a live, moderated event: few writers, tens of thousands of listeners, nothing lost.",
        epilog="Begin with `fanout demo`. `fanout COMMAND --help` tells more about each.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command", required=True)
    for command in (
        serve, demo, token, publish, listen, import_questions, transcript, audit, purge, plugins, check_config,
        doctor, plan, record, rehearse, process,
    ):  # fmt: skip
        command.add_to(commands)
    version = commands.add_parser("version", help="print the version", description="Print the version.")
    version.set_defaults(run=_version)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    try:
        parsed = build_parser().parse_args(arguments)
        run: Run = parsed.run
        code = run(parsed)
        sys.stdout.flush()
    except SystemExit as stopped:  # argparse, after --help or a usage error
        return stopped.code if isinstance(stopped.code, int) else USAGE
    except BaseException as raised:
        return _explain(_cause(raised))
    return code


def _cause(raised: BaseException) -> BaseException:
    """What went wrong, out of the groups that trio wraps around it; an error of ours before any other."""
    if not isinstance(raised, BaseExceptionGroup):
        return raised
    causes = [_cause(part) for part in raised.exceptions]
    return next((cause for cause in causes if isinstance(cause, FanoutError)), causes[0])


def _explain(error: BaseException) -> int:
    if isinstance(error, ConfigurationError):
        return _say(error.detail, USAGE)
    if isinstance(error, FanoutError):
        return _say(error.detail, FAILED)
    if isinstance(error, BrokenPipeError):
        # Whoever read our output has gone, as `head` does. Nothing more can be written there, at exit neither.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    if isinstance(error, KeyboardInterrupt):
        return _say("interrupted", FAILED)
    if isinstance(error, OSError):
        return _say(f"{error.strerror or error}" + (f": {error.filename}" if error.filename else ""), FAILED)
    return _say(f"this should not have happened, please report it: {type(error).__name__}: {error}", FAILED)


def _say(detail: str, code: int) -> int:
    print(f"fanout: {' '.join(detail.split())}", file=sys.stderr)
    return code


def _version(_: argparse.Namespace) -> int:
    print(f"fanout {importlib.metadata.version('fanout-live')}")
    return DONE
