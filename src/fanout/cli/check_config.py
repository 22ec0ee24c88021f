"""`fanout check-config`: say what the settings are, and whether a server could start with them."""

from __future__ import annotations

import argparse

import msgspec

from fanout.cli.server_flags import add_server_flags, config_from


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "check-config",
        help="check the settings without starting anything",
        description="Read the settings as `fanout serve` would (file, then FANOUT_… variables, then flags), check them "
        "and the files that they name, and print what they come to. Exits with 2 and the name of the first wrong one.",
        allow_abbrev=False,
    )
    add_server_flags(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from fanout.server.credentials import check_files
    from fanout.server.plugins import hooks_of

    config = config_from(arguments)
    check_files(config)
    hooks_of(config)
    for key, value in msgspec.to_builtins(config, enc_hook=str).items():
        if key not in ("rooms", "plugins"):
            print(f"{key} = {_shown(key, value)}")
    for name, room in config.rooms.items():
        given = {key: value for key, value in msgspec.to_builtins(room).items() if value is not None}
        print(f"rooms.{name} = {_shown('', given)}")
    for name, table in config.plugins.items():
        print(f"plugins.{name} = {_shown('', table)}")
    return 0


def _shown(key: str, value: object) -> str:
    if key == "secret" and value is not None:
        return "(set)"
    return "(not set)" if value is None else msgspec.json.encode(value).decode()
