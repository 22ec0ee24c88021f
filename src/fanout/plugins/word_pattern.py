"""One regular expression for a whole list of words: a tree of their letters, walked once from each word's beginning.

A letter stands for itself, for the signs that are written in its place, and for itself stretched. Every repetition is
possessive and every letter after it another one, so that no text makes the search go back: the time is linear in the
text's length, whatever it says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Final

from fanout.plugins.folding import folded
from fanout.plugins.options import refused

MAX_ENTRY_CHARACTERS: Final = 80
"""Characters of one entry: it is a word or a short phrase."""

_WRITTEN_AS: Final = {
    "a": "a4@*", "b": "b8", "e": "e3€*", "g": "g9", "i": "i1!|*", "l": "l1|", "o": "o0*", "s": "s5$", "t": "t7+",
    "u": "u*", "y": "y*",
}  # fmt: skip
"""Digits and signs that pass for letters; a star hides a vowel."""

_SHORT: Final = 5
"""Shorter words don't count with a letter just doubled (`bitte` is a bollard); three of it are a shout in any word."""

_LEAST_SPELLED: Final = 4
"""Letters that an entry needs to be looked for inside of letters set apart, where nobody sees the ends of words."""

_SEPARATORS: Final = r"[^\w@$*]+"
_BETWEEN_WORDS: Final = r"[\W_]{1,3}+"
_WORD_BEGINS: Final = r"(?<![\w@$])"
_NO_STAR: Final = r"(?!\*)"
_WORD_ENDS: Final = r"s?+(?!\w)"


def check_entry(plugin: str, option: str, entry: str) -> None:
    """Do nothing if this can be an entry.

    Raises:
        ConfigurationError: It has no letter, or is too long.
    """
    if len(entry) > MAX_ENTRY_CHARACTERS or not any(character.isalnum() for character in entry):
        raise refused(plugin, option, f"{entry!r} is no word or phrase of at most {MAX_ENTRY_CHARACTERS} characters.")


class WordPattern:
    """Finds entries in folded texts.

    Args:
        rules: For each entry, what to call it when it is found.
        allowed: Entries in which a match does not count.
    """

    def __init__(self, rules: Mapping[str, str], allowed: Iterable[str]) -> None:
        self._words = _Finder(rules)
        long = {entry: rule for entry, rule in rules.items() if sum(map(str.isalnum, entry)) >= _LEAST_SPELLED}
        self._spelled = _Finder({f"*{entry.strip('*').replace(' ', '')}*": rule for entry, rule in long.items()})
        self._allowed = _Finder(dict.fromkeys(allowed, ""))

    def rule_in(self, text: str, *, spelled: bool = False) -> str | None:
        """What the first entry in the text that counts is called. `spelled`: the words were set letter by letter."""
        allowed: list[tuple[int, int]] | None = None
        for begin, end, rule in (self._spelled if spelled else self._words).finds(text):
            if allowed is None:
                allowed = [(first, last) for first, last, _ in self._allowed.finds(text)]
            if not any(first <= begin and end <= last for first, last in allowed):
                return rule
        return None


class _Finder:
    """Entries as one expression; an empty group behind each says which it was."""

    def __init__(self, rules: Mapping[str, str]) -> None:
        whole, inside = _Node(), _Node()
        for entry, rule in rules.items():
            (inside if entry.startswith("*") else whole).add(_steps(entry), rule)
        self._rules: list[str] = []
        branches = [node.pattern(self._rules) for node in (whole, inside) if node.follows]
        self._finds = re.compile("|".join(branches) or r"(?!)").finditer

    def finds(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Where each match begins and ends, and what its entry is called."""
        for found in self._finds(text):
            yield found.start(), found.end(), self._rules[(found.lastindex or 1) - 1]


class _Node:
    """What may follow what was read so far; under the empty step, what to call the entry that ends here."""

    __slots__ = ("follows", "rule")

    def __init__(self) -> None:
        self.follows: dict[str, _Node] = {}
        self.rule = ""

    def add(self, steps: Iterable[str], rule: str) -> None:
        node = self
        for step in steps:
            node = node.follows.setdefault(step, _Node())
        node.rule = node.rule or rule
        node.follows.setdefault("", node)

    def pattern(self, rules: list[str]) -> str:
        """The expression for everything from here on; the rules' names are appended in the order of their groups."""
        branches = []
        for step, node in self.follows.items():
            if node is self:
                rules.append(self.rule)
                branches.append("()")
            else:
                branches.append(step + node.pattern(rules))
        return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"


def _steps(entry: str) -> list[str]:
    """The expressions for an entry's letters, one after another, with what must stand before and behind them."""
    anywhere, stem = entry.startswith("*"), entry.endswith("*")
    words = [word for word in re.split(_SEPARATORS, folded(entry.strip("*"))) if word]
    steps: list[str] = []
    for word in words:
        if steps:
            steps.append(_BETWEEN_WORDS)
        steps += _letters(word)
    steps[0] = _NO_STAR + steps[0]
    steps.insert(0, f"(?<!{_sign(words[0][0], hidden=False)})" if anywhere else _WORD_BEGINS)
    return steps if stem else [*steps, _WORD_ENDS]


def _letters(word: str) -> list[str]:
    steps = []
    for letter, run in groupby(word):
        sign, again, length = _sign(letter), _sign(letter, hidden=False), len(list(run))
        if length > 1:
            steps.append(f"{again}{{{length},}}+")
        elif len(word) < _SHORT:
            steps.append(f"{sign}(?:{again}{again}++)?+(?!{again})")
        else:
            steps.append(f"{sign}{again}*+")
    return steps


def _sign(letter: str, *, hidden: bool = True) -> str:
    """The letter and what is written for it; `hidden`: a star, too. Only one star is, so that a row of them is nothing
    to go through again and again."""
    written = _WRITTEN_AS.get(letter, letter)
    return f"[{re.escape(written if hidden else written.replace('*', '') or letter)}]"
