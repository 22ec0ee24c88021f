"""The page of the built-in plug-ins leaves none out, and every option of each is described where it is taken."""

from __future__ import annotations

import inspect

import pytest

from tests.docs.built_in import described, made, there
from tests.docs.generated import DOCS

PAGE = (DOCS / "plugins" / "built-in.md").read_text()


@pytest.mark.parametrize("name", there())
def test_every_built_in_plugin_has_a_section_and_a_row_in_the_overview(name: str):
    assert f"\n## {name}\n" in PAGE
    assert f"| [`{name}`](#{name}) |" in PAGE


@pytest.mark.parametrize("name", there())
def test_every_option_is_described_by_its_class_and_nothing_else_is(name: str):
    kind = type(made(name).object)
    assert set(described(kind)) == set(inspect.signature(kind).parameters)
