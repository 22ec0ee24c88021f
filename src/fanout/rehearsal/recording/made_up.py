"""Made-up texts of a given shape: as many characters of each length in UTF-8, as many links, and nobody's words."""

from __future__ import annotations

import random
import re
from typing import Final

from fanout.moderation.names import MAX_VISITOR_NAME_CHARACTERS
from fanout.rehearsal.recording.acts import Shape

MARK_BYTES: Final = 26
"""The longest mark of a time at the end of a text (`fanout.client.crowd.reading.SENT_IN_TEXT`): nanoseconds since a
machine's start, up to thirty years."""

DATA_MARK_BYTES: Final = 60
"""The same as data: `{"sent_ns":"…","made_up":""}`."""

_LINK: Final = re.compile(r"(?i:https?://|www\.)\S")
_A_LINK: Final = "http://a.example "

_LETTERS: Final = "eeeeaaaiiioootnrsdlcmpu" + 4 * " "
"""Of one byte, about as often as in French, and a blank every seventh."""
_LONGER: Final = ("éèàçùêôßñø", "日本語中文字한국어", "🙂🎤🎶👏🌍")
"""Of two, three and four bytes."""


def shape_of(text: str) -> Shape:
    """What is kept of a text."""
    links = len(_LINK.findall(text)) if "." in text or ":" in text else 0
    if text.isascii():
        return Shape(len(text), links=links)
    # By what each encoding makes of them, and not letter by letter: there may be a million texts.
    one = len(text.encode("ascii", "ignore"))
    four = len(text.encode("utf-16-le")) // 2 - len(text)
    others = len(text) - one - four
    three = len(text.encode()) - one - 4 * four - 2 * others
    return Shape(one, others - three, three, four, links)


def made_up(shape: Shape, words: int, mark: str = "") -> str:
    """A text of that shape: the same for the same `words`. `mark` stands at its end, and is a part of its length where
    there is room for it; where there is none it is left out."""
    chance, one = random.Random(words), shape.one
    if len(mark) < one:
        one -= len(mark)
    else:
        mark = ""
    links = max(0, min(shape.links, (one - 1) // len(_A_LINK)))
    letters = chance.choices(_LETTERS, k=one - links * len(_A_LINK))
    for alphabet, count in zip(_LONGER, (shape.two, shape.three, shape.four), strict=True):
        for letter in chance.choices(alphabet, k=count):
            letters.insert(chance.randint(0, len(letters)), letter)
    for end in (0, -1) if letters else ():
        if letters[end] == " ":  # which the server would take away
            letters[end] = "e"
    return _A_LINK * links + "".join(letters) + mark


def pseudonym(person: int, size: int) -> str:
    """A name for somebody, of so many bytes where that is possible."""
    name = f"Visitor {person}"
    name = name if len(name) <= size else f"V{person}"
    return name.ljust(min(size, MAX_VISITOR_NAME_CHARACTERS), "x")
