"""`fanout publish`: say something in a room, one message or every line of the standard input."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing

import trio

from fanout.cli.server_address import add_address_flags
from fanout.errors import FanoutError, InvalidInput

PROGRESS_EVERY = 100
"""Lines between two words on stderr, where it is a terminal."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "publish",
        help="publish a message, or every line of the standard input",
        description="Publish TEXT; without it, every line of the standard input that is not blank, in order. For each "
        "message that is safely in the log, its position is printed. A break in the connection is bridged, and no "
        "message is published twice.",
        epilog="Example: fanout publish stage 'Good evening' --token \"$TOKEN\"",
        allow_abbrev=False,
    )
    parser.add_argument("room", metavar="ROOM")
    parser.add_argument("text", metavar="TEXT", nargs="?")
    add_address_flags(parser)
    parser.add_argument("--kind", help="what it is: message (the default), question, answer, or a word of your own")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    trio.run(_publish, arguments)
    return 0


async def _publish(arguments: argparse.Namespace) -> None:
    from fanout.client import open_publisher

    async with open_publisher(arguments.url, token=arguments.token) as publisher:
        if arguments.text is not None:
            receipt = await publisher.publish(arguments.room, arguments.text, kind=arguments.kind)
            print(receipt.position)
            return
        published = 0
        async with aclosing(_lines()) as lines:
            async for number, line in lines:
                try:
                    receipt = await publisher.publish(arguments.room, _text(line), kind=arguments.kind)
                except FanoutError as error:
                    detail = f"line {number}: {error.detail} ({published} published before it.)"
                    raise FanoutError(detail, code=error.code) from error
                print(receipt.position, flush=True)
                published += 1
                if published % PROGRESS_EVERY == 0 and sys.stderr.isatty():
                    print(f"{published:,} published", file=sys.stderr)


def _text(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise InvalidInput("It is not UTF-8.", code="bad_text") from None


async def _lines() -> AsyncGenerator[tuple[int, bytes]]:
    """Numbered lines of the standard input that are not blank.

    Read from the descriptor, in a thread that may be left behind: somebody who types can take all day, and Ctrl-C must
    not wait for the next line.
    """
    unread, number, ended = b"", 0, False
    while not ended:
        received = await trio.to_thread.run_sync(os.read, sys.stdin.fileno(), 65536, abandon_on_cancel=True)
        ended = not received
        *lines, unread = (unread + (received or b"\n")).split(b"\n")
        for line in lines:
            number += 1
            if line.strip():
                yield number, line.removesuffix(b"\r")
