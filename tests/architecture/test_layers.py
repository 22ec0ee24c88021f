"""The arrows between packages point down: the contracts in pyproject.toml hold."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_import_contracts_hold():
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_the_library_pulls_in_no_extra():
    """Nobody who wants the engine should need a load generator, a plotter or a browser."""
    code = (
        "import sys, fanout, fanout.cli, fanout.client;"
        "heavy = {'locust', 'gevent', 'matplotlib', 'websockets', 'playwright', 'hypothesis', 'pytest', 'httpx'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
