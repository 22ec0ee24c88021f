"""What a visitor may write, what is refused, and that what is put right would have passed."""

# ruff: noqa: RUF001  (letters of every script are what this is about)

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fanout.core.limits import MAX_TEXT_BYTES
from fanout.core.say import Say, checked
from fanout.core.submitted_text import (
    _PLAIN,
    MAX_SUBMISSION_CHARACTERS,
    MAX_SUBMISSION_LINES,
    Removed,
    _put_right,
    checked_text,
    cleaned_text,
)
from fanout.errors import InvalidInput

SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
ACUTE = "\u0301"

REAL = [
    "Pourquoi le SMIC n'augmente-t-il que de 5 % ?",
    "À l'été, où l'œuvre naît… « déjà »",
    "Tie\u0302\u0301ng Vie\u0323\u0302t, tiếng Việt",
    "e\u0301 e\u0301te\u0301",
    "हिन्दी में क्षत्रिय और ज़्यादा",
    "مُحَمَّدٌ رَسُولُ ٱللَّٰهِ",
    "בְּרֵאשִׁ֖ית בָּרָ֣א אֱלֹהִ֑ים",
    "\u200fעברית\u200e, and می\u200cخواهم",
    "ภาษาไทยน้ำ",
    "བསྒྲུབས་ ཧཱུྃ",
    "မြန်မာဘာသာ ខ្មែរ",
    "👩\u200d👩\u200d👧\u200d👦 🏳️\u200d🌈 👍🏽 1️⃣ 🇫🇷 ❤️",
    f"Alba {SCOTLAND}!",
    "日本語の質問です。 葛\U000e0100城",
    "two lines\nand a\ttab",
]


@pytest.mark.parametrize("text", REAL)
def test_what_people_really_write_passes_unchanged(text):
    assert checked_text(text) == text
    assert cleaned_text(text) == (text, ())


@pytest.mark.parametrize("end", ["\r\n", "\r", "\u2028", "\u2029", "\x0b", "\x0c", "\x85"])
def test_line_ends_become_newlines_and_blanks_around_go(end):
    assert checked_text(f"  one{end}two {end}") == "one\ntwo"
    assert cleaned_text(f"  one{end}two {end}") == ("one\ntwo", ())


@pytest.mark.parametrize(
    "text", ["", "  \n\t", "\u200b\u2060\ufeff", "\u3164", "\u2800 \u115f\uffa0", ACUTE, "\u00ad\u200d", "\u034f\ufe0f"]
)
def test_what_nobody_could_see_is_empty(text):
    with pytest.raises(InvalidInput) as caught:
        checked_text(text)
    assert caught.value.code == "text_empty"
    assert cleaned_text(text)[0] == ""


@pytest.mark.parametrize(
    ("text", "named", "left", "removed"),
    [
        ("a\x00b", "U\\+0000 at character 2", "ab", Removed.CONTROLS),
        ("a\x1b[2Jb", "U\\+001B", "a[2Jb", Removed.CONTROLS),
        ("a\x9b31mb", "U\\+009B", "a31mb", Removed.CONTROLS),
        ("a\x7fb", "U\\+007F", "ab", Removed.CONTROLS),
        ("a\u202egnp.exe", "U\\+202E", "agnp.exe", Removed.DIRECTION),
        ("a\u2066b\u2069", "U\\+2066", "ab", Removed.DIRECTION),
        ("hi\U000e0041\U000e0042", "U\\+E0041 at character 3", "hi", Removed.HIDDEN),
        (f"{SCOTLAND}\U000e0041", "U\\+E0041 at character 8", SCOTLAND, Removed.HIDDEN),
        ("a\ufff9b", "U\\+FFF9", "ab", Removed.HIDDEN),
        ("a\uffffb", "U\\+FFFF", "ab", Removed.BROKEN),
        ("a\ud83db", "surrogate U\\+D83D", "a\ufffdb", Removed.BROKEN),
        ("a" + ACUTE * 7, "combining marks in a row at character 2", "a" + ACUTE * 6, Removed.MARKS),
        ("a" + ACUTE * 8 + "b" + ACUTE * 9, "at character 2", "a" + ACUTE * 6 + "b" + ACUTE * 6, Removed.MARKS),
        ("\u20dd" * 9 + "a", "combining marks", "\u20dd" * 6 + "a", Removed.MARKS),
        ("日本" + ACUTE * 9 + "語", "at character 3", "日本" + ACUTE * 6 + "語", Removed.MARKS),
    ],
)
def test_what_steers_hides_or_piles_up_is_refused_on_the_web_and_removed_from_an_sms(text, named, left, removed):
    with pytest.raises(InvalidInput, match=named) as caught:
        checked_text(text)
    assert caught.value.code == "bad_text"
    assert cleaned_text(text) == (left, (removed,))


@pytest.mark.parametrize("value", [None, 7, b"bytes", ["a"]])
def test_what_is_no_string_is_refused(value):
    with pytest.raises(InvalidInput) as caught:
        checked_text(value)
    assert caught.value.code == "bad_text"


def test_the_longest_text_passes_and_one_more_is_refused_or_cut():
    longest = "é" * MAX_SUBMISSION_CHARACTERS
    assert checked_text(longest) == longest
    with pytest.raises(InvalidInput, match="this has 2001") as caught:
        checked_text(longest + "é")
    assert caught.value.code == "text_too_long"
    cut, removed = cleaned_text(longest + "é")
    assert cut == longest[:-1] + "…"
    assert removed == (Removed.END,)


def test_many_blank_lines_are_one_and_lines_beyond_the_limit_are_refused_or_joined():
    for blank in ("\n" * 400, "\n \n\t\n\u3000\n", "\r\n\r\n\r\n", "\n\u2028\n\n"):
        assert checked_text(f"a{blank}  b") == "a\n\n  b"
        assert cleaned_text(f"a{blank}  b") == ("a\n\n  b", ())
    assert cleaned_text("a\n\x00\n\x00\nb") == ("a\n\nb", (Removed.CONTROLS,))
    most = "\n".join("x" * MAX_SUBMISSION_LINES)
    assert checked_text(most) == most
    with pytest.raises(InvalidInput, match="at most 20 lines; this has 22") as caught:
        checked_text(f"{most}\ny\nz")
    assert caught.value.code == "text_too_long"
    assert cleaned_text(f"{most}\ny\nz") == (f"{most} y z", (Removed.LINES,))


def test_a_cut_does_not_go_through_what_people_take_for_one_character():
    family = "👩\u200d👩\u200d👧"
    for spare in range(12):
        for whole in (family, SCOTLAND, "e" + ACUTE * 3):
            cut, _ = cleaned_text("x" * (MAX_SUBMISSION_CHARACTERS - spare) + whole + "y" * 20)
            assert cut.rstrip("…y").strip("x") in ("", whole)


def test_halves_that_belong_together_are_put_together():
    assert cleaned_text("\ud83d\ude00!") == ("😀!", ())


NASTY = st.sampled_from(
    [
        *(
            "\u202e",
            ACUTE,
            ACUTE * 5,
            "\x00",
            "\x1f",
            "\r",
            "\u2028",
            "\u200d",
            "\ufe0f",
            "\u3164",
            "\ufffd",
            "日",
            "x" * 1990,
            "\n",
            "\n \n\n",
            "y\n" * 18,
        ),
        *(SCOTLAND, SCOTLAND[:3], "\U0001f3f4", "\U000e007f", "\ud83d", "\ude00"),
    ]
)


@given(st.lists(NASTY | st.text(st.characters(exclude_categories=()), max_size=20), max_size=25).map("".join))
@example("x" * 1996 + SCOTLAND)
@example((ACUTE + "\u202e") * 10)
def test_what_was_cleaned_passes_the_check_and_can_be_published(text):
    cleaned, removed = cleaned_text(text)
    if cleaned:
        assert checked_text(cleaned) == cleaned
        assert cleaned_text(cleaned) == (cleaned, ())
        assert checked([Say(cleaned)])
        assert len(cleaned.encode()) <= MAX_TEXT_BYTES
    if not removed and cleaned and len(text) <= MAX_SUBMISSION_CHARACTERS:  # what was written is counted, blanks too
        assert checked_text(text) == cleaned
    assert list(removed) == [what for what in Removed if what in removed]


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_what_passes_the_check_is_not_changed_by_cleaning(text):
    try:
        kept = checked_text(text)
    except InvalidInput:
        return
    assert cleaned_text(text) == (kept, ())


PLAIN = [chr(code) for code in range(0x3000) if _PLAIN.fullmatch(chr(code))]


@given(st.text(st.sampled_from(PLAIN), max_size=60))
def test_plain_text_takes_the_short_way_and_that_leads_to_the_same(text):
    assert cleaned_text(text) == _put_right(text)


def test_every_plain_character_is_one_that_can_be_seen_or_a_blank():
    assert len(PLAIN) > 600
    for character in PLAIN:
        assert cleaned_text(character) == _put_right(character) == (character.strip(), ())
