"""`fanout purge`: destroy what tells of people, and keep what was public."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from time import time_ns

import trio

from fanout.cli.stored_data import add_stored_data_flags, data_directory, open_log, open_store
from fanout.errors import ConfigurationError

WHAT_GOES = "pseudonyms, senders' ids, bans, and names and texts of what was never on air"
THE_KEY = "the key that telephone numbers were hashed with"
WHAT_STAYS = "the room's messages, what was aired, tallies, and decisions in the audit trail"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "purge",
        help="destroy a room's personal data",
        description=f"After the event, while no server runs on the data directory: destroy for good {WHAT_GOES}; "
        f"with the last room that has people, also {THE_KEY}. "
        f"Kept are: {WHAT_STAYS}. Copies elsewhere (backups, transcripts of the internal view) are not reached.",
        allow_abbrev=False,
    )
    parser.add_argument("room", metavar="ROOM")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add_stored_data_flags(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    return trio.run(_purge, arguments)


async def _purge(arguments: argparse.Namespace) -> int:
    from fanout.core.audit import AuditDraft

    directory = data_directory(arguments)
    async with open_log(directory) as engine:
        room = engine.room(arguments.room).name
        async with open_store(directory) as store:
            total = (await store.tallies(room)).total
            if not arguments.yes and not _agreed(room, total.messages):
                print("nothing was changed", file=sys.stderr)
                return 1
            audit = AuditDraft(time_ns() // 1_000_000, "command line", "purge", room)
            purged = await store.purge(room, audit, _progress(total.messages))
            left = (await store.tallies(room)).total
    print(f"gone: {WHAT_GOES} ({purged.submissions} submissions)")
    if not purged.peopled:
        print(f"gone: {THE_KEY}, and bans for every room")
    print(f"kept: {WHAT_STAYS} ({left.messages} messages of {left.people} people)")
    if purged.peopled:
        print(f"kept: {THE_KEY}, and bans for every room, as long as there are people in: {', '.join(purged.peopled)}")
    return 0


def _progress(total: int) -> Callable[[int], None]:
    """Says how far it is, over itself, where somebody watches."""
    told = -1

    def tell(done: int) -> None:
        nonlocal told
        share = 100 * done // total if total else 100
        if share > told and sys.stderr.isatty():
            told = share
            rest = "; now making the file anew\n" if done >= total else ""
            print(f"\r{done:,} of {total:,} submissions{rest}", end="", file=sys.stderr, flush=True)

    return tell


def _agreed(room: str, messages: int) -> bool:
    if not sys.stdin.isatty():
        raise ConfigurationError("--yes", "nobody can be asked here; with --yes it goes on without asking.")
    print(f"This destroys for good, of {messages} submissions in {room}: {WHAT_GOES}.", file=sys.stderr)
    print("Type the room's name to go on: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() == room
