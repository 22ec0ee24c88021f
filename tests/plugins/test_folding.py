"""Texts that a reader takes for the same fold to the same; the fast way and the slow one agree."""

# ruff: noqa: RUF001

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.plugins.folding import _folded, folded


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("L’ÉTÉ à Lœuvre", "l'ete a loeuvre"),
        ("Straße ½", "strasse 1⁄2"),
        ("ＡＢＣ ① 𝓶", "abc 1 m"),
        ("раypal", "paypal"),
        ("e\u0301\u200b\ufeff!", "e!"),
        ("Ελλάδα", "eλλaδa"),
        ("日本 5 €", "日本 5 €"),
    ],
)
def test_what_reads_the_same_folds_to_the_same(text: str, form: str):
    assert folded(text) == form


@given(st.text(st.characters(codec="cp1252")))
def test_western_texts_fold_by_table_as_all_others_do(text: str):
    assert folded(text) == _folded(text)


@given(st.text())
def test_any_text_folds_and_what_is_folded_stays(text: str):
    assert folded(folded(folded(text))) == folded(folded(text))
