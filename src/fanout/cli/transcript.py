"""`fanout transcript`: what was said in a room, as a file to publish or to keep."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import trio

from fanout.cli.stored_data import add_stored_data_flags, data_directory, open_log, open_store
from fanout.errors import ConfigurationError
from fanout.moderation.transcript import (
    LANGUAGES,
    TranscriptFormat,
    View,
    first_difference,
    internal_transcript,
    public_transcript,
)

if TYPE_CHECKING:
    from fanout.engine.room import Room


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "transcript",
        help="write down what was said in a room",
        description="Write the transcript of ROOM, while no server runs on the data directory (a running one gives it "
        "at /v1/rooms/ROOM/transcript). The public view has what was aired, as finally corrected, and nothing that was "
        "taken back. The internal view has the whole queue with its decisions: keep it inside.",
        epilog="Example: fanout transcript stage --format html -o evening.html",
        allow_abbrev=False,
    )
    parser.add_argument("room", metavar="ROOM")
    parser.add_argument("--format", choices=[*TranscriptFormat], default="html", help="default: html")
    parser.add_argument("--view", choices=[*View], default="public", help="default: public")
    parser.add_argument("--language", choices=LANGUAGES, default="en", help="of the words around what was said")
    parser.add_argument("-o", dest="output", type=Path, metavar="FILE", help="default: the standard output")
    parser.add_argument(
        "--verify", action="store_true", help="write nothing; compare FILE with what the log gives, and exit with 1 if "
        "they differ"
    )  # fmt: skip
    add_stored_data_flags(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    if arguments.verify and arguments.output is None:
        raise ConfigurationError("--verify", "say with -o FILE which transcript to compare.")
    return trio.run(_transcript, arguments)


async def _transcript(arguments: argparse.Namespace) -> int:
    directory = data_directory(arguments)
    async with AsyncExitStack() as opened:
        engine = await opened.enter_async_context(open_log(directory))
        room = engine.room(arguments.room)
        if arguments.view == View.INTERNAL:
            store = await opened.enter_async_context(open_store(directory))
            pieces = internal_transcript(room, store, TranscriptFormat(arguments.format), arguments.language)
        else:
            pieces = _public(room, arguments)
        async with aclosing(pieces):
            if arguments.verify:
                return await _verify(pieces, arguments.output)
            await _write(pieces, arguments.output, private=arguments.view == View.INTERNAL)
    return 0


async def _public(room: Room, arguments: argparse.Namespace) -> AsyncGenerator[bytes]:
    yield await public_transcript(room, TranscriptFormat(arguments.format), arguments.language)


async def _verify(pieces: AsyncIterator[bytes], path: Path) -> int:
    rebuilt = b"".join([piece async for piece in pieces])
    difference = first_difference(rebuilt, await trio.Path(path).read_bytes())
    if difference is None:
        print(f"{path} is what the log gives")
        return 0
    print(f"fanout: {path} is not what the log gives: {difference}", file=sys.stderr)
    return 1


async def _write(pieces: AsyncIterator[bytes], path: Path | None, *, private: bool) -> None:
    """Whole or not at all: the file appears under its name when everything is in it."""
    if path is None:
        async for piece in pieces:
            sys.stdout.buffer.write(piece)
        return
    draft = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600 if private else 0o666)
        with os.fdopen(descriptor, "wb") as file:
            async for piece in pieces:
                file.write(piece)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
