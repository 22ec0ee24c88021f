"""What is said in the demo is whole: one language in one sentence."""

from __future__ import annotations

import re
from itertools import islice

from fanout.server.demo.evening import EVENING, Line, questions, remarks

ENGLISH = frozenset(
    "the of and is are what who how that this we they where with have has been not our your about it".split()  # noqa: SIM905
)
FRENCH = frozenset(
    "le la les l des que qui vous nous est ce pour avec et une un en il plus votre notre sur ne à".split()  # noqa: SIM905
)


def languages(text: str) -> set[str]:
    """Those that a text has function words of."""
    words = set(re.findall(r"\w+", text.lower()))
    return {name for name, known in (("en", ENGLISH), ("fr", FRENCH)) if words & known}


def test_no_sentence_mixes_two_languages():
    said = [line.text for line in EVENING if isinstance(line, Line)]
    said += [text for texts in (questions(), remarks()) for _, text in islice(texts, 400)]
    assert [text for text in said if len(languages(text)) > 1] == []


def test_both_languages_are_spoken_on_stage_asked_in_and_spaced_as_each_is():
    asked = [text for _, text in islice(questions(), 60)]
    assert [text for text in asked if not languages(text)] == []
    assert {language for text in asked for language in languages(text)} == {"en", "fr"}
    for text in (*asked, *(line.text for line in EVENING if isinstance(line, Line))):
        assert ("fr" in languages(text)) or not re.search(r"\s[?;:!]", text), text
        assert ("en" in languages(text)) or not re.search(r"\w[?;:!]", text), text
