"""Which of our languages somebody reads, and how numbers, plurals and times are written in it.

The address decides (`?lang=fr`), else the browser. It is kept in links and in no cookie.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from starlette.requests import Request

from fanout.core.written_day import written_day

DEFAULT_LANGUAGE: Final = "en"

LANGUAGES: Final = {"en": "English", "fr": "Français"}
"""Each by its own name."""

_GROUPING: Final = {"en": ",", "fr": "\u202f"}


def language_for(request: Request) -> str:
    """What this request is answered in."""
    wanted = request.query_params.get("lang", "")
    return wanted if wanted in LANGUAGES else language_of(request.headers.get("accept-language", ""))


def language_of(accept_language: str) -> str:
    """The best of our languages for an `Accept-Language` field (RFC 9110 §12.5.4); English for any other, or for
    rubbish."""
    best, best_weight = DEFAULT_LANGUAGE, 0.0
    for wish in accept_language.split(",")[:20]:
        tag, _, parameters = wish.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        weight = _weight(parameters.strip())
        if language in LANGUAGES and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameters: str) -> float:
    if not parameters:
        return 1.0
    name, _, value = parameters.partition("=")
    if name.strip().lower() != "q" or not value.replace(".", "", 1).isdecimal():
        return 0.0
    return min(float(value), 1.0)


def number(language: str, value: int) -> str:
    """A whole number with its thousands set apart."""
    return f"{value:,}".replace(",", _GROUPING[language])


def counted(language: str, forms: Mapping[str, str], value: int) -> str:
    """A text with a number in it, in the form that the number takes (CLDR: French counts 0 and 1 as one)."""
    one = value == 1 or (value == 0 and language == "fr")
    return forms["one" if one else "other"].replace("{count}", number(language, value))


def day_and_time(language: str, at: datetime) -> str:
    """A moment by the clocks where it was written, for who reads without a script; a script shows the reader's own
    time."""
    return f"{written_day(language, at)}, {at:%H:%M} {at.tzname()}"


def clock(at: datetime) -> str:
    """The time of day in UTC."""
    return f"{at.astimezone(UTC):%H:%M} UTC"


def moment(milliseconds: int) -> datetime:
    """A time of ours as a `datetime`."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


Texts = Mapping[str, Any]
"""Of one language, by key: a text, or its two forms `one` and `other` where there is a number in it."""
