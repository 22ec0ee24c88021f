"""What looks like what: names written so that a reader takes them for somebody else's.

Two names look alike when they have the same skeleton, as in Unicode's UTS #39 §4. Ours goes further, because it only
ever compares with a few protected names: case, accents and what can't be seen are dropped, digits and signs that stand
for letters are read as such, and `i` and `l` are one letter, as capital `I` and small `l` are to the eye.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from unicodedata import category, normalize

_LOOKS_LIKE: Final = {
    "a": "0251 03b1 0430 13aa 15c5 237a a4ee 102a0 16f40",
    "aa": "a733",
    "ae": "00e6 04d5",
    "ao": "a735",
    "au": "a737",
    "av": "a739 a73b",
    "ay": "a73d",
    "b": "0185 03b2 0432 044c 13cf 13f4 1472 15af 15f7 a4d0 a7b5 10282 102a1 10301",
    "bi": "044b",
    "c": "03c3 0441 13df 1d04 2ca5 a4da 102a2 10302 1043d 1051c 118e9 118f2 1f74c",
    "d": "00f0 0111 0256 0501 13a0 13e7 146f 15de 15ea a4d2 a4d3",
    "dz": "02a3",
    "e": "03b5 0435 04bd 13ac 1d07 212e 22ff 2d39 a4f0 ab32 10286 118c6 118ce",
    "f": "03dd 0584 15b4 1e9d a4dd a799 ab35 10287 102a5 10525 118c2 1d213",
    "g": "018d 0261 0262 050d 0581 13c0 13f3 1d83 a4d6",
    "h": "03b7 043d 0127 04bb 0570 13bb 13c2 157c 2c8f a4e7 102cf",
    "i": "0131 0142 01c0 0269 026a 03b9 0456 04cf 06f1 13a5 13de 14aa 16c1 2223 2373 23fd 2502 2c93 2cd1 2d4f a4e1 a4f2"
    " a647 1028a 10309 10320 10443 10526 118c3 118d2 16f16 16f28 1d22a",
    "ii": "01c1 2016 2225",
    "io": "044e",
    "is": "02aa",
    "iz": "02ab",
    "j": "0237 029d 03f3 0458 13ab 148d a4d9",
    "k": "03ba 043a 13e6 16d5 1d0b 2c95 a4d7 10518",
    "m": "03bc 03fb 043c 13b7 15f0 16d6 1d0d 2c99 a4df 102b0 10311 11700 118e3",
    "n": "0274 0438 0578 057c 1d0e 2c9b a4e0 10513",
    "o": "00f8 03bf 043e 0585 06f5 0966 09e6 0a66 0ae6 0b20 0b66 0be6 0c02 0c66 0c82 0ce6 0d02 0d20 0d66 0d82 0e50 0ed0"
    " 101d 1040 10ff 12d0 1d0f 1d11 2c9f 2d54 3007 a4f3 ab3d 10292 102ab 1042c 104ea 10516 114d0 118c8 118d5 118d7"
    " 118e0",
    "oe": "0153",
    "oo": "221e a699 a74f",
    "p": "03c1 0440 13e2 146d 1d18 2374 2ca3 a4d1 10295",
    "q": "051b 0563 0566 2d55",
    "r": "0280 0433 13a1 13b1 13d2 1587 1d26 2c85 a4e3 ab47 ab48 104dc 16f35 1d216",
    "s": "01bd 0455 057f 13d5 13da a4e2 a731 10296 10448 118c1 16f3a",
    "t": "03c4 0442 13a2 1d1b 22a4 27d9 2ca7 a4d4 10297 102b1 10315 118dc 16f0a 1f768",
    "tf": "a777",
    "th": "00fe",
    "ts": "02a6",
    "u": "028b 03c5 057d 1200 144c 1d1c 222a 22c3 a4f4 a79f ab4e ab52 104f6 118d8 16f42",
    "ue": "1d6b",
    "uo": "ab63",
    "v": "03bd 0475 06f7 13d9 142f 1d20 2228 22c1 2d38 a4e6 a6df 1051d 11706 118c0 16f08 1d20d",
    "w": "026f 03c9 0448 0461 051d 0561 13b3 13d4 1d21 a4ea 1170a 1170e 1170f 118e6 118ef",
    "x": "00d7 03c7 0445 1541 157d 166d 166e 16b7 2573 292b 292c 2a2f 2cad 2d5d a4eb ab53 10290 102b4 10317 10322 10527"
    " 118ec",
    "y": "0263 028f 03b3 0443 04af 10e7 13a9 13bd 1d8c 1eff 2ca9 a4ec ab5a 102b2 118c4 16f43",
    "z": "03b6 13c3 1d22 a4dc 102f5 118c9 118e5",
}
"""Letters of other scripts, as hexadecimal code points once compatibility forms, case and accents are gone, by the
letters they are taken for. From the Unicode Consortium's confusables.txt (UTS #39 data files); `l` is written `i` and
`rn` is written `m`. Added: small capitals, letters with a stroke, ð and þ, which that file keeps apart."""

_SIGNS: Final = dict(zip("01345789@$!|+(\u20ac\u20b1\u00a1", "oieastbgasiitcepi", strict=True))
"""Digits and signs that are written for letters."""

_READ_AS: Final = str.maketrans(
    {chr(int(code, 16)): like for like, codes in _LOOKS_LIKE.items() for code in codes.split()} | _SIGNS | {"l": "i"}
)

_UNSEEN: Final = frozenset({"Mn", "Me", "Cf", "Cc"})
_FILLERS: Final = "\u115f\u1160\u2800\u3164\uffa0"

_SPACE = re.compile(r"[\s_./\\,;:\-\u2010-\u2015\u00b7]+")
_PIECE = re.compile(r"[^\W_]+")
_ENDS = re.compile(r"^[\W_]+|[\W_]+$")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")


def skeleton(word: str) -> str:
    """What is left of a word for the eye: names that look alike have the same."""
    return _plain(word).casefold().translate(_READ_AS).replace("rn", "m").replace("vv", "w")


Readings = Sequence[Sequence[frozenset[str]]]
"""A name as words, in each of the ways in which it might be read; of each word, the skeletons that it may have."""


class ProtectedName:
    """A name that nobody else may bear, nor one that looks like it or has it in it."""

    __slots__ = ("_whole",)

    def __init__(self, name: str) -> None:
        self._whole = "".join(skeleton(piece) for piece in _PIECE.findall(_plain(name)))

    def is_borne_by(self, readings: Readings) -> bool:
        """Whether the name, or some of its words in a row, look like this one however they are spaced."""
        return bool(self._whole) and any(_holds(words, self._whole) for words in readings)

    def is_spelled_by(self, readings: Readings) -> bool:
        """Whether all of the name's words together look like this one: `Ma rie`, and not `Marie Dupont`, as `Marie`."""
        return bool(self._whole) and any(_spells(words, self._whole) for words in readings)


def readings(name: str) -> Readings:
    """What to compare with protected names: made once for each name, as it is most of the work."""
    plain = _plain(name)
    humps = [hump for piece in _PIECE.findall(plain) for hump in _HUMP.split(piece)]
    return [[_skeletons(word) for word in words] for words in (_SPACE.split(plain), humps)]


def _skeletons(word: str) -> frozenset[str]:
    """Signs and digits at the ends of a word may be letters, or mere ornament."""
    bare = _ENDS.sub("", word)
    forms = (word, bare, bare.strip("0123456789"))
    return frozenset("".join(_PIECE.findall(skeleton(form))) for form in forms)


def _plain(text: str) -> str:
    """Compatibility forms (fullwidth, mathematical, circled…) as plain letters, without accents and what is unseen."""
    if text.isascii():
        return text
    return "".join(
        letter for letter in normalize("NFKD", text) if category(letter) not in _UNSEEN and letter not in _FILLERS
    )


def _holds(words: Sequence[frozenset[str]], whole: str) -> bool:
    """Whether some words in a row, each in one of its skeletons, are the whole."""
    reached: set[int] = set()
    for skeletons in words:
        starts = {0, *reached}
        reached = {start + len(each) for start in starts for each in skeletons if whole.startswith(each, start)}
        if len(whole) in reached:
            return True
    return False


def _spells(words: Sequence[frozenset[str]], whole: str) -> bool:
    """Whether all the words, each in one of its skeletons, are the whole."""
    reached = {0}
    for skeletons in words:
        reached = {start + len(each) for start in reached for each in skeletons if whole.startswith(each, start)}
    return len(whole) in reached
