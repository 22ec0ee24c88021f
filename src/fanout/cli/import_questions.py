"""`fanout import`: questions that were sent before the doors opened, out of a file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from time import time_ns
from typing import TYPE_CHECKING, Final

import trio

from fanout.cli.stored_data import add_stored_data_flags, data_directory, open_log, open_store
from fanout.errors import ConfigurationError, InvalidInput

if TYPE_CHECKING:
    from fanout.moderation.importing import FileFormat, Imported

BROKEN_SHOWN: Final = 50
"""Lines that are reported one by one; of more, how many there are. Then it is not the lines but the file."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "import",
        help="take in questions that were sent beforehand",
        description="Put the questions of FILE into the queue of ROOM, while no server runs on the data directory. CSV "
        "with the columns text, name, source_id and at (a first line may name them in any order), or JSON lines with "
        "those fields; only text must be there. A broken line is reported by its number, and the rest goes in. Run it "
        "again after a break, or with mended lines: nothing goes in twice. Plug-ins review the questions when the "
        "server starts.",
        epilog="Example: fanout import salon questions.csv --data ./fanout-data",
        allow_abbrev=False,
    )
    parser.add_argument("room", metavar="ROOM")
    parser.add_argument("file", metavar="FILE", type=Path)
    parser.add_argument("--format", choices=("csv", "jsonl"), help="default: by the end of the file's name")
    parser.add_argument("--create", action="store_true", help="make the room, moderated, if it is not there")
    add_stored_data_flags(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    format = _format(arguments)
    done = trio.run(_import, arguments, format)
    for broken in done.broken[:BROKEN_SHOWN]:
        print(f"fanout: {arguments.file}, line {broken.line}: {broken.what}", file=sys.stderr)
    if len(done.broken) > BROKEN_SHOWN:
        print(f"fanout: and {len(done.broken) - BROKEN_SHOWN} more", file=sys.stderr)
    parts = [f"{done.taken} taken in", f"{done.repeated} there already", f"{len(done.broken)} broken"]
    print(", ".join(parts))
    return 1 if done.broken else 0


def _format(arguments: argparse.Namespace) -> FileFormat:
    from fanout.moderation.importing import FileFormat

    written = arguments.format or {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}.get(
        arguments.file.suffix.lower()
    )
    if written is None:
        raise ConfigurationError("--format", f"{arguments.file.name} does not end in .csv or .jsonl; say csv or jsonl.")
    return FileFormat(written)


async def _import(arguments: argparse.Namespace, format: FileFormat) -> Imported:
    from fanout.core.room import Mode
    from fanout.moderation.importing import import_questions

    if arguments.file.exists() and not arguments.file.is_file():  # what can't be read twice can't be gone on with
        raise ConfigurationError("FILE", f"{arguments.file} is no ordinary file; save what is in it to one.")
    directory = data_directory(arguments, make=arguments.create)
    with arguments.file.open("rb") as file:
        async with open_log(directory) as engine, open_store(directory) as store:
            if arguments.create and arguments.room not in engine.rooms:
                await engine.open_room(arguments.room)
            room = engine.room(arguments.room)
            if room.settings.mode is Mode.STAGE:
                raise InvalidInput(f"{room.name} is a stage: only staff speak there, and it has no queue.")
            size = arguments.file.stat().st_size
            return await import_questions(
                store, room.name, file, format, now=time_ns() // 1_000_000, progress=_progress(size)
            )


def _progress(size: int) -> Callable[[Imported], None]:
    """Says how far it is, over itself, where somebody watches."""

    def tell(done: Imported) -> None:
        if sys.stderr.isatty():
            share = 100 * done.read // size if size else 100
            end = "\n" if share >= 100 else ""
            print(f"\r{done.taken + done.repeated:,} questions, {share} %", end=end, file=sys.stderr, flush=True)

    return tell
