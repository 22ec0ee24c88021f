"""The texts that are shipped for tests of plug-ins are what their kinds say."""

from __future__ import annotations

import pytest

from fanout.core.submitted_text import checked_text, cleaned_text
from fanout.errors import InvalidInput
from fanout.testing.recorded_texts import KINDS, recorded_texts

REFUSED = {"zalgo": "bad_text", "bidi": "bad_text", "over_long": "text_too_long"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_texts_and_none_twice(kind: str):
    texts = recorded_texts(kind)
    assert len(texts) >= 3
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in REFUSED and kind != "empty_looking"])
def test_what_people_write_is_accepted_as_it_is(kind: str):
    assert [text for text in recorded_texts(kind) if checked_text(text) != text] == []


@pytest.mark.parametrize("kind", REFUSED)
def test_what_steers_or_never_ends_is_refused_and_can_be_put_right(kind: str):
    for text in recorded_texts(kind):
        with pytest.raises(InvalidInput) as caught:
            checked_text(text)
        assert caught.value.code == REFUSED[kind]
        assert checked_text(cleaned_text(text)[0])


def test_nothing_is_left_of_what_only_looks_like_text():
    assert {cleaned_text(text)[0] for text in recorded_texts("empty_looking")} == {""}


def test_an_unknown_kind_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match="shouting"):
        recorded_texts("shoutin")
