"""A server under test: started on its own core, measured from outside through /proc, stopped by its process id."""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.load.control import ROOT, LoadFailed, Target, on_core
from benchmarks.load.publisher import Publisher

ADDRESS: Final = re.compile(r"listening on (?:http://)?([\d.]+):(\d+)(?: publisher on (\d+))?")
"""The line with which every server here says that it is ready."""

TICK_SECONDS: Final = 1 / os.sysconf("SC_CLK_TCK")


class Cpu(NamedTuple):
    """Seconds that the server and its children have computed."""

    user: float
    system: float

    def since(self, before: Cpu) -> Cpu:
        return Cpu(self.user - before.user, self.system - before.system)


class Server:
    """A running server. Use it as a context manager: it is gone, with its folder, afterwards."""

    def __init__(
        self,
        command: Callable[[Path], list[str]],
        *,
        environment: dict[str, str] | None = None,
        address: tuple[str, int] | None = None,
        seconds: float = 20.0,
        core: int = 0,
    ) -> None:
        """Start `command(folder)` on a core and wait for its address; servers that do not tell it are given theirs in
        `address`."""
        self.folder = Path(tempfile.mkdtemp(prefix="fanout-benchmark-"))
        self.target = Target("", 0, "")
        self.make_publisher: Callable[[], Publisher] | None = None
        with on_core(core), (self.folder / "stderr").open("wb") as errors:
            self.process = subprocess.Popen(
                command(self.folder),
                cwd=ROOT,
                env=os.environ | (environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        try:
            self.host, self.port, self.publisher_port = self._find_address(address, time.monotonic() + seconds)
        except BaseException:
            self.__exit__()
            raise

    def _find_address(self, given: tuple[str, int] | None, deadline: float) -> tuple[str, int, int]:
        assert self.process.stdout is not None
        told = ""
        while time.monotonic() < deadline and self.process.poll() is None:
            if given is not None:
                with contextlib.suppress(OSError):
                    socket.create_connection(given, timeout=1).close()
                    return (*given, given[1])
                time.sleep(0.02)
                continue
            if select.select([self.process.stdout], [], [], 0.2)[0]:
                told += os.read(self.process.stdout.fileno(), 4096).decode("utf-8", "replace")
            if match := ADDRESS.search(told):
                return match[1], int(match[2]), int(match[3] or match[2])
        errors = (self.folder / "stderr").read_text(errors="replace").strip().splitlines()
        raise LoadFailed(f"the server did not start: {' / '.join(errors[-3:]) or 'it said nothing'}")

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        for pid in self.processes():  # before they are orphans: some take a session of their own, and long leaves
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def publisher(self) -> Publisher:
        """Open a connection that publishes."""
        assert self.make_publisher is not None
        return self.make_publisher()

    def processes(self) -> list[int]:
        """Return the server's process id and those of its children."""
        found = [self.process.pid]
        for pid in found:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):  # the kernel keeps them by thread
                with contextlib.suppress(OSError):
                    found += map(int, children.read_text().split())
        return found

    def cpu(self) -> Cpu:
        """Return what the server has used so far; the kernel counts in steps of 10 ms."""
        user = system = 0.0
        for pid in self.processes():
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            user += int(fields[11]) * TICK_SECONDS
            system += int(fields[12]) * TICK_SECONDS
        return Cpu(user, system)

    def rss_kib(self) -> int:
        """Return the server's resident memory."""
        total = 0
        for pid in self.processes():
            match = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
            total += int(match[1]) if match else 0
        return total

    def pss_kib(self) -> int:
        """Return the server's memory, with each page that processes share counted once."""
        total = 0
        for pid in self.processes():
            match = re.search(r"Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text())
            total += int(match[1]) if match else 0
        return total


def kernel_tcp_kib() -> int:
    """Return the memory that the kernel holds for all TCP sockets of the machine, both ends."""
    match = re.search(r"TCP:.* mem (\d+)", Path("/proc/net/sockstat").read_text())
    return int(match[1]) * os.sysconf("SC_PAGE_SIZE") // 1024 if match else 0


def kernel_kib() -> int:
    """Return what the kernel holds for the whole machine: slabs (sockets, files, epoll's entries) and TCP's buffers."""
    match = re.search(r"Slab:\s+(\d+)", Path("/proc/meminfo").read_text())
    assert match is not None
    return int(match[1]) + kernel_tcp_kib()
