"""What axe-core finds on a page, and what sticks out of it, in both themes and at the widths at which pages differ."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from tests.components import AXE, all_required, fetch_axe

STANDARD: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

THEMES: Final = ("light", "dark")

WIDTHS: Final = (320, 1280)
"""Wider pages are the same, but larger."""


@pytest.fixture
def axe() -> None:
    """What needs axe-core is left out where it can't be had."""
    if why := fetch_axe():
        (pytest.fail if all_required() else pytest.skip)(why)


def complaints(page: Any) -> list[str]:
    """What axe finds on a page as it stands: the rule, and where."""
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(AXE.read_text())
    wanted = json.dumps({"runOnly": STANDARD})
    found = page.evaluate(f"async () => (await axe.run(document, {wanted})).violations")
    return [
        f"{one['id']}: {one['help']}: {node['target']} {node['html'][:120]}" for one in found for node in one["nodes"]
    ]


def complaints_everywhere(page: Any, widths: tuple[int, ...] = WIDTHS) -> list[str]:
    """The same in each theme and at each width, and what is wider than the page; one page, which changes as a window
    does that somebody drags."""
    found = []
    for width in widths:
        page.set_viewport_size({"width": width, "height": 800})
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            found.append(f"{width}: {wide} pixels wide")
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            found += [f"{width} {theme}: {one}" for one in complaints(page)]
    return found
