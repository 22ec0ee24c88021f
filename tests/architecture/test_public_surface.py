"""What is promised to users of the library is pinned here: a change to it is seen, and gets a news fragment."""

import subprocess
import sys
from pathlib import Path

import fanout
import fanout.client

ROOT = Path(__file__).parents[2]
PINNED = ROOT / "tests" / "architecture" / "public_surface.txt"


def surface() -> str:
    names = [f"fanout.{name}" for name in sorted(fanout.__all__)]
    names += [f"fanout.client.{name}" for name in sorted(fanout.client.__all__)]
    names += [f"fanout.errors.{name} {code}" for name, code in sorted(_codes())]
    return "\n".join(names) + "\n"


def _codes() -> list[tuple[str, str]]:
    from fanout import errors

    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    return [(each.__name__, each.code) for each in classes if issubclass(each, errors.FanoutError)]


def test_the_public_names_and_error_codes_are_those_that_are_promised():
    """After a change that is meant: python tests/architecture/test_public_surface.py"""
    assert surface() == PINNED.read_text()


def test_every_promised_name_is_there_and_says_what_it_is():
    for module in (fanout, fanout.client):
        for name in module.__all__:
            assert getattr(module, name).__doc__, f"{module.__name__}.{name}"


def test_the_package_runs_as_a_program():
    done = subprocess.run([sys.executable, "-m", "fanout", "version"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.split()[0]) == (0, "fanout")


if __name__ == "__main__":
    PINNED.write_text(surface())
