"""The names that visitors give themselves: readable, in one line, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Final
from unicodedata import category

from fanout.core.look_alikes import ProtectedName, Readings, readings
from fanout.core.submitted_text import cleaned_text, fault_in, is_visible
from fanout.errors import InvalidInput
from fanout.moderation.rules import Rules, protected_names

MAX_VISITOR_NAME_CHARACTERS: Final = 40
"""Characters of a visitor's name: the longest that stands beside a question without pushing it aside. Beyond:
`name_too_long`."""

MAX_NAME_MARKS: Final = 3
"""Combining marks in a row: Vietnamese written apart has two, Hebrew three. Beyond: `bad_name`."""

MAX_KNOWN_STAFF: Final = 500
"""Staff names learned from tokens; far more than ever work at one event. Beyond, the oldest is forgotten."""

REMEMBERED_NAMES: Final = 4096
"""Visitors' names of which the look is remembered: a visitor sends each message with the same one, and finding out
takes 50 µs."""

_JOINERS: Final = "\u200c\u200d"
"""Persian, the scripts of India and emoji need them; other characters that can't be seen have no use in a name."""


def check_name(name: str, protected: Iterable[str] = ()) -> str:
    """The name as it is kept: single blanks between words, none around it.

    Raises:
        InvalidInput: `name_empty` (nothing that could be seen), `name_too_long`, `bad_name`, `name_reserved`.
    """
    if not isinstance(name, str):
        raise InvalidInput("A name is a string.", code="bad_name")
    if len(name) > MAX_VISITOR_NAME_CHARACTERS:
        raise InvalidInput(f"A name has at most {MAX_VISITOR_NAME_CHARACTERS} characters.", code="name_too_long")
    if any(line_end in name.strip() for line_end in "\n\r\t\u2028\u2029"):
        raise InvalidInput("A name stands in one line, without tabs.", code="bad_name")
    kept = " ".join(name.split())
    if (fault := fault_in(kept) or _fault_in_name(kept)) is not None:
        raise InvalidInput(f"The name has {fault}.", code="bad_name")
    if not is_visible(kept):
        raise InvalidInput("A name has at least one character that can be seen.", code="name_empty")
    if any(_protected(each).is_borne_by(_readings(kept)) for each in protected):
        raise _reserved()
    return kept


def _fault_in_name(name: str) -> str | None:
    marks = 0
    for index, character in enumerate(name, 1):
        kind = category(character)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        if kind == "Cf" and character not in _JOINERS and not "\U000e0020" <= character <= "\U000e007f":
            return f"U+{ord(character):04X} at character {index}, which can't be seen"
        if marks > MAX_NAME_MARKS:
            return f"more than {MAX_NAME_MARKS} combining marks in a row at character {index}"
    return None


def _reserved() -> InvalidInput:
    return InvalidInput("This name belongs to somebody of the house, or looks like it.", code="name_reserved")


@lru_cache(2 * MAX_KNOWN_STAFF)
def _protected(name: str) -> ProtectedName:
    return ProtectedName(name)


@lru_cache(REMEMBERED_NAMES)
def _readings(name: str) -> Readings:
    return readings(name)


class Names:
    """Checks visitors' names against those of the house, of the room, and of the staff who have shown a token.

    Args:
        house: Names that are protected in every room.
    Raises:
        InvalidInput: `bad_rule`: one of them can't be a name.
    """

    def __init__(self, rules: Rules, house: Iterable[str] = ()) -> None:
        self._rules = rules
        self._house = protected_names(tuple(house))
        self._staff: dict[str, None] = {}

    def learn(self, name: str) -> None:
        """Protect the name of a staff member from now on, until the process ends.

        One of a single word protects only itself: or the first animator called Marie would take the name from every
        Marie who has a surname too.
        """
        if name in self._staff or not is_visible(name):
            return
        if len(self._staff) >= MAX_KNOWN_STAFF:
            del self._staff[next(iter(self._staff))]
        self._staff[name] = None

    def check(self, room: str, name: str) -> str:
        """The name as it is kept in this room.

        Raises:
            InvalidInput: As `check_name`.
        """
        kept = check_name(name, (*self._house, *self._rules.of(room).protected_names))
        alone = len(kept.split()) == 1
        for staff in self._staff:
            protected = _protected(staff)
            named = protected.is_borne_by if alone or len(staff.split()) > 1 else protected.is_spelled_by
            if named(_readings(kept)):
                raise _reserved()
        return kept

    def cleaned(self, room: str, name: str) -> str:
        """The name if it may be taken, put right where that is possible; empty if not. For what nobody can correct."""
        readable = " ".join(cleaned_text(name)[0].split())[:MAX_VISITOR_NAME_CHARACTERS]
        try:
            return self.check(room, readable)
        except InvalidInput:
            return ""
