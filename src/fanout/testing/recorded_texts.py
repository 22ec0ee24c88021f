"""Texts as visitors send them, for tests of plug-ins: sorted by kind, and the same in every version of this package.

They are written after what real events received; nobody's words are among them. In the file, what could steer the
reader's screen is written with escapes.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Final

KINDS: Final = (
    "questions_en",
    "questions_fr",
    "sms_fr",
    "shouting",
    "spam",
    "links",
    "insults",
    "zalgo",
    "bidi",
    "empty_looking",
    "over_long",
)
"""`zalgo`, `bidi`, `empty_looking` and `over_long` are refused from the web before any plug-in sees them, and put right
when they come by SMS. `insults` are mild."""


def recorded_texts(kind: str) -> tuple[str, ...]:
    """The texts of one of the `KINDS`, always in the same order; at least three.

    Raises:
        ValueError: There is no such kind; says which there are.
    """
    if kind not in KINDS:
        raise ValueError(f"no recorded texts are called {kind!r}; these are: {', '.join(KINDS)}")
    return _all()[kind]


@cache
def _all() -> dict[str, tuple[str, ...]]:
    written = json.loads((Path(__file__).parent / "recorded_texts.json").read_text("utf-8"))
    return {kind: tuple(texts) for kind, texts in written.items()}
