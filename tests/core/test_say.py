"""What may be published, and how one publication is told from another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.core.limits import (
    MAX_BATCH_MESSAGES,
    MAX_KEY_CHARACTERS,
    MAX_KIND_CHARACTERS,
    MAX_NAME_CHARACTERS,
    MAX_TEXT_BYTES,
)
from fanout.core.message import Author
from fanout.core.say import LATEST_AT, Say, checked, fingerprint, idempotency_key, is_message_id
from fanout.errors import InvalidInput

ID = "k3f9x0a1b2c3"


def refusal(say: Say) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        checked([say])
    return caught.value


@pytest.mark.parametrize(
    "say",
    [
        Say("Bonjour"),
        Say("line one\nline two\tand a tab"),
        Say("日本語 עברית العربية 👩‍👩‍👧 e\u0301"),
        Say("x" * MAX_TEXT_BYTES),
        Say("", data={"slide": 4}),
        Say("t", Author("Ann O'Neill", "guest"), "answer", ID, {"a": [1, None, "x"]}, LATEST_AT),
        Say("t", id=ID),
        Say("t", Author("n" * MAX_NAME_CHARACTERS), "k" * MAX_KIND_CHARACTERS, at=0),
    ],
)
def test_what_people_write_passes_unchanged(say):
    assert checked([say]) == [say]


@pytest.mark.parametrize(
    ("say", "code"),
    [
        (Say(""), "text_empty"),
        (Say(" \n\t "), "text_empty"),
        (Say(7), "bad_text"),
        (Say(b"bytes"), "bad_text"),
        (Say(None), "bad_text"),
        (Say("x" * (MAX_TEXT_BYTES + 1)), "text_too_long"),
        (Say("é" * (MAX_TEXT_BYTES // 2 + 1)), "text_too_long"),
        (Say("\ud800" * (MAX_TEXT_BYTES + 1)), "text_too_long"),
        (Say("a\x00b"), "bad_text"),
        (Say("a\rb"), "bad_text"),
        (Say("\x1b[2J"), "bad_text"),
        (Say("a\x7f"), "bad_text"),
        (Say("a\x9b31m"), "bad_text"),
        (Say("half \ud83d"), "bad_text"),
        (Say("t", Author("n" * (MAX_NAME_CHARACTERS + 1))), "name_too_long"),
        (Say("t", Author("Ann\nBob")), "bad_name"),
        (Say("t", Author("Ann\u2028Bob")), "bad_name"),
        (Say("t", Author("\udfff")), "bad_name"),
        (Say("t", Author(7)), "bad_name"),
        (Say("t", Author("Ann", "Chief Executive")), "bad_role"),
        (Say("t", Author("Ann", "x" * 33)), "bad_role"),
        (Say("t", kind=""), "bad_kind"),
        (Say("t", kind="Answer"), "bad_kind"),
        (Say("t", kind="a b"), "bad_kind"),
        (Say("t", kind="a\n"), "bad_kind"),
        (Say("t", kind="k" * (MAX_KIND_CHARACTERS + 1)), "bad_kind"),
        (Say("t", kind=None), "bad_kind"),
        (Say("t", re="k3f9:18"), "bad_re"),
        (Say("t", re=ID + "\n"), "bad_re"),
        (Say("t", re=12), "bad_re"),
        (Say("t", id="k3f9:18"), "bad_id"),
        (Say("t", id=ID.upper()), "bad_id"),
        (Say("t", id=""), "bad_id"),
        (Say("t", at=-1), "bad_at"),
        (Say("t", at=LATEST_AT + 1), "bad_at"),
        (Say("t", at=1.5), "bad_at"),
        (Say("t", at=True), "bad_at"),
        (Say("t", data=[1]), "bad_data"),
    ],
)
def test_what_could_not_be_carried_is_refused_with_its_own_code(say, code):
    problem = refusal(say)
    assert problem.code == code
    problem.detail.encode()  # fit to be shown, also when what it is about is not


@given(st.text(max_size=50))
def test_any_text_passes_or_is_refused_and_what_passes_is_unicode_without_control_characters(text):
    refused = any(
        (ord(c) < 32 and c not in "\n\t") or 0x7F <= ord(c) <= 0x9F or 0xD800 <= ord(c) <= 0xDFFF for c in text
    )
    try:
        [say] = checked([Say(text)])
    except InvalidInput as problem:
        outcome = problem.code
    else:
        outcome = say.text
    assert outcome == ("bad_text" if refused else "text_empty" if not text.strip() else text)


def test_a_refusal_says_where_the_character_is_that_is_not_accepted():
    assert "U+0007 at character 3" in refusal(Say("ab\x07")).detail
    assert "surrogate U+D83D" in refusal(Say("\ud83d")).detail


def test_a_batch_is_refused_whole_and_the_message_at_fault_is_named():
    with pytest.raises(InvalidInput, match="Message 2 of 3: text is empty") as caught:
        checked([Say("a"), Say(""), Say("c")])
    assert caught.value.code == "text_empty"


def test_a_batch_has_a_size():
    assert len(checked([Say("t")] * MAX_BATCH_MESSAGES)) == MAX_BATCH_MESSAGES
    for says, code in (([], "batch_empty"), ([Say("t")] * (MAX_BATCH_MESSAGES + 1), "batch_too_long")):
        with pytest.raises(InvalidInput) as caught:
            checked(says)
        assert caught.value.code == code


def test_changing_the_data_afterwards_changes_no_message():
    data = {"list": [1, {"deep": 2}]}
    [say] = checked([Say("t", data=data)])
    data["list"][1]["deep"] = 3
    data["list"].append(4)
    assert say.data == {"list": [1, {"deep": 2}]}


@pytest.mark.parametrize("key", ["k", "3f2b…", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "x" * MAX_KEY_CHARACTERS])
def test_a_key_is_printable_text(key):
    assert idempotency_key(key) == key


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ("", "bad_key"),
        ("a\nb", "bad_key"),
        ("retract\nk3f9x0a1b2c3", "bad_key"),
        ("\x00", "bad_key"),
        ("\ud800", "bad_key"),
        (7, "bad_key"),
        ("x" * (MAX_KEY_CHARACTERS + 1), "key_too_long"),
    ],
)
def test_any_other_key_is_refused(key, code):
    with pytest.raises(InvalidInput) as caught:
        idempotency_key(key)
    assert caught.value.code == code


@pytest.mark.parametrize("written", ["", "short", ID + "0", ID.upper(), ID[:-1] + "\n", None, 12, "k3f9x0a1b2c\u0663"])
def test_what_can_not_be_an_id_is_told_from_one(written):
    assert is_message_id(ID)
    assert not is_message_id(written)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**50), 2**50) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
SAYS = st.builds(
    Say,
    st.text(max_size=3),
    st.builds(Author, st.text(max_size=2), st.text(max_size=2)),
    st.sampled_from(["message", "answer"]),
    st.none() | st.just(ID),
    st.none() | st.dictionaries(st.text(max_size=2), JSON, max_size=2),
)


def same(one, other) -> bool:
    """Equal, types included: JSON tells 1 from 1.0 and from true."""
    return repr(one) == repr(other)


@given(st.lists(SAYS, min_size=1, max_size=3), st.lists(SAYS, min_size=1, max_size=3))
def test_only_the_same_content_has_the_same_fingerprint(one, other):
    try:
        one_print, other_print = fingerprint(one), fingerprint(other)
    except UnicodeEncodeError:
        return  # never gets this far: `checked` has refused it
    assert one_print == fingerprint(list(one))
    if not same(one, other) and repr(sorted(map(repr, one))) != repr(sorted(map(repr, other))):
        assert one_print != other_print


def test_the_order_of_keys_the_time_and_the_id_do_not_count_but_everything_else_does():
    base = Say("t", Author("Ann", "guest"), "answer", ID, {"a": 1, "b": 2}, 5)
    assert fingerprint([base]) == fingerprint([Say("t", Author("Ann", "guest"), "answer", ID, {"b": 2, "a": 1}, 9, ID)])
    others = [
        Say("u", Author("Ann", "guest"), "answer", ID, {"a": 1, "b": 2}),
        Say("t", Author("Bob", "guest"), "answer", ID, {"a": 1, "b": 2}),
        Say("t", Author("Ann", "scribe"), "answer", ID, {"a": 1, "b": 2}),
        Say("t", Author("Ann", "guest"), "message", ID, {"a": 1, "b": 2}),
        Say("t", Author("Ann", "guest"), "answer", None, {"a": 1, "b": 2}),
        Say("t", Author("Ann", "guest"), "answer", ID, {"a": 1, "b": 2.0}),
        Say("t", Author("Ann", "guest"), "answer", ID, {"a": 1, "b": "2"}),
        Say("t", Author("Ann", "guest"), "answer", ID, {"a": [1], "b": 2}),
        Say("t", Author("Anng", "uest"), "answer", ID, {"a": 1, "b": 2}),
    ]
    assert len({fingerprint([say]) for say in [base, *others]}) == len(others) + 1
    assert fingerprint([base, base]) != fingerprint([base])
