"""An SMS out of the query of a Kannel smsbox, whatever the telephone, the gateway or an attacker made of it."""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.errors import InvalidInput
from fanout.wire.kannel import read_sms


def query(text: bytes = b"Bonsoir", **more: str) -> bytes:
    fields = {"room": "questions", "id": "a-1", "from": "%2B33612345678", "text": quote_from_bytes(text), **more}
    return "&".join(f"{name}={value}" for name, value in fields.items()).encode()


def test_an_sms_of_seven_bits_is_read_as_kannel_sends_it():
    sms = read_sms(query(b"oui a l'Europe", to="32000", ts="1086199200", coding="0", charset="UTF-8", token="t.o-k"))
    assert (sms.id, sms.sender, sms.receiver, sms.text) == ("a-1", "+33612345678", "32000", "oui a l'Europe")
    assert (sms.sent_at, sms.room, sms.token, sms.damaged) == (1_086_199_200_000, "questions", "t.o-k", False)


@pytest.mark.parametrize(
    ("text", "encoding", "charset", "coding"),
    [
        ("Étudiante à Noël, 5 €", "utf-16-be", "UTF-16BE", "2"),
        ("Étudiante à Noël, 5 €", "utf-16-be", "", "2"),
        ("Étudiante à Noël, 5 €", "utf-16-be", "UTF-8", "2"),
        ("مساء الخير 😀", "utf-16-be", "utf-16be", "2"),
        ("Étudiante à Noël, 5 €", "utf-8", "UTF-8", "0"),
        ("Étudiante à Noël", "iso-8859-1", "ISO-8859-1", "0"),
        ("5 €", "cp1252", "windows-1252", "1"),
        ("Étudiante", "utf-8", "x-unheard-of", "0"),
    ],
)
def test_every_character_set_that_gateways_use_is_read(text: str, encoding: str, charset: str, coding: str):
    sms = read_sms(query(text.encode(encoding), charset=charset, coding=coding))
    assert (sms.text, sms.damaged) == (text, False)


@pytest.mark.parametrize(
    ("raw", "charset", "coding", "kept"),
    [
        (b"oui \xff\xfe merci", "UTF-8", "0", "oui "),
        ("oui".encode("utf-16-be") + b"\xd8\x00", "UTF-16BE", "2", "oui"),
        ("oui".encode("utf-16-be") + b"\x00", "UTF-16BE", "2", "oui"),
    ],
)
def test_bytes_that_are_no_text_are_replaced_and_said_to_be(raw: bytes, charset: str, coding: str, kept: str):
    sms = read_sms(query(raw, charset=charset, coding=coding))
    assert sms.text.startswith(kept)
    assert "\ufffd" in sms.text
    assert sms.damaged


@pytest.mark.parametrize("charset", ["zlib_codec", "rot13", "idna", "utf-7", "unicode_escape"])
def test_no_other_codec_of_python_can_be_asked_for(charset: str):
    assert read_sms(query(b"+AGE- \\u0041", charset=charset)).text == "+AGE- \\u0041"


def test_a_byte_order_mark_is_no_text():
    assert read_sms(query("\ufeffoui".encode("utf-16-be"), coding="2")).text == "oui"


@pytest.mark.parametrize(
    ("missing", "code"),
    [("id", "sms_id_missing"), ("from", "sms_sender_missing"), ("room", "sms_room_missing")],
)
def test_what_the_gateway_leaves_out_is_named(missing: str, code: str):
    with pytest.raises(InvalidInput, match=missing) as refusal:
        read_sms(query(**{missing: "%20"}))
    assert refusal.value.code == code


def test_a_name_that_stands_twice_and_an_id_that_is_no_text_are_refused():
    for broken in (query() + b"&id=b", query(id="%ff")):
        with pytest.raises(InvalidInput) as refusal:
            read_sms(broken)
        assert refusal.value.code == "bad_query"


def test_an_empty_sms_is_an_sms():
    assert read_sms(query(b"")).text == ""


def test_a_plus_that_the_gateway_did_not_encode_is_still_one():
    assert read_sms(query(**{"from": "+33612345678"})).sender == "+33612345678"


@pytest.mark.parametrize(
    ("ts", "at"),
    [("0", 0), ("2004-06-02 18:00:00", 1_086_199_200_000), ("2004-13-45 18:00:00", None), ("soon", None), ("", None)],
)
def test_the_time_is_read_where_there_is_one(ts: str, at: int | None):
    assert read_sms(query(ts=ts.replace(" ", "+"))).sent_at == at


def test_neither_number_nor_words_nor_token_show_in_a_representation():
    shown = repr(read_sms(query(b"secret words", token="t.o.k")))
    assert not any(word in shown for word in ("336", "secret", "t.o.k"))


@given(st.binary(max_size=300))
def test_rubbish_is_read_or_refused_and_nothing_else(rubbish: bytes):
    for broken in (rubbish, query() + b"&" + rubbish):
        with suppress(InvalidInput):
            read_sms(broken)


@given(st.binary(max_size=200), st.sampled_from(["0", "1", "2", "", "9"]), st.text("utf-168be2", max_size=8))
def test_text_of_any_bytes_is_taken(raw: bytes, coding: str, charset: str):
    sms = read_sms(query(raw, coding=coding, charset=charset))
    sms.text.encode()  # no halves of characters
    assert sms.damaged or "\ufffd" not in sms.text or b"\xff\xfd" in raw or b"\xef\xbf\xbd" in raw
