"""`fanout audit verify`: whether anybody has changed or removed what was written down of the staff's decisions."""

from __future__ import annotations

import argparse
import re
import sys

import trio

from fanout.cli.stored_data import add_stored_data_flags, data_directory, open_log, open_store


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "audit",
        help="check the audit trail",
        description="The audit trail: every decision, by whom or by which rule.",
        allow_abbrev=False,
    )
    steps = parser.add_subparsers(title="what to do", metavar="verify", dest="audit", required=True)
    verify = steps.add_parser(
        "verify",
        help="find a changed or removed entry",
        description="Check that each entry carries the hash of the one before and its own, while no server runs on the "
        "data directory (a running one has the trail at /v1/audit). Prints how many entries there are and the hash of "
        "the last, the head. Note the head elsewhere: with it, --head also finds a trail that was cut short or "
        "rewritten whole. Exits with 1 at the first fault.",
        allow_abbrev=False,
    )
    verify.add_argument("--head", type=head, metavar="HASH", help="a head that was noted earlier, which must be there")
    add_stored_data_flags(verify)
    verify.set_defaults(run=run)


def head(written: str) -> str:
    """A hash. Raises: argparse.ArgumentTypeError, for anything but 64 hexadecimal digits."""
    if not re.fullmatch(r"[0-9a-fA-F]{64}", written):
        raise argparse.ArgumentTypeError("a head is 64 hexadecimal digits, as this command prints it")
    return written.lower()


def run(arguments: argparse.Namespace) -> int:
    return trio.run(_verify, arguments)


async def _verify(arguments: argparse.Namespace) -> int:
    from fanout.core.audit import Chain

    chain, noted_at = Chain(), None
    directory = data_directory(arguments)
    async with open_log(directory), open_store(directory) as store:  # the log's lock is that of the whole directory
        while entries := await store.audit(chain.number):
            if (fault := chain.check(entries)) is not None:
                print(f"fanout: entry {fault.number} {fault.what}", file=sys.stderr)
                return 1
            noted_at = next((entry.number for entry in entries if entry.hash == arguments.head), noted_at)
    if arguments.head is not None and noted_at is None and arguments.head != Chain().head:
        print("fanout: no entry has the head that was noted; the trail was cut short or rewritten", file=sys.stderr)
        return 1
    print(f"{chain.number} entries, head {chain.head}")
    if noted_at is not None:
        print(f"the head that was noted is that of entry {noted_at}")
    return 0
