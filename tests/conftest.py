"""For every test: what needs a real component says so with a marker, and is left out, with the reason, where it is
missing; in CI that is a failure."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.components import COMPONENTS, all_required
from tests.server_process import SECRET, ServerProcess


def pytest_configure() -> None:
    """Settings of whoever runs the tests must not reach the servers that the tests start; nor must it that they ignore
    Ctrl-C, as whatever a shell starts in the background does."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in [name for name in os.environ if name.startswith("FANOUT_")]:
        del os.environ[name]
    # Hundreds of processes are started: each would compile the whole package anew where nothing compiled is kept.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ.setdefault("PYTHONPYCACHEPREFIX", str(Path(sys.prefix) / "pycache"))
    settings.register_profile("unhurried", settings(), deadline=None)  # how long an example takes, the machine decides
    settings.load_profile("unhurried")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for component in COMPONENTS:
        if item.get_closest_marker(component.marker) is None or component.path() is not None:
            continue
        reason = f"{component.programs[0]} is not installed (Debian package {component.package})"
        if all_required():
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A module that says `BOTH_WAYS = True` is run twice: what it promises holds in one process and in several."""
    if getattr(metafunc.module, "BOTH_WAYS", False):
        metafunc.parametrize("workers", [0, 2], indirect=True, ids=["one process", "workers"], scope="module")


@pytest.fixture(scope="module", autouse=True)
def workers(request: pytest.FixtureRequest) -> Iterator[int]:
    """How many processes of their own the listeners of this test's servers have."""
    ServerProcess.workers = getattr(request, "param", 0)
    yield ServerProcess.workers
    ServerProcess.workers = 0


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Starts real servers with the tests' secret, `start_server("--memory", "--room", "stage:stage")`; all end with the
    test."""
    started: list[ServerProcess] = []

    def start(*arguments: str, env: dict[str, str] | None = None, port: int = 0) -> ServerProcess:
        where = () if "--unix" in arguments else ("--port", str(port))
        server = ServerProcess(*where, *arguments, folder=tmp_path, env={"FANOUT_SECRET": SECRET, **(env or {})})
        started.append(server)
        return server.listens()

    yield start
    for server in started:
        server.kill()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)  # a server that is still on it ends after this
