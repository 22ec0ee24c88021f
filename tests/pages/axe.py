"""What axe-core finds on a page."""

from __future__ import annotations

import json
from typing import Any

from tests.components import AXE

STANDARD = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def complaints(page: Any) -> list[str]:
    """What axe finds on a page as it stands: the rule, and where."""
    page.evaluate(AXE.read_text())
    wanted = json.dumps({"runOnly": STANDARD})
    found = page.evaluate(f"async () => (await axe.run(document, {wanted})).violations")
    return [
        f"{one['id']}: {one['help']}: {node['target']} {node['html'][:120]}" for one in found for node in one["nodes"]
    ]
