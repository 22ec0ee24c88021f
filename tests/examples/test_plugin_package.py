"""The example package of a plug-in is built from the files that the tutorial shows, and from no others; installed,
tested with its own tests, found, and does its work."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from fanout.client import CommandRefused, open_client
from tests.server_process import ServerProcess, fanout

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "plugin"
SHOWN = re.findall(r'--8<-- "examples/plugin/(.+)"', (ROOT / "docs" / "plugins" / "tutorial.md").read_text())

pytestmark = [pytest.mark.xdist_group("example plug-in"), pytest.mark.timeout(200)]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pip has put the package: a directory that stands on nobody's path yet."""
    folder = tmp_path_factory.mktemp("example")
    for name in SHOWN:
        (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(EXAMPLE / name, folder / "source" / name)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-index"]
    command += ["--no-deps", "--no-build-isolation", "--target", folder / "installed", folder / "source"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stderr
    return folder / "installed"


def with_it(installed: Path) -> dict[str, str]:
    return {"PYTHONPATH": str(installed)}


def test_its_own_tests_pass_where_it_is_installed(installed: Path):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=installed.parent / "source",
        env={**os.environ, **with_it(installed)},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_it_is_found_by_its_entry_point(installed: Path, tmp_path: Path):
    assert fanout("plugins", folder=tmp_path).stdout == "no plug-ins\n"
    named = ("--plugin", "fanout_no_shouting:NoShouting")  # once more: it is still one
    listed = fanout("plugins", *named, folder=tmp_path, env=with_it(installed))
    assert listed.stdout.startswith("no-shouting (entry point of fanout-no-shouting)\n"), listed.stderr
    assert listed.stdout.count("filter     review_submission") == 1


def test_an_option_that_it_refuses_stops_the_server_with_its_sentence(installed: Path, tmp_path: Path):
    (tmp_path / "fanout.toml").write_text("[plugins.no-shouting.options]\nmost = 70\n")
    refused = fanout("check-config", "--config", "fanout.toml", folder=tmp_path, env=with_it(installed))
    assert refused.returncode == 2
    assert "a number from 0 to 1" in refused.stderr


async def test_a_server_asks_it(installed: Path, start_server: Callable[..., ServerProcess]):
    server = start_server("--memory", "--drain-seconds", "0", "--room", "hall:open", env=with_it(installed))
    async with open_client(server.url, rooms=["hall"]) as client:
        with trio.fail_after(20):
            with pytest.raises(CommandRefused) as refusal:
                await client.submit("hall", "WHEN IS DINNER?", name="Anna")
            assert (refusal.value.code, "capitals" in refusal.value.detail) == ("rejected", True)
            held = await client.submit("hall", "WHY DOES THE ANSWER come in August?", name="Anna")
            live = await client.submit("hall", "When is dinner?", name="Anna")
    assert (held.state, live.state) == ("held", "aired")
