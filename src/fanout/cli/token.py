"""`fanout token`: a token for somebody on the staff."""

from __future__ import annotations

import argparse
import re
import secrets

from fanout.cli.server_flags import add_config_flag, add_data_flags, config_from
from fanout.core.principal import EVERY_ROOM, Role
from fanout.errors import ConfigurationError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "token",
        help="make a token for somebody on the staff",
        description="Print a token, alone on its line, for a server with the same data directory or the same "
        "FANOUT_SECRET. Whoever has it may do what its role may, until it expires: hand it over like a password.",
        epilog="Example: TOKEN=$(fanout token --role publisher --room stage --name 'Marie' --ttl 12h)",
        allow_abbrev=False,
    )
    roles = [str(role) for role in Role if role is not Role.VISITOR]
    parser.add_argument("--role", required=True, choices=roles, metavar="ROLE", help=f"one of {', '.join(roles)}")
    parser.add_argument(
        "--room", action="append", metavar="NAME", help="a room that it is good for; repeat; default: '*', every room"
    )
    parser.add_argument("--name", default="", metavar="NAME", help="the name under which its holder speaks")
    parser.add_argument(
        "--ttl", type=duration, default="12h", metavar="TIME", help="how long it holds: 30m, 12h, 7d (default: 12h)"
    )
    add_data_flags(parser)
    add_config_flag(parser)
    parser.set_defaults(run=run)


def duration(written: str) -> int:
    """`12h` in seconds. Raises: argparse.ArgumentTypeError, for anything but a number and one of s, m, h, d."""
    match = re.fullmatch(r"([1-9][0-9]{0,8})([smhd])", written)
    if match is None:
        raise argparse.ArgumentTypeError(f"a time is a number and s, m, h or d, like 12h; not {written!r}")
    return int(match[1]) * _SECONDS[match[2]]


def run(arguments: argparse.Namespace) -> int:
    from fanout.server.credentials import tokens_of

    rooms = arguments.room or [EVERY_ROOM]
    arguments.room = None  # here it is not a room to make
    config = config_from(arguments)
    if config.memory and config.secret is None:
        raise ConfigurationError("secret", "a server in memory has no directory to keep one; set FANOUT_SECRET.")
    # Two who have one name, or none, are told apart by it.
    subject = secrets.token_hex(8)
    print(tokens_of(config).issue(arguments.role, rooms, name=arguments.name, ttl=arguments.ttl, subject=subject))
    return 0
