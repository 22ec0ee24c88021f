"""Every command in the README and the documentation is run, and prints what the page says."""

import shlex
from pathlib import Path

import pytest

from tests.docs.page_session import PageSession, Step, blocks, files, steps

ROOT = Path(__file__).parents[2]
PAGES = [path for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))) if path.exists()]

WITH_CURL = [pytest.param(page, marks=pytest.mark.curl if "curl " in page.read_text() else ()) for page in PAGES]

NOT_RUN_HERE = {"apt-get", "cd", "docker", "git", "make", "pip", "pipx", "python3", "sudo", "systemctl", "npm", "uv"}
"""What may stand in a ```sh block: it installs, or needs a network or root."""


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", WITH_CURL, ids=named)
def test_the_commands_of_a_page_do_what_it_says(page: Path, tmp_path: Path):
    text = page.read_text()
    found = steps(text)
    if not found:
        return
    with PageSession(tmp_path, files(text)) as session:
        for step in found:
            session.run(step)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_program_on_a_page_is_run_there(page: Path):
    text = page.read_text()
    shown = files(text)
    assert len(blocks(text, "python")) == len([name for name in shown if name.endswith(".py")]), (
        'a python block is a whole file: ```python title="evening.py"'
    )
    commands = "\n".join(step.command for step in steps(text))
    assert [name for name in shown if name.endswith(".py") and name not in commands] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_that_are_not_run_only_install(page: Path):
    text = page.read_text()
    assert not blocks(text, "bash"), "write ```console (it is run) or ```sh (it installs)"
    lines = [line for block in blocks(text, "sh") for line in block if line.strip() and not line.startswith("#")]
    assert [line for line in lines if shlex.split(line, comments=True)[0] not in NOT_RUN_HERE] == []


def test_a_page_that_says_something_untrue_is_noticed(tmp_path: Path):
    with PageSession(tmp_path) as session:
        session.run(Step("echo one two three", ["one … three"]))
        with pytest.raises(AssertionError, match="but it printed"):
            session.run(Step("echo one", ["two"]))
        with pytest.raises(AssertionError, match="status 3"):
            session.run(Step("(exit 3)"))
