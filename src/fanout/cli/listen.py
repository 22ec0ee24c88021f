"""`fanout listen`: what is said in a room, one JSON line a message."""

from __future__ import annotations

import argparse
import sys

import trio

from fanout.cli.server_address import add_address_flags
from fanout.core.position import Position
from fanout.errors import InvalidInput


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "listen",
        help="print what is said in a room, one JSON line a message",
        description="Print every message, retraction and gap of a room as a JSON line, from now on or from a position, "
        "until Ctrl-C. It reconnects and resumes by itself; nothing comes twice.",
        epilog="Example: fanout listen stage --last 10 | jq -r .text",
        allow_abbrev=False,
    )
    parser.add_argument("room", metavar="ROOM")
    add_address_flags(parser)
    parser.add_argument(
        "--after", type=_position, metavar="POSITION", help="begin after this position, as a message carries it"
    )
    parser.add_argument("--last", type=int, metavar="N", help="begin with the last N messages")
    parser.set_defaults(run=run)


def _position(written: str) -> Position:
    try:
        return Position.parse(written)
    except InvalidInput as error:
        raise argparse.ArgumentTypeError(error.detail) from None


def run(arguments: argparse.Namespace) -> int:
    try:
        trio.run(_listen, arguments)
    except* KeyboardInterrupt:
        pass  # that is how listening ends
    return 0


async def _listen(arguments: argparse.Namespace) -> None:
    from fanout.client import open_client
    from fanout.wire.rendered import as_object, encode_json

    rooms = {arguments.room: arguments.after}
    async with open_client(
        arguments.url, rooms=rooms, token=arguments.token, last=arguments.last, watch=_tell
    ) as client:
        async for item in client:
            print(encode_json(as_object(item)).decode(), flush=True)


def _tell(news: object) -> None:
    from fanout.client import Waiting

    if isinstance(news, Waiting):
        print(f"fanout: not connected ({news.reason}); again in {news.seconds:.1f} s", file=sys.stderr)
