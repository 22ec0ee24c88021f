"""`fanout rehearse`: an evening's traffic against a server, judged, with a report."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Final

from fanout.errors import ConfigurationError, InvalidInput

if TYPE_CHECKING:
    from fanout.server.settings import Config

UNREACHABLE: Final = 4
MOST: Final = 1000.0
"""Scale and compression beyond this are typing mistakes."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from fanout.rehearsal.scenario import shipped

    parser = commands.add_parser(
        "rehearse",
        help="play an evening's traffic against a server and judge it",
        description="Play a scenario: visitors who come, ask, are cut and come back, SMS, moderators, an animator and "
        "a scribe, each over real connections. Then hold what was measured against the objectives, one by one. "
        "Exit codes: 0 all met, 1 one missed, 2 usage or a mistake in the scenario, 3 the load generator or the clock "
        "was the bottleneck, so nothing can be said, 4 the server can't be reached or was gone before the end, 130 "
        "interrupted (SIGTERM: 143).",
        epilog=f"SCENARIO is a file, or one of: {', '.join(shipped())}.",
        allow_abbrev=False,
    )
    parser.add_argument("scenario", metavar="SCENARIO")
    parser.add_argument("--scale", type=_factor, default=1.0, metavar="N", help="people, times this (default 1)")
    parser.add_argument(
        "--compress", "--speed", type=_factor, default=1.0, metavar="N", help="N times faster; 0.5: half as fast"
    )
    parser.add_argument("--host", metavar="URL", help="a server that runs (default: one of its own)")
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="with --host: its data directory, for its secret (or FANOUT_SECRET)"
    )
    parser.add_argument("--workers", type=_workers, metavar="N", help="of its own server (default: as many as needed)")
    parser.add_argument("--report", type=Path, metavar="DIR", help="write report.html, .md, .json and .hlog there")
    parser.add_argument("--headroom", action="store_true", help="find the largest multiple that still meets them all")
    parser.set_defaults(run=run)


def _factor(word: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = 0.0
    if not 0 < value <= MOST:
        raise argparse.ArgumentTypeError(f"a number above 0, at most {MOST:g}; not {word!r}")
    return value


def _workers(word: str) -> int:
    from fanout.server.settings import MAX_WORKERS

    if not word.isdecimal() or int(word[:9]) > MAX_WORKERS:
        raise argparse.ArgumentTypeError(f"a whole number from 0 to {MAX_WORKERS}; not {word!r}")
    return int(word)


def run(arguments: argparse.Namespace) -> int:
    """Play and judge it, or say that a signal broke it off: 128 and its number, as shells do, which no verdict has."""
    ended = [signal.SIGINT]
    try:
        with _like_ctrl_c(ended):
            return _run(arguments)
    except BaseException as raised:
        if BaseExceptionGroup("", [raised]).subgroup(KeyboardInterrupt) is None:
            raise
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is heard, and this is the end
    with suppress(OSError):  # the terminal may have gone
        print("fanout: interrupted", file=sys.stderr, flush=True)
    return 128 + ended[-1]


@contextmanager
def _like_ctrl_c(ended: list[signal.Signals]) -> Iterator[None]:
    """SIGTERM and SIGHUP do what Ctrl-C does, so that what was started ends too. Told which it was: `ended`."""

    def interrupt(number: int, _: FrameType | None) -> None:
        for each in heard:
            signal.signal(each, signal.SIG_IGN)  # one is enough: a second would break off the clearing up
        ended.append(signal.Signals(number))
        signal.raise_signal(signal.SIGINT)

    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # behind `&` in a script
        signal.signal(signal.SIGINT, signal.default_int_handler)
    heard = [each for each in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) is not signal.SIG_IGN]  # nohup
    before = {each: signal.signal(each, interrupt) for each in heard}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _run(arguments: argparse.Namespace) -> int:
    from fanout.rehearsal.house import Unreachable
    from fanout.rehearsal.rehearsing import Request, rehearse, with_headroom
    from fanout.rehearsal.report.content import size_sentences
    from fanout.rehearsal.report.files import write_report
    from fanout.rehearsal.report.people import moderation_sentences
    from fanout.rehearsal.scenario import find_scenario, read_scenario
    from fanout.rehearsal.verdict import sentence

    name, text = find_scenario(arguments.scenario)
    request = Request(name, text, read_scenario(text), arguments.scale, arguments.compress, _host(arguments),
                      arguments.workers, Path(arguments.scenario).parent)  # fmt: skip
    if arguments.report is not None:
        _make(arguments.report)
    try:
        done = rehearse(request, _tell)
        if arguments.headroom and done.gone is None:
            done = with_headroom(done, request, _tell)
    except Unreachable as unreachable:
        print(f"fanout: {unreachable.detail}", file=sys.stderr)
        return UNREACHABLE
    for judged in done.verdict.judged:
        _tell(f"{'met   ' if judged.met else 'MISSED'} {sentence(judged)}")
    for problem in done.verdict.problems:
        _tell(f"In doubt: {problem}.")
    for left_out in done.not_tried:
        _tell(f"Not tried: {left_out}.")
    for each in [*moderation_sentences(done), *size_sentences(done)]:
        _tell(each)
    if done.gone is not None:
        print(f"fanout: {done.gone}", file=sys.stderr)
    _tell(f"Verdict: {done.verdict.outcome}.")
    if arguments.report is not None:
        try:
            _tell(f"Report: {write_report(done, arguments.report)}")
        except OSError as error:
            raise ConfigurationError(
                "--report", f"{arguments.report} can't be written to any more ({error.strerror}): there is no report."
            ) from None
    return done.verdict.outcome.exit_code


def _make(folder: Path) -> None:
    """The report's folder, while nothing is lost yet if it can't be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise ConfigurationError(
            "--report", f"{folder} can't be written to ({error.strerror}); a folder, made if it is not there."
        ) from None


def _host(arguments: argparse.Namespace) -> tuple[str, Config] | None:
    if arguments.host is not None and arguments.workers is not None:
        raise ConfigurationError("--workers", "not with --host, whose server has as many as it has; leave one out.")
    if arguments.host is None:
        if arguments.data is not None:
            raise ConfigurationError("--data", "only with --host, of whose server it is; one of its own has another.")
        return None
    from fanout.client.target import Target
    from fanout.server.config import read_config

    try:
        Target.parse(arguments.host)
    except InvalidInput as error:
        raise ConfigurationError("--host", error.detail) from None
    config = read_config(None, os.environ, {} if arguments.data is None else {"data": arguments.data})
    if config.secret is None and not config.data.is_dir():
        raise ConfigurationError("--data", f"{config.data} is not there; the secret in it signs the staff's tokens.")
    return arguments.host, config


def _tell(text: str) -> None:
    print(text, flush=True)
