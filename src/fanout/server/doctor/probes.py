"""Tries what only a trial shows: doors, flushes of the disk, io_uring, the clock. Each leaves things as they were."""

from __future__ import annotations

import ctypes
import errno
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Final

from fanout.edge.uring import UringSender
from fanout.errors import ConfigurationError
from fanout.server.data_directory import check_directory
from fanout.server.doctor.clock import ClockFacts
from fanout.server.doctor.disk import DiskFacts
from fanout.server.doctor.machine import Machine
from fanout.server.doctor.network import DoorFacts
from fanout.server.doors import close_doors, open_doors
from fanout.server.settings import Config

FLUSHES: Final = 100
"""Flushes that are tried: enough for a hundredth."""

FLUSH_SECONDS: Final = 3.0
"""How long they may take together; a slow disk has been recognised by then."""

PAGE_BYTES: Final = 4096
"""What a short commit writes: one page of SQLite's."""

STA_UNSYNC: Final = 0x40
"""adjtimex(2): nobody keeps the clock right."""

_LISTENING: Final = "0A"
"""TCP_LISTEN, as /proc/net/tcp writes it."""


class _Timex(ctypes.Structure):
    """The beginning of struct timex (adjtimex(2)), and room for the rest of it."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_long * 32),
    )


def read_clock(machine: Machine) -> ClockFacts:
    """What the kernel says of its clock; to ask changes nothing (`modes` is 0)."""
    told = _Timex()
    state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.byref(told))
    synchronised = None if state < 0 else not told.status & STA_UNSYNC
    return ClockFacts(synchronised, told.maxerror / 1e6, machine.clock_source())


def try_uring() -> str | None:
    """Why io_uring can't be used; None when it can."""
    try:
        UringSender().close()
    except (OSError, ValueError) as error:
        return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
    return None


def try_doors(config: Config) -> DoorFacts:
    """Open the doors as the server does, and close them again."""
    address = f"unix:{config.unix}" if config.unix is not None else f"{config.host}:{config.port}"
    try:
        close_doors(open_doors(config))
    except ConfigurationError as error:
        taken = config.unix is None and error.key == "port"
        return DoorFacts(address, error.detail, tuple(_holders(config.port)) if taken else ())
    return DoorFacts(address)


def _holders(port: int) -> list[str]:
    """Who listens on a port, as far as we may see: `nginx (process 812)`."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                words = line.split()
                if words[3] == _LISTENING and int(words[1].rpartition(":")[2], 16) == port:
                    inodes.add(f"socket:[{words[9]}]")
    return [_program(process) for process in sorted(Path("/proc").glob("[0-9]*")) if inodes & _opened(process)]


def _opened(process: Path) -> set[str]:
    """What a process has open; nothing where we may not look, or it has gone."""
    found = set()
    with suppress(OSError):
        for link in (process / "fd").iterdir():
            with suppress(OSError):
                found.add(str(link.readlink()))
    return found


def _program(process: Path) -> str:
    words = []
    with suppress(OSError):
        words = (process / "cmdline").read_text(errors="replace").split("\0")
    ours = "serve" in words and any(Path(word).name == "fanout" for word in words[:3])
    name = "fanout serve" if ours else Path(words[0]).name if words and words[0] else "a program"
    return f"{''.join(each for each in name if each.isprintable())} (process {process.name})"


def look_at_disk(data: Path, machine: Machine) -> DiskFacts:
    """The place of a data directory: whether it can be used, its room, and how soon it flushes."""
    wanted = data.absolute()
    place = next(path for path in (wanted, *wanted.parents) if path.exists())
    refused = None
    try:
        check_directory(wanted)
    except ConfigurationError as error:
        refused = error.detail
    room = os.statvfs(place)
    flushes: tuple[float, ...] = ()
    if refused is None:
        try:
            flushes = _flushes(place)
        except OSError as error:
            if error.errno != errno.ENOSPC:  # of a full disk, the room tells
                refused = f"{place} can't be written: {error.strerror}."
    return DiskFacts(
        place=place,
        refused=refused,
        kind=machine.file_system(place.resolve()),
        free=room.f_bavail * room.f_frsize,
        inodes=room.f_favail if room.f_files else None,
        flushes=flushes,
    )


def _flushes(place: Path) -> tuple[float, ...]:
    """Seconds that each of some flushes took, on a file without a name."""
    taken: list[float] = []
    page = b"\0" * PAGE_BYTES
    began = monotonic()
    with tempfile.TemporaryFile(dir=place, buffering=0) as file:
        while len(taken) < FLUSHES and monotonic() - began < FLUSH_SECONDS:
            before = monotonic()
            file.write(page)
            os.fsync(file.fileno())
            taken.append(monotonic() - before)
    return tuple(taken)
