"""What a visitor may write: refused with a reason where somebody reads the answer, put right where nobody does (SMS).

Refused are characters that steer (controls, and those that turn the direction of what stands around them), halves of
characters, tags that nobody sees, and marks piled up over the lines above. What people really write passes: accents
written apart, Vietnamese, Hindi, Hebrew with points, Arabic, emoji of several parts.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final
from unicodedata import category

from fanout.errors import InvalidInput

MAX_SUBMISSION_CHARACTERS: Final = 2000
"""Characters of one submission: a question is 200, the longest SMS of several parts 1,600. Beyond: `text_too_long`, and
an SMS is cut."""

MAX_SUBMISSION_LINES: Final = 20
"""Lines of one submission, with one blank line at most between two paragraphs: what a line's end costs to write must
not push what others said off the screen. Beyond: `text_too_long`, and the further lines of an SMS become one."""

MAX_STACKED_MARKS: Final = 6
"""Combining marks in a row. Hebrew with points and accents reaches five, and so do Tibetan stacks; piles that climb
over other lines begin at about eight. Beyond: `bad_text`."""

_LINE_END = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_BLANK_LINES = re.compile(r"\n(?:[^\S\n]*\n){2,}")
_CUT_MARK: Final = "\u2026"

_FLAG = "\U0001f3f4[\U000e0020-\U000e007e]{1,30}\U000e007f"
"""The flag of a region, such as Scotland's: the one honest use of tags (UTS #51, annex C)."""
_TURNS = "\u202a-\u202e\u2066-\u2069"
"""Embeddings, overrides and isolates (UAX #9 §2). The mere marks of direction, which Arabic and Hebrew need, pass."""
_HIDDEN = "\ufff9-\ufffb\U000e0000-\U000e007f"
"""Annotations between lines, and tags outside a flag: text that nobody sees."""
_NO_CHARACTER = "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"

_FAULT = re.compile(f"{_FLAG}|([\x00-\x08\x0b-\x1f\x7f-\x9f{_TURNS}{_HIDDEN}{_NO_CHARACTER}])")
"""Group 1 is a character that is not accepted; a match without it is a flag."""
_MAY_PILE = re.compile(f"[\u0300-\U0010ffff]{{{MAX_STACKED_MARKS + 1},}}")
"""Marks are found only here, so that most text is never looked at letter by letter."""

_PLAIN = re.compile("[ -~\u00a1-\u00ac\u00ae-\u02ff\u2018-\u201d\u2026\u20ac]*")
"""Blanks and characters that are seen and stand for themselves: what most texts of Western Europe consist of, and
nothing of which has to be put right."""

_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0\u1cbb")
"""Letters and symbols by their category, and yet nothing to see: Hangul fillers, the empty Braille pattern."""
_UNSEEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp", "Mn", "Me"})


class Removed(StrEnum):
    """What `cleaned_text` had to take away."""

    CONTROLS = "controls"
    DIRECTION = "direction"
    """Characters that turn the direction of text."""
    HIDDEN = "hidden"
    """Characters that carry text nobody sees."""
    BROKEN = "broken"
    """Halves of characters, and numbers that are none."""
    MARKS = "marks"
    """Piled-up marks."""
    LINES = "lines"
    """Line ends over the limit."""
    END = "end"
    """What was over the limit."""


def checked_text(text: str) -> str:
    """The text as it is kept: line ends as newlines, one blank line for several, no blanks around it.

    Raises:
        InvalidInput: `text_empty` (nothing that could be seen), `text_too_long`, `bad_text`.
    """
    if not isinstance(text, str):
        raise InvalidInput(f"text is a string, not {type(text).__name__}.", code="bad_text")
    if len(text) > MAX_SUBMISSION_CHARACTERS:
        raise InvalidInput(
            f"A message has at most {MAX_SUBMISSION_CHARACTERS} characters; this has {len(text)}.",
            code="text_too_long",
        )
    kept = _LINE_END.sub("\n", text)
    if fault := fault_in(kept):
        raise InvalidInput(f"text has {fault}.", code="bad_text")
    if not is_visible(kept):
        raise InvalidInput("text is empty.", code="text_empty")
    kept = _BLANK_LINES.sub("\n\n", kept.strip())
    if (lines := kept.count("\n") + 1) > MAX_SUBMISSION_LINES:
        raise InvalidInput(
            f"A message has at most {MAX_SUBMISSION_LINES} lines; this has {lines}.", code="text_too_long"
        )
    return kept


def cleaned_text(text: str) -> tuple[str, tuple[Removed, ...]]:
    """The text with everything put right that `checked_text` would refuse, and what was taken away for that.

    Never raises. Empty when nothing is left that could be seen; anything else passes `checked_text` unchanged.
    """
    if len(text) <= MAX_SUBMISSION_CHARACTERS and _PLAIN.fullmatch(text):
        return text.strip(), ()
    return _put_right(text)


def _put_right(text: str) -> tuple[str, tuple[Removed, ...]]:
    removed: set[Removed] = set()
    kept = _LINE_END.sub("\n", _whole_characters(text, removed))
    kept = _BLANK_LINES.sub("\n\n", _without_faults(kept, removed).strip())
    if kept.count("\n") >= MAX_SUBMISSION_LINES:
        removed.add(Removed.LINES)
        *first, rest = kept.split("\n", MAX_SUBMISSION_LINES - 1)
        kept = "\n".join([*first, " ".join(rest.split("\n"))])
    if len(kept) > MAX_SUBMISSION_CHARACTERS:
        removed.add(Removed.END)
        kept = _cut(kept).rstrip() + _CUT_MARK
    if not is_visible(kept):
        kept = ""
    return kept, tuple(what for what in Removed if what in removed)


def fault_in(text: str) -> str | None:
    """What is not accepted in the text and at which character, as the end of a sentence; None when nothing is."""
    for found in _FAULT.finditer(text):
        if found[1]:
            return f"{_described(found[1])} at character {found.start() + 1}, which is not accepted"
    piles = _piles(text)
    return f"more than {MAX_STACKED_MARKS} combining marks in a row at character {piles[0][0] + 1}" if piles else None


def is_visible(text: str) -> bool:
    """Whether there is anything to be seen: not only blanks, marks and characters without a shape."""
    return any(character not in _BLANK and category(character) not in _UNSEEN_CATEGORIES for character in text)


def _described(character: str) -> str:
    code = ord(character)
    return f"half a character (surrogate U+{code:04X})" if 0xD800 <= code <= 0xDFFF else f"U+{code:04X}"


def _piles(text: str) -> list[tuple[int, int]]:
    """Where marks are piled too high: from the first one to after the last."""
    if text.isascii():
        return []
    return [pile for found in _MAY_PILE.finditer(text) for pile in _rows_of_marks(text, *found.span())]


def _rows_of_marks(text: str, begin: int, end: int) -> list[tuple[int, int]]:
    rows, first = [], None
    for index in range(begin, end + 1):
        if index < end and category(text[index]) in ("Mn", "Me"):
            first = index if first is None else first
        elif first is not None:
            if index - first > MAX_STACKED_MARKS:
                rows.append((first, index))
            first = None
    return rows


def _whole_characters(text: str, removed: set[Removed]) -> str:
    """Pairs of halves become the character that they stand for; a half alone becomes U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        if "\ufffd" in whole:
            removed.add(Removed.BROKEN)
        return whole
    return text


def _without_faults(text: str, removed: set[Removed]) -> str:
    def without(found: re.Match[str]) -> str:
        if not found[1]:
            return found[0]
        removed.add(_kind_of(found[1]))
        return ""

    kept = _FAULT.sub(without, text)
    for first, end in reversed(_piles(kept)):
        removed.add(Removed.MARKS)
        kept = kept[: first + MAX_STACKED_MARKS] + kept[end:]
    return kept


def _kind_of(character: str) -> Removed:
    match category(character):
        case "Cc":
            return Removed.CONTROLS
        case "Cf":
            return Removed.DIRECTION if character <= "\u2069" else Removed.HIDDEN
        case _:
            return Removed.BROKEN


def _cut(text: str) -> str:
    """So much that a mark fits behind it, ending between two characters as people count them."""
    end = MAX_SUBMISSION_CHARACTERS - len(_CUT_MARK)
    # A flag, the longest that must not be cut, has 33; rows of joined emoji without an end are cut anywhere.
    while end > MAX_SUBMISSION_CHARACTERS - 100 and (_continues(text[end]) or text[end - 1] == "\u200d"):
        end -= 1
    return text[:end]


def _continues(character: str) -> bool:
    return category(character)[0] == "M" or character == "\u200d" or "\U000e0020" <= character <= "\U000e007f"
