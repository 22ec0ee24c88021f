"""What the documentation points at is there: tests by name, files by path, and the map of the house."""

import ast
import re
from pathlib import Path

import pytest

import fanout

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_TEST = re.compile(r"`(tests/[\w/.]+\.py)(?:::(\w+))?`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_test_that_a_page_names_is_there(page: Path):
    for path, name in _TEST.findall(page.read_text()):
        assert (ROOT / path).is_file(), path
        if name:
            tree = ast.parse((ROOT / path).read_text())
            functions = (ast.FunctionDef, ast.AsyncFunctionDef)
            assert name in {node.name for node in ast.walk(tree) if isinstance(node, functions)}, (path, name)


@pytest.mark.parametrize("page", ["README.md", "docs/guarantees.md"])
def test_every_guarantee_names_the_test_that_holds_it(page: str):
    table = (ROOT / page).read_text().partition("| guarantee |")[2].partition("\n\n")[0]
    rows = table.splitlines()[2:]
    assert rows
    assert [row for row in rows if not _TEST.search(row)] == []


def test_the_links_of_the_readme_lead_somewhere():
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text())
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_map_of_the_house_is_the_packages_own():
    drawn = [line for line in fanout.__doc__.splitlines() if line.startswith("    ")]
    assert len(drawn) > 5
    assert "\n".join(drawn) in (ROOT / "README.md").read_text()
