"""French texts as they are printed: the spaces that belong to a mark are narrow where they should be, and never break
off at the end of a line. In our sources they are ordinary ones, which an editor shows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

NARROW: Final = "\u202f"
"""Before ; ! and ?"""

WIDE: Final = "\u00a0"
"""Before a colon, inside quotation marks, and before a unit."""

HYPHEN: Final = "\u2011"
"""One that breaks no word."""

_PLACES: Final = (
    (re.compile(r" (?=[;!?])"), NARROW),
    (re.compile(r"(?<=elle)-(?=même)"), HYPHEN),
    (re.compile(r" (?=[:»])|(?<=«) |(?<=\}) (?=(?:s|min|h|j|jours?|heures?)\b)"), WIDE),
)


def typeset(texts: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
    """Texts by language, with the French ones printed as they should be."""
    return {language: _set(said) if language == "fr" else said for language, said in texts.items()}


def _set(said: Any) -> Any:
    """A text, or several in a list or a mapping."""
    if isinstance(said, Mapping):
        return {key: _set(one) for key, one in said.items()}
    if isinstance(said, list):
        return [_set(one) for one in said]
    for place, space in _PLACES:
        said = place.sub(space, said)
    return said
