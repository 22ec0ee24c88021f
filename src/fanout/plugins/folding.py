"""One form for texts that a reader takes for the same: without case, accents, look-alike letters and what is not seen.

Filters that compare texts compare these. The steps: compatibility forms become plain ones (`ﬁ`, `ｅ`, `𝓮`, `①`),
accents and invisible characters go, letters of other scripts that look Latin become Latin, capitals become small.
Letters that look like no other stay as they are.
"""

# ruff: noqa: RUF001, RUF002

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from unicodedata import normalize

_REMEMBERED_TEXTS: Final = 256
"""Foldings kept, so that several filters on one submission fold it once; about as many as are under review at once."""

_UNSEEN = re.compile(
    "[\u00ad\u0300-\u036f\u0483-\u0489\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u1ab0-\u1aff\u1dc0-\u1dff"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u20d0-\u20ff\u3164\ufe00-\ufe0f\ufe20-\ufe2f\ufeff\uffa0"
    "\U000e0000-\U000e01ef]+"
)
"""Marks above and below, joiners, fillers, direction, tags: nothing of it makes another word for whoever reads."""

_LOOKS_LATIN: Final = {
    "a": "аαɑᴀ", "b": "Вʙъьᏼ", "c": "сϲᴄ", "d": "ԁᴅđð", "e": "еɛεҽєᴇəз", "f": "ƒꜰ", "g": "ɡɢց", "h": "һʜհн",
    "i": "іɩιıɪӏǀ", "j": "јʝᴊ", "k": "кκᴋĸ", "l": "ⅼʟłן", "m": "мϻᴍ", "n": "ոпռηɴи", "o": "оοσօøᴏ", "p": "рρᴘ",
    "q": "ԛգ", "r": "гᴦʀя", "s": "ѕꜱ", "t": "тτᴛŧ", "u": "υսцʋᴜ", "v": "ѵνᴠ", "w": "ԝшщωᴡ", "x": "хχ", "y": "уүγʏ",
    "z": "ᴢ", "ae": "æ", "oe": "œ", "ss": "ß", "'": "’‘ʼ′",
}  # fmt: skip
"""After lower case. Only what passes for the letter at reading speed (compare UTS #39)."""

_TO_LATIN: Final = {
    ord(foreign): latin for latin, look_alikes in _LOOKS_LATIN.items() for foreign in look_alikes.lower()
}
_FOREIGN = re.compile("[" + "".join(map(re.escape, map(chr, _TO_LATIN))) + "]")
_NOT_ONE_BYTE: Final = b"\xff"


def _folded(text: str) -> str:
    plain = _UNSEEN.sub("", normalize("NFKD", text)).lower()
    return plain.translate(_TO_LATIN) if _FOREIGN.search(plain) else plain


def _western_table() -> bytes:
    """What each byte of Windows-1252 folds to, where that is one byte again; otherwise, `_NOT_ONE_BYTE`."""
    table = bytearray()
    for byte in range(256):
        plain = _folded(bytes([byte]).decode("cp1252", "replace"))
        one = plain.encode("cp1252", "replace") if len(plain) == 1 else b""
        table += one if one and (one != b"?" or byte == ord("?")) else _NOT_ONE_BYTE
    return bytes(table)


_WESTERN: Final = _western_table()


@lru_cache(_REMEMBERED_TEXTS)
def folded(text: str) -> str:
    """The text in the form to compare. Its length may differ; spaces, digits and punctuation stay."""
    if text.isascii():
        return text.lower()
    try:  # Western texts by table: five times as fast, and the same
        western = text.encode("cp1252").translate(_WESTERN)
    except UnicodeEncodeError:
        return _folded(text)
    return _folded(text) if _NOT_ONE_BYTE in western else western.decode("cp1252")
