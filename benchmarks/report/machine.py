"""What a figure depends on: the processor, the kernel, the limits, the versions."""

from __future__ import annotations

import os
import platform
import re
import resource
import subprocess
from pathlib import Path

from benchmarks.load.control import CORES, ROOT


def first(pattern: str, path: str) -> str:
    """Return the first match in a file of the kernel, or a question mark."""
    try:
        found = re.search(pattern, Path(path).read_text())
    except OSError:
        return "?"
    return found[1].strip() if found else "?"


def machine() -> dict[str, str]:
    """Return the facts, by name."""
    memory_kib = int(first(r"MemTotal:\s*(\d+)", "/proc/meminfo"))
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return {
        "processor": first(r"model name\s*:\s*(.*)", "/proc/cpuinfo"),
        "cores": str(len(CORES)),
        "memory": f"{memory_kib / 2**20:.0f} GiB",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "descriptors": str(resource.getrlimit(resource.RLIMIT_NOFILE)[0]),
        "tcp_wmem": " ".join(first(r"(.*)", "/proc/sys/net/ipv4/tcp_wmem").split()),
        "load before": f"{os.getloadavg()[0]:.2f}",
        "commit": commit.stdout.strip() or "?",
    }
