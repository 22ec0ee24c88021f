"""Holds or rejects texts with words from lists, whatever is done to hide them, and leaves Scunthorpe alone.

Words are found through case, accents, look-alike letters, digits for letters (`m3rd3`), stretched letters (`meeerde`),
a star for a vowel (`m*rde`), and letters set apart (`m e r d e`, `m.e.r.d.e`, `mer_de`). An entry is a whole word, with
or without an `s`; `merd*` is every word that begins so, `*fuck*` is found inside words too, and an entry may be a
phrase. A match inside an allowed word or phrase is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from fanout.plugins import ConfigurationError, RoomView, Submission, Verdict, hold, reject
from fanout.plugins.folding import folded
from fanout.plugins.options import check_choice, check_text, check_texts
from fanout.plugins.word_pattern import WordPattern, check_entry

NAME: Final = "words"
MAX_ENTRIES: Final = 20_000
"""Entries of all lists together: the pattern of so many takes some seconds to make, and about 30 MiB. Beyond: a
`ConfigurationError`."""

LISTS: Final = {"insults_fr": "hold", "hate_fr": "hold", "insults_en": "hold", "hate_en": "hold"}
"""The lists that come with fanout, and what is done by default: a human looks."""

_FOLDER: Final = Path(__file__).parent / "word_lists"
_ACTIONS: Final = ("hold", "reject")

_INSIDE_WORD = re.compile(r"(?<=[^\W\d_])[._*~+,;:/\\|-]{1,3}+(?=[^\W\d_])")
_SPELLED = re.compile(r"(?<![\w@$])[\w@$](?:[^\w@$\n]{1,3}+[\w@$!](?![\w@$])){2,}+")
_NO_LETTER = re.compile(r"[^\w@$!]+")


class WordList:
    """Options:

    Args:
        lists: Which of the shipped lists to use, and what to do on a match: `"hold"` or `"reject"`.
        hold, reject: More entries for each.
        files: Paths of more lists, one entry a line, `#` begins a comment; and what to do on a match.
        allow: Words and phrases in which a match does not count.
        reason: What the author of a rejected text reads. It never says which word.
    Raises:
        ConfigurationError: An option that can't be used, or a file that can't be read.
    """

    name = NAME

    def __init__(
        self,
        *,
        lists: Mapping[str, str] = LISTS,
        hold: Sequence[str] = (),
        reject: Sequence[str] = (),
        files: Mapping[str, str] | None = None,
        allow: Sequence[str] = (),
        reason: str = "Please say this in other words.",
    ) -> None:
        self._reason = check_text(NAME, "reason", reason)
        rules: dict[str, dict[str, str]] = {"reject": {}, "hold": {}}
        for where, action, entries in (
            ("reject", "reject", check_texts(NAME, "reject", reject)),
            ("hold", "hold", check_texts(NAME, "hold", hold)),
            *_shipped(lists),
            *_files(files or {}),
        ):
            for entry in entries:
                check_entry(NAME, where, entry)
                rules[action].setdefault(entry, f"{where}: {entry}")
        if sum(map(len, rules.values())) > MAX_ENTRIES:
            raise ConfigurationError(f"plugins.{NAME}", f"the lists have at most {MAX_ENTRIES} entries together.")
        allowed = [*_entries(_FOLDER / "allowed.txt"), *check_texts(NAME, "allow", allow)]
        for entry in allowed:
            check_entry(NAME, "allow", entry)
        self._patterns = [(action, WordPattern(entries, allowed)) for action, entries in rules.items() if entries]

    async def review_submission(self, submission: Submission, room: RoomView) -> Verdict | None:
        """Reject or hold by the first rule that fires; rejection goes first."""
        readings = _readings(folded(submission.text))
        for action, pattern in self._patterns:
            for text, spelled in readings:
                if rule := pattern.rule_in(text, spelled=spelled):
                    return reject(self._reason, rule=rule) if action == "reject" else hold("A listed word.", rule=rule)
        return None


def _readings(text: str) -> list[tuple[str, bool]]:
    """The text as it stands, without punctuation inside words, and what is spelled letter by letter as one word."""
    readings = [(text, False)]
    joined = _INSIDE_WORD.sub("", text)
    if joined != text:
        readings.append((joined, False))
    spelled = [_NO_LETTER.sub("", found[0]) for found in _SPELLED.finditer(text)]
    if spelled:
        readings.append((" ".join(spelled), True))
    return readings


def _shipped(lists: Mapping[str, str]) -> Iterable[tuple[str, str, list[str]]]:
    if not isinstance(lists, Mapping):
        raise ConfigurationError(f"plugins.{NAME}.lists", 'is a table, such as { insults_fr = "hold" }.')
    for name, action in lists.items():
        check_choice(NAME, "lists", name, LISTS)
        yield name, check_choice(NAME, f"lists.{name}", action, _ACTIONS), _entries(_FOLDER / f"{name}.txt")


def _files(files: Mapping[str, str]) -> Iterable[tuple[str, str, list[str]]]:
    if not isinstance(files, Mapping):
        raise ConfigurationError(f"plugins.{NAME}.files", 'is a table, such as { "names.txt" = "hold" }.')
    for path, action in files.items():
        check_choice(NAME, f"files.{path}", action, _ACTIONS)
        try:
            yield Path(path).stem, action, _entries(Path(path))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"plugins.{NAME}.files", f"{path} can't be read as UTF-8 text: {error}") from None


def _entries(path: Path) -> list[str]:
    lines = (line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines())
    return [line for line in lines if line]
