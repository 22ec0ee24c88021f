"""`fanout plan`: from how many people are expected to what it takes, and to a scenario that can be rehearsed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from fanout.cli.scenario_file import add_overwrite_to, check_place
from fanout.errors import ConfigurationError

TRY_MINUTES: Final = 5


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "plan",
        help="what an event takes, and a scenario to rehearse it",
        description="Read a projection (TOML: how many people, when, from where, what they send) and say which "
        "processes, memory, bandwidth and machines it takes, reckoned from what this machine sends in a short loop; "
        "-o writes the scenario that `fanout rehearse` plays.",
        allow_abbrev=False,
    )
    parser.add_argument("projection", metavar="PROJECTION", type=Path)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the scenario there")
    add_overwrite_to(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from fanout.rehearsal.calibration import calibrate
    from fanout.rehearsal.doubts import doubts
    from fanout.rehearsal.needs import in_words, needs
    from fanout.rehearsal.planned import assumptions_of, desk_of, scenario_of
    from fanout.rehearsal.projection import read_projection

    try:
        projection = read_projection(arguments.projection.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigurationError("PROJECTION", f"{arguments.projection} can't be read: {why}.") from None
    output: Path | None = arguments.output
    if output is not None:
        check_place(output, overwrite=arguments.overwrite)
    machine = calibrate()
    for line in in_words(projection, machine, needs(projection, machine)):
        print(line)
    for assumed in assumptions_of(projection):
        print(f"Assumed: {assumed}")
    for doubt in doubts(projection, desk_of(projection)):
        print(f"Warning: {doubt}")
    if output is not None:
        try:
            output.write_text(scenario_of(projection), "utf-8")
        except OSError as error:
            raise ConfigurationError("-o", f"{output} can't be written: {error.strerror}.") from None
        print(f"Scenario: {output}. Try: fanout rehearse {output} --scale 0.1 --compress {_faster(projection.minutes)}")
    return 0


def _faster(minutes: float) -> int:
    """So that a first try takes some minutes, and not the evening."""
    return max(1, round(minutes / TRY_MINUTES))
