"""`fanout record`: an event that was, as load for a rehearsal, without its people's data."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from fanout.cli.scenario_file import add_overwrite_to, check_place
from fanout.errors import ConfigurationError


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "record",
        help="an event that was, as load for a rehearsal",
        description="Read an event's data directory, which is not changed, and write a scenario that plays it again, "
        "with a recording beside it: what was said, asked and decided, when and how long it was, and not what. No "
        "text, name, number or id of anybody is in it; rooms keep their names. `fanout rehearse` plays it.",
        allow_abbrev=False,
    )
    parser.add_argument("data", metavar="DATA", type=Path, help="the data directory, or a copy of it")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the scenario, NAME.toml")
    parser.add_argument(
        "--listeners",
        type=_above_0,
        metavar="N",
        help="how many listened, which no log knows (default: those who wrote)",
    )
    parser.add_argument("--since", type=_time, metavar="TIME", help="from then on: 2026-03-12T20:00 (UTC)")
    parser.add_argument("--until", type=_time, metavar="TIME", help="up to then")
    parser.add_argument("--longest-silence", type=_above_0, metavar="SECONDS", help="shorten those that are longer")
    add_overwrite_to(parser)
    parser.set_defaults(run=run)


def _above_0(word: str) -> int:
    if not word.isascii() or not word.isdigit() or not 0 < int(word) <= 10_000_000:
        raise argparse.ArgumentTypeError(f"a whole number above 0; not {word!r}")
    return int(word)


def _time(word: str) -> int:
    try:
        time = datetime.fromisoformat(word)
        return int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"a time like 2026-03-12T20:00 or 2026-03-12T20:00+01:00; not {word!r}"
        ) from None


def run(arguments: argparse.Namespace) -> int:
    from fanout.rehearsal.recording.recorder import Choice
    from fanout.rehearsal.recording.writing import record

    if arguments.output.suffix != ".toml":
        raise ConfigurationError("-o", f"a scenario's name ends in .toml: {arguments.output.with_suffix('.toml')}.")
    check_place(arguments.output, overwrite=arguments.overwrite)
    choice = Choice(
        arguments.since or 0,
        2**62 if arguments.until is None else arguments.until,
        float("inf") if arguments.longest_silence is None else float(arguments.longest_silence),
    )
    for line in record(arguments.data, arguments.output, choice, arguments.listeners, _tell):
        print(line)
    print(f"Scenario: {arguments.output}. Try: fanout rehearse {arguments.output} --speed 4")
    return 0


def _tell(text: str) -> None:
    print(text, flush=True)
