"""Where a rehearsal ran: with which versions and within which limits, for whoever asks later why it came out so."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import sqlite3
import ssl
import subprocess
from pathlib import Path
from typing import Final

import fanout
from fanout.rehearsal.house import House, Unreachable
from fanout.server.doctor.machine import NO_LIMIT, Machine
from fanout.server.resources import raise_descriptor_limit

LIBRARIES: Final = ("trio", "msgspec", "h11", "wsproto")


def place_of(house: House) -> dict[str, str]:
    """Each by its name. Limits are of the machine that makes the load, which is also the server's if that is ours."""
    machine = Machine()
    processes, memory, network = machine.processes(), machine.memory(), machine.network()
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    libraries = [f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES]
    return {
        "fanout": _own_version(),
        "server": "of the rehearsal's own, on this machine" if house.own else f"{house.url}, {_version_there(house)}",
        "processor": f"{_processor()}, {os.cpu_count()} cores, of which {processes.cores} may be used",
        "memory": f"{total / 2**30:.0f} GiB, of which {memory.free / 2**30:.1f} GiB were free",
        "system": f"{platform.system()} {platform.release()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "libraries": ", ".join([*libraries, ssl.OPENSSL_VERSION, f"SQLite {sqlite3.sqlite_version}"]),
        "descriptors": f"{raise_descriptor_limit():,} a process; {_limit(processes.file_max)} in all",
        "connections that wait to be accepted": f"{_limit(network.somaxconn)} at most",
        "local ports": f"{network.ports:,}, {network.waiting:,} of them not free at the beginning",
    }


def _own_version() -> str:
    """With the commit, where this is a checkout."""
    version, root = importlib.metadata.version("fanout-live"), Path(fanout.__file__).parents[2]
    if not (root / ".git").exists():
        return version
    try:
        told = subprocess.run(  # noqa: S603  # our own arguments
            ["git", "-C", str(root), "describe", "--always", "--dirty", "--exclude", "*"],  # noqa: S607  # any git
            capture_output=True, text=True, timeout=5, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return version
    return f"{version}, commit {told.stdout.strip()}"


def _version_there(house: House) -> str:
    try:
        return f"fanout {house.call('operator', 'GET', '/openapi.json', patience=1.0)['info']['version']}"
    except (Unreachable, KeyError, TypeError):
        return "of an unknown version"


def _processor() -> str:
    with open("/proc/cpuinfo") as lines:
        return next(
            (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown processor"
        )


def _limit(value: int) -> str:
    return "no limit" if value >= NO_LIMIT else f"{value:,}"
