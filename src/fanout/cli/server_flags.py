"""The flags that settings have on the command line: the same for every command that reads the configuration."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from fanout.server.config import plugins_from_words, read_config, rooms_from_words
from fanout.server.settings import Config, accepted

_PLAIN = {
    "host": "HOST", "port": "PORT", "unix": "PATH", "tls_cert": "FILE", "tls_key": "FILE", "drain_seconds": "SECONDS",
    "max_listeners": "N", "max_per_address": "N", "handshake_seconds": "SECONDS", "log_format": "FORMAT",
    "plugin_folder": "DIR", "workers": "N|auto",
}  # fmt: skip
"""Settings with a value, and what stands for it in the help. They are checked by `config`, not by argparse, so that a
wrong value gets the same answer wherever it comes from."""


def add_config_flag(parser: argparse.ArgumentParser) -> None:
    """`--config FILE`."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="a TOML file with settings (or FANOUT_CONFIG)")


def add_data_flags(parser: argparse.ArgumentParser) -> argparse._MutuallyExclusiveGroup:
    """`--data DIR`; the group is returned for what excludes it."""
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--data", metavar="DIR", help=f"{accepted(Config, 'data')} (default: ./fanout-data)")
    return place


def add_plugin_flags(parser: argparse.ArgumentParser) -> None:
    """`--plugin MODULE:CLASS` and `--plugin-folder DIR`."""
    parser.add_argument(
        "--plugin",
        action="append",
        metavar="MODULE:CLASS",
        help="load a plug-in: a class, or the name of an installed or built-in one; repeat",
    )
    _add_plain(parser, "plugin_folder")


def _add_plain(parser: argparse.ArgumentParser, key: str) -> None:
    default = getattr(Config(), key)
    shown = "" if default is None else f" (default: {default})"
    parser.add_argument("--" + key.replace("_", "-"), metavar=_PLAIN[key], help=accepted(Config, key) + shown)


def add_server_flags(parser: argparse.ArgumentParser) -> None:
    """All of them."""
    add_config_flag(parser)
    place = add_data_flags(parser)
    place.add_argument(
        "--memory", action="store_true", default=None, help="keep everything in memory and nothing on disk"
    )
    parser.add_argument(
        "--room", action="append", metavar="NAME[:MODE]", help="make a room; MODE is stage, moderated or open; repeat"
    )
    add_plugin_flags(parser)
    for key in _PLAIN:
        if key != "plugin_folder":
            _add_plain(parser, key)
    parser.add_argument("--trust-proxy", action="store_true", default=None, help=accepted(Config, "trust_proxy"))


def config_from(arguments: argparse.Namespace) -> Config:
    """The settings that these arguments, the environment and a file give together.

    Raises:
        ConfigurationError: As `read_config`.
    """
    given = {key: value for key, value in vars(arguments).items() if value is not None}
    flags: dict[str, object] = {key: given[key] for key in (*_PLAIN, "data", "memory", "trust_proxy") if key in given}
    if "room" in given:
        flags["rooms"] = rooms_from_words(given["room"], "--room")
    if "plugin" in given:
        flags["plugins"] = plugins_from_words(given["plugin"])
    return read_config(given.get("config"), os.environ, flags)
