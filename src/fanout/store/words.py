"""Which words a text has, for searching: the same for every store, so that they find the same."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from fanout.core.submission import Submission

MOST_WORDS: Final = 16
"""Words that a search goes by; more make it no narrower in practice, and each costs time."""

_WORD: Final = re.compile(r"[^\W_]+")


def words_of(text: str) -> list[str]:
    """Its runs of letters and digits, without case and accents."""
    if not text.isascii():
        text = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
        return _WORD.findall(text.casefold())
    return _WORD.findall(text.lower())


def searched_text(submission: Submission) -> str:
    """What a search looks through."""
    return f"{submission.text}\n{submission.original or ''}\n{submission.name}"


@dataclass(frozen=True, slots=True)
class Search:
    """The words asked for: whole ones, and the beginning of one."""

    whole: frozenset[str]
    beginning: str

    def fits(self, submission: Submission) -> bool:
        """Whether all of them are in it."""
        words = set(words_of(searched_text(submission)))
        return self.whole <= words and any(word.startswith(self.beginning) for word in words)


def search_of(asked: str) -> Search | None:
    """What is asked for; None when there is no word in it."""
    words = words_of(asked)[:MOST_WORDS]
    return Search(frozenset(words[:-1]), words[-1]) if words else None
