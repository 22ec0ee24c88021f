"""Reads from /proc and /sys what the rules judge. What a kernel does not have, or does not show, has a stand-in that
judges nothing."""

from __future__ import annotations

import os
import platform
import resource
from pathlib import Path

from fanout.server.doctor.kernel import KernelFacts
from fanout.server.doctor.memory import MemoryFacts
from fanout.server.doctor.network import NetworkFacts
from fanout.server.doctor.processes import ProcessFacts

NO_LIMIT = 2**63 - 1
"""As the kernel writes it."""

_UNLIMITED_GROUP = 2**60
"""A control group without a limit says a number above that, in pages' worth of the first version (cgroup-v1)."""


class Machine:
    """The machine as its files under `root` show it; another root shows another machine."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    def processes(self) -> ProcessFacts:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        file_max = self._numbers("proc/sys/fs/file-max")
        in_use = self._numbers("proc/sys/fs/file-nr")
        return ProcessFacts(
            soft=NO_LIMIT if soft == resource.RLIM_INFINITY else soft,
            hard=NO_LIMIT if hard == resource.RLIM_INFINITY else hard,
            nr_open=self._number("proc/sys/fs/nr_open", NO_LIMIT),
            file_max=file_max[0] if file_max else NO_LIMIT,
            files_open=in_use[0] if in_use else 0,
            cores=self._cores(),
        )

    def memory(self) -> MemoryFacts:
        lines = (line.split() for line in self._text("proc/meminfo").splitlines())
        kib = {words[0].rstrip(":"): int(words[1]) for words in lines if len(words) > 1 and words[1].isdigit()}
        tcp = self._numbers("proc/sys/net/ipv4/tcp_mem")
        return MemoryFacts(
            available=kib.get("MemAvailable", 0) * 1024 or NO_LIMIT,
            left_in_group=self._left_in_group(),
            tcp_mem=(tcp[0], tcp[1], tcp[2]) if len(tcp) == 3 else (NO_LIMIT,) * 3,
            wmem_max=self._number("proc/sys/net/core/wmem_max", NO_LIMIT),
        )

    def network(self) -> NetworkFacts:
        ports = self._numbers("proc/sys/net/ipv4/ip_local_port_range")
        words = self._text("proc/net/sockstat").split()
        most_tracked = self._numbers("proc/sys/net/netfilter/nf_conntrack_max")
        return NetworkFacts(
            somaxconn=self._number("proc/sys/net/core/somaxconn", NO_LIMIT),
            syn_backlog=self._number("proc/sys/net/ipv4/tcp_max_syn_backlog", NO_LIMIT),
            syn_cookies=self._number("proc/sys/net/ipv4/tcp_syncookies", 1) > 0,
            first_port=ports[0] if len(ports) == 2 else 1024,
            last_port=ports[1] if len(ports) == 2 else 65_535,
            waiting=int(words[words.index("tw") + 1]) if "tw" in words else 0,
            tracked=self._number("proc/sys/net/netfilter/nf_conntrack_count", 0),
            most_tracked=most_tracked[0] if most_tracked else None,
        )

    def kernel(self, uring: str | None) -> KernelFacts:
        return KernelFacts(
            release=platform.release(),
            python=f"{platform.python_implementation()} {platform.python_version()}",
            uring=uring,
            uring_disabled=self._number("proc/sys/kernel/io_uring_disabled", 0),
        )

    def clock_source(self) -> str:
        return self._text("sys/devices/system/clocksource/clocksource0/current_clocksource").strip()

    def file_system(self, place: Path) -> str:
        """What kind of file system this absolute path lies on (proc(5): mountinfo)."""
        found, depth = "an unknown file system", -1
        for line in self._text("proc/self/mountinfo").splitlines():
            before, _, after = line.partition(" - ")
            words = before.split()
            if len(words) < 5 or not after:
                continue
            point = Path(words[4].replace("\\040", " "))
            # Of two mounts on one point the later hides the earlier.
            if (place == point or point in place.parents) and len(point.parts) >= depth:
                found, depth = after.split()[0], len(point.parts)
        return found

    def _cores(self) -> int:
        """Cores that we may run on; a control group may allow less time than there is."""
        cores = len(os.sched_getaffinity(0))
        for group in self._groups(""):
            words = self._text(f"{group}/cpu.max").split()
            if len(words) == 2 and words[0].isdigit():
                cores = min(cores, max(1, int(words[0]) // int(words[1])))
        return cores

    def _left_in_group(self) -> int | None:
        """The least that this process's control groups and those above leave, of both versions."""
        left = []
        for kind, limit, used in (
            ("", "memory.max", "memory.current"),
            ("memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
        ):
            for group in self._groups(kind):
                most = self._numbers(f"{group}/{limit}")
                if most and most[0] < _UNLIMITED_GROUP:
                    words = self._text(f"{group}/memory.stat").split()
                    cache = int(words[words.index("inactive_file") + 1]) if "inactive_file" in words else 0
                    left.append(max(0, most[0] - max(0, self._number(f"{group}/{used}", 0) - cache)))
        return min(left) if left else None

    def _groups(self, kind: str) -> list[str]:
        """Directories of the control groups that this process is in, from its own to the top (cgroups(7))."""
        for line in self._text("proc/self/cgroup").splitlines():
            _, kinds, path = line.split(":", 2)
            if kind == kinds or (kind and kind in kinds.split(",")):
                base = f"sys/fs/cgroup/{kind}".rstrip("/")
                parts = [part for part in path.split("/") if part and part != ".."]
                return ["/".join([base, *parts[:count]]) for count in range(len(parts), -1, -1)]
        return []

    def _text(self, path: str) -> str:
        try:
            return (self._root / path).read_text(errors="replace")
        except OSError:
            return ""

    def _numbers(self, path: str) -> list[int]:
        words = self._text(path).split()
        return [int(word) for word in words] if all(word.isdigit() for word in words) else []

    def _number(self, path: str, otherwise: int) -> int:
        found = self._numbers(path)
        return found[0] if found else otherwise
