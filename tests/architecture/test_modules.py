"""Every module has one reason to exist, says it in its first line, and is of a size that one can read at a sitting."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src" / "fanout").rglob("*.py"))
PYTHON = sorted(
    path
    for folder in ("src", "tests", "benchmarks", "loadtests", "examples")
    for path in (ROOT / folder).rglob("*.py")
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)

SCRIPTS = sorted((ROOT / "src" / "fanout").rglob("*.js")) + sorted((ROOT / "src" / "fanout").rglob("*.css"))

MOST_LINES = 350
SAYS_NOTHING = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "impl"}


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", PYTHON + SCRIPTS, ids=named)
def test_a_module_is_short_enough_to_read(path: Path):
    assert len(path.read_text().splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", PYTHON + SCRIPTS, ids=named)
def test_a_module_is_named_after_what_it_holds(path: Path):
    assert not SAYS_NOTHING & set(path.stem.split("_"))


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_a_module_says_in_its_first_line_why_it_exists(path: Path):
    text = path.read_text()
    docstring = ast.get_docstring(ast.parse(text))
    assert docstring, "a module begins with a docstring"
    assert text.startswith('"""'), "nothing comes before it"
    assert len(docstring.splitlines()[0]) >= 20, "and its first line is a sentence"


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_nothing_is_left_unfinished(path: Path):
    marks = ("TO" + "DO", "FIX" + "ME", "NotImplemented" + "Error", "pragma: no " + "cover")
    assert [mark for mark in marks if mark in path.read_text()] == []
