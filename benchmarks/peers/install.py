"""Fetches the peers into `benchmarks/.peers`, outside the project and outside the system; nothing needs root.

nginx with nchan is the one peer that only the system's package manager has, so it is looked for, never installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks.load.frames import ACCEPT, KEY

HERE: Final = Path(__file__).resolve().parent
PEERS: Final = HERE.parent / ".peers"
"""What was fetched and compiled; delete it to begin anew."""

BUN: Final = ("@oven/bun-linux-x64", "@oven/bun-linux-x64-baseline")
"""Bun's own platform packages: the `bun` package only downloads one of them, and may not be allowed to."""

UWS: Final = "@trufflesuite/uws-js-unofficial"
"""uWebSockets.js itself is not on npm. This rebuild (20.30) is, with binaries for Node 16, 18 and 20."""

NPM_PACKAGES: Final = ("ws@8", BUN[0], UWS)

FLOOR: Final = PEERS / "floor"
STORM: Final = PEERS / "storm"
CROWD: Final = PEERS / "crowd"
HANDSHAKE: Final = (f'-DACCEPT="{ACCEPT.decode()}"', f'-DKEY="{KEY.decode()}"')
C_PROGRAMS: Final = (
    (HERE / "servers" / "floor.c", FLOOR, ()),
    (HERE.parent / "load" / "storm.c", STORM, HANDSHAKE),
    (HERE.parent / "load" / "crowd.c", CROWD, HANDSHAKE),
)

NCHAN_MODULES: Final = tuple(map(Path, ("/usr/lib/nginx/modules", "/usr/lib64/nginx/modules")))


def run(command: list[str], seconds: float = 300) -> str:
    """Run an installer; return an empty string, or why it failed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    said = (done.stderr or done.stdout).strip().splitlines()
    return "" if done.returncode == 0 else " / ".join(said[-3:])


def fetch() -> list[str]:
    """Fetch and compile whatever is not there yet; return what went wrong, in words. Safe to repeat."""
    PEERS.mkdir(exist_ok=True)
    problems: list[str] = []

    def attempt(what: str, command: list[str]) -> None:
        if why := run(command):
            problems.append(f"{what}: {why}")

    if shutil.which("npm") is not None:
        options = [
            "--prefix",
            str(PEERS),
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--no-save",
            "--loglevel=error",
        ]
        wanted = [p for p in NPM_PACKAGES if not (PEERS / "node_modules" / p.removesuffix("@8")).exists()]
        if wanted:  # all in one call: npm removes what it is not asked for
            attempt(" ".join(NPM_PACKAGES), ["npm", "install", *options, *NPM_PACKAGES])
    if not (PEERS / "python" / "uvloop").exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        attempt("uvloop", [*pip, "--target", str(PEERS / "python"), "uvloop"])
    return problems + compile_programs()


def compile_programs() -> list[str]:
    """Compile what is written in C and not compiled yet; return what went wrong, in words. Safe to repeat."""
    PEERS.mkdir(exist_ok=True)
    compiler = shutil.which("cc")
    if compiler is None:
        return ["there is no C compiler (apt install gcc)"]
    problems: list[str] = []
    for source, program, flags in C_PROGRAMS:
        if not (program.exists() and program.stat().st_mtime > source.stat().st_mtime):
            why = run([compiler, "-O2", "-Wall", "-Wextra", *flags, "-o", str(program), str(source)])
            problems += [f"{source.name}: {why}"] if why else []
    return problems


def bun_binary() -> Path | None:
    """Return Bun's binary, from the system or from npm."""
    system = shutil.which("bun")
    candidates = [Path(system)] if system else []
    candidates += [PEERS / "node_modules" / package / "bin" / "bun" for package in BUN]
    return next((path for path in candidates if os.access(path, os.X_OK)), None)


def nchan_modules() -> Path | None:
    """Return the folder of nginx's dynamic modules, where nchan's is in it."""
    return next((folder for folder in NCHAN_MODULES if (folder / "ngx_nchan_module.so").exists()), None)


def node_missing(package: str) -> str:
    """Say why a Node peer cannot run, or return an empty string."""
    if shutil.which("node") is None:
        return "node is not installed (apt install nodejs npm)"
    if not (PEERS / "node_modules" / package).exists():
        return f"npm could not install {package}"
    return ""


def uws_missing() -> str:
    """Say why uWebSockets cannot run: its binary must fit this version of Node."""
    if why := node_missing(UWS):
        return f"uWebSockets.js is not on npm, and {why}"
    return run(["node", "-e", f"require({str(PEERS / 'node_modules' / UWS)!r})"], 20) and (
        "npm has binaries of uWebSockets for Node 16, 18 and 20 only (Bun's server is built on uWebSockets too)"
    )
