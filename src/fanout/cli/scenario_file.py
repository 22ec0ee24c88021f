"""The scenario file that a command makes: people change it by hand, so none is written over unless that is wanted."""

from __future__ import annotations

import argparse
from pathlib import Path

from fanout.errors import ConfigurationError


def add_overwrite_to(parser: argparse.ArgumentParser) -> None:
    """The flag."""
    parser.add_argument("--overwrite", action="store_true", help="replace FILE if it is there")


def check_place(path: Path, *, overwrite: bool) -> None:
    """Whether a scenario can be written there.

    Raises:
        ConfigurationError: It can't, or there is something already.
    """
    if path.is_dir():
        raise ConfigurationError("-o", f"{path} is a folder; a file's name, {path / 'scenario.toml'}.")
    if not path.parent.is_dir():
        raise ConfigurationError("-o", f"{path.parent} is no folder; the file's folder must be there.")
    if path.exists() and not overwrite:
        raise ConfigurationError(
            "-o", f"{path} is there, and somebody may have changed it by hand: another name, or --overwrite."
        )
