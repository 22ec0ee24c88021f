"""A day as people write it, in English and in French."""

from __future__ import annotations

from datetime import datetime
from typing import Final

_MONTHS: Final = {
    "en": ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December"),
    "fr": ("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre",
           "novembre", "décembre"),
}  # fmt: skip


def written_day(language: str, at: datetime) -> str:
    """`2 June 2004`, `1er juillet 2004`."""
    day = "1er" if language == "fr" and at.day == 1 else str(at.day)
    return f"{day} {_MONTHS[language][at.month - 1]} {at.year}"
