"""The real components that some tests need, whether they are here, and their installation where that is allowed.

`python tests/components.py --install` installs what is missing when it may (as root, or with password-less sudo), and
otherwise says which tests will be left out. With CI=true nothing may be left out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Component:
    """Something real that tests marked `marker` talk to: one of `programs`, from the Debian package `package`."""

    marker: str
    programs: tuple[str, ...]
    package: str

    def path(self) -> str | None:
        """Where it is, also in the places that only root has in PATH."""
        places = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
        return next(filter(None, (shutil.which(program, path=places) for program in self.programs)), None)


AXE = Path(sys.prefix) / "share" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
"""axe-core, which finds what keeps people out of a page; it is in no Debian package."""

COMPONENTS = (
    Component("browser", ("chromium", "chromium-browser", "google-chrome"), "chromium"),
    Component("nginx", ("nginx",), "nginx"),
    Component("haproxy", ("haproxy",), "haproxy"),
    Component("curl", ("curl",), "curl"),
    Component("kannel", ("/usr/lib/kannel/test/fakesmsc",), "kannel-extras"),
)


def component(marker: str) -> Component:
    return next(found for found in COMPONENTS if found.marker == marker)


def all_required() -> bool:
    """Whether a missing component is a failure rather than a reason to leave tests out."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def missing() -> list[Component]:
    return [found for found in COMPONENTS if found.path() is None]


def root_prefix() -> list[str] | None:
    """What to write before a command so that root runs it; None when that may not be."""
    if os.geteuid() == 0:
        return []
    allowed = shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0
    return ["sudo", "-n"] if allowed else None


def install(wanted: list[Component]) -> str:
    """Try to install; the reason why it was not done, empty when it was."""
    prefix = root_prefix()
    if shutil.which("apt-get") is None:
        return "there is no apt here"
    if prefix is None:
        return "that takes root or password-less sudo"
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    packages = [found.package for found in wanted]
    print(f"installing for the tests: {' '.join(packages)}", flush=True)
    for command in (["update", "-qq"], ["install", "-qq", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run([*prefix, "apt-get", *command], env=environment, capture_output=True, text=True)
        if done.returncode:
            return f"apt-get {command[0]} failed: {done.stderr.strip().splitlines()[-1:] or done.returncode}"
    return ""


def fetch_axe() -> str:
    """Have axe-core, from npm, in the virtual environment; the reason why not, empty when it is here."""
    if AXE.exists():
        return ""
    if shutil.which("npm") is None:
        return "npm is not installed (Debian package npm)"
    place = AXE.parents[2]
    place.mkdir(parents=True, exist_ok=True)
    options = ["--prefix", str(place), "--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--loglevel=error"]
    try:
        done = subprocess.run(["npm", "install", *options, "axe-core@4"], capture_output=True, text=True, timeout=120)
    except subprocess.TimeoutExpired:
        return "npm took more than two minutes"
    return "" if AXE.exists() else f"npm could not install axe-core: {done.stderr.strip()[-200:]}"


def main(arguments: list[str]) -> int:
    wanted = missing()
    reason = install(wanted) if wanted and "--install" in arguments else "not asked to"
    axe = fetch_axe() if "--install" in arguments else ""
    if axe:
        print(f"left out: tests with axe-core: {axe}")
    left_out = missing()
    for found in left_out:
        print(f"left out: tests marked {found.marker}; {found.programs[0]} is not here and was not installed: {reason}")
    return 1 if (left_out or axe) and all_required() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
