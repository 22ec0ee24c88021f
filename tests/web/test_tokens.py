"""Tokens: who is believed, and who is not."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st

from fanout.core.principal import Principal, Role
from fanout.errors import ConfigurationError, InvalidInput, NotAllowed
from fanout.web.tokens import LEEWAY_SECONDS, MAX_TOKEN_CHARACTERS, REMEMBERED_TOKENS, Tokens

SECRET = b"0123456789abcdef0123456789abcdef"
TOKENS = Tokens(SECRET)
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def public_pem(key: Any) -> bytes:
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(encoding, form)  # type: ignore[no-any-return]


def private_pem(key: Any) -> bytes:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption())  # type: ignore[no-any-return]


def claims(**changes: Any) -> dict[str, Any]:
    whole = {"role": "publisher", "rooms": ["*"], "name": "Anna", "exp": time.time() + 60} | changes
    return {name: value for name, value in whole.items() if value is not None}


def refusal(tokens: Tokens, token: str) -> NotAllowed:
    with pytest.raises(NotAllowed) as caught:
        tokens.authenticate(token)
    assert caught.value.code == "token_refused"
    return caught.value


def test_an_issued_token_says_who_its_bearer_is() -> None:
    token = TOKENS.issue(Role.MODERATOR, ["stage", "salle"], name="Zoé", ttl=60, subject="z@example.org")
    expected = Principal(Role.MODERATOR, "Zoé", frozenset({"stage", "salle"}), "z@example.org")
    assert TOKENS.authenticate(token) == expected
    assert TOKENS.authenticate(token) == expected, "the second time it is remembered"


def test_a_remembered_token_is_checked_anew_once_it_should_have_expired(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = Tokens(SECRET)
    token = tokens.issue(Role.GUEST, ["*"], ttl=60)
    tokens.authenticate(token)

    def expired(*_: Any, **__: Any) -> None:
        raise jwt.ExpiredSignatureError

    monkeypatch.setattr(jwt, "decode", expired)
    tokens.authenticate(token)
    later = time.time() + 60 + LEEWAY_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: later)
    assert "expired" in refusal(tokens, token).detail


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"exp": 1}, "expired"),
        ({"exp": None}, "no exp"),
        ({"role": None}, "no role"),
        ({"rooms": None}, "no rooms"),
        ({"nbf": time.time() + 86_400}, "not valid yet"),
        ({"iat": time.time() + 86_400}, "not valid yet"),
        ({"role": "king"}, "role is one of"),
        ({"role": ["operator"]}, "role is one of"),
        ({"role": {"a": 1}}, "role is one of"),
        ({"rooms": "stage"}, "rooms is a list"),
        ({"rooms": []}, "rooms is a list"),
        ({"rooms": ["../etc"]}, "room's name"),
        ({"rooms": [7]}, "room's name"),
        ({"rooms": ["r"] * 101}, "rooms is a list"),
        ({"name": "x" * 81}, "name has at most"),
        ({"name": "a\nb"}, "printable"),
        ({"name": 7}, "name has at most"),
        ({"sub": "x" * 201}, "sub has at most"),
    ],
)
def test_a_claim_that_can_not_be_used_is_named(changes: dict[str, Any], word: str) -> None:
    token = jwt.encode(claims(**changes), SECRET, algorithm="HS256")
    assert word in refusal(TOKENS, token).detail


@pytest.mark.parametrize("exp", ["soon", {}, [1], float("inf"), "1e999", True])
def test_a_strange_expiry_is_refused_and_never_an_error(exp: Any) -> None:
    refusal(TOKENS, jwt.encode(claims(exp=exp), SECRET, algorithm="HS256"))


def test_whatever_is_not_signed_with_our_key_gets_one_and_the_same_sentence() -> None:
    good = jwt.encode(claims(), SECRET, algorithm="HS256")
    head, body, signature = good.split(".")
    other_role = base64.urlsafe_b64encode(json.dumps(claims(role="operator")).encode()).rstrip(b"=").decode()
    forged = [
        jwt.encode(claims(), b"another secret, as long as the first", algorithm="HS256"),
        f"{head}.{other_role}.{signature}",
        f"{head}.{body}.",
        f"{head}.{body}",
        "",
        "...",
        "é.é.é",
        jwt.encode(claims(), None, algorithm="none"),
        jwt.encode(claims(), SECRET * 2, algorithm="HS512"),
        jwt.encode(claims(exp=1), b"another secret, as long as the first", algorithm="HS256"),
    ]
    assert len({refusal(TOKENS, token).detail for token in forged}) == 1


def test_a_public_key_is_never_taken_for_a_secret() -> None:
    """The classic confusion (RFC 8725 §2.1): the public key, which everybody knows, used as an HMAC secret."""
    pem = public_pem(RSA_KEY)
    tokens = Tokens(SECRET, [pem])

    def b64(raw: bytes) -> str:
        return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

    for algorithm in ("HS256", "HS384", "HS512"):
        head = b64(json.dumps({"alg": algorithm, "typ": "JWT"}).encode())
        signed = f"{head}.{b64(json.dumps(claims(role='operator')).encode())}"
        digest = hmac.new(pem, signed.encode(), getattr(hashlib, "sha" + algorithm[2:])).digest()
        refusal(tokens, f"{signed}.{b64(digest)}")


@pytest.mark.parametrize(("key", "algorithm"), [(RSA_KEY, "RS256"), (RSA_KEY, "RS512"), (EC_KEY, "ES256")])
def test_an_integrator_signs_with_a_private_key_beside_the_secret(key: Any, algorithm: str) -> None:
    tokens = Tokens(SECRET, [public_pem(RSA_KEY), public_pem(EC_KEY)])
    token = jwt.encode(claims(role="gateway"), private_pem(key), algorithm=algorithm)
    assert tokens.authenticate(token).role is Role.GATEWAY
    assert tokens.authenticate(tokens.issue(Role.SCRIBE, ["*"], ttl=9)).role is Role.SCRIBE
    refusal(TOKENS, token)


def test_each_of_several_keys_of_one_kind_is_tried() -> None:
    second = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    tokens = Tokens(None, [public_pem(RSA_KEY), public_pem(second)])
    assert tokens.authenticate(jwt.encode(claims(), private_pem(second), algorithm="RS256")).name == "Anna"


def test_a_server_with_public_keys_alone_issues_nothing() -> None:
    with pytest.raises(ConfigurationError):
        Tokens(None, [public_pem(EC_KEY)]).issue(Role.GUEST, ["*"], ttl=60)


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"rubbish",
        private_pem(EC_KEY),
        public_pem(ed25519.Ed25519PrivateKey.generate()),
        public_pem(rsa.generate_private_key(public_exponent=65537, key_size=1024)),
        public_pem(ec.generate_private_key(ec.SECP256K1())),
    ],
    ids=["empty", "rubbish", "private", "ed25519", "short rsa", "another curve"],
)
def test_a_key_that_can_not_be_used_stops_the_start(pem: bytes) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Tokens(SECRET, [pem])
    assert caught.value.key == "public_keys"


@pytest.mark.parametrize("secret", [None, b"", b"x" * 31])
def test_a_missing_or_short_secret_stops_the_start(secret: bytes | None) -> None:
    with pytest.raises(ConfigurationError):
        Tokens(secret)


@pytest.mark.parametrize("ttl", [0, -1, 0.5, float("inf"), float("nan"), 2**40])
def test_a_strange_time_to_live_is_refused(ttl: float) -> None:
    with pytest.raises(InvalidInput) as caught:
        TOKENS.issue(Role.GUEST, ["*"], ttl=ttl)
    assert caught.value.code == "bad_ttl"


def test_an_enormous_token_is_refused_unread() -> None:
    assert str(MAX_TOKEN_CHARACTERS) in refusal(TOKENS, "x" * (MAX_TOKEN_CHARACTERS + 1)).detail


def test_the_memory_of_tokens_is_bounded_and_holds_only_good_ones() -> None:
    tokens = Tokens(SECRET)
    for number in range(REMEMBERED_TOKENS + 10):
        tokens.authenticate(tokens.issue(Role.GUEST, ["*"], ttl=60, subject=str(number)))
    for number in range(20):
        refusal(tokens, f"rubbish{number}")
    assert len(tokens._remembered) == 10


def test_neither_the_secret_nor_a_token_shows_in_a_representation() -> None:
    assert SECRET.decode() not in repr(TOKENS)


@given(st.text())
def test_any_text_is_a_refusal_and_never_an_error(token: str) -> None:
    refusal(TOKENS, token)


@given(
    st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists) | st.dictionaries(st.text(), st.text())
)
def test_any_signed_content_that_is_no_set_of_claims_is_a_refusal(value: Any) -> None:
    refusal(TOKENS, jwt.PyJWS().encode(json.dumps(value).encode(), SECRET, "HS256"))


BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@given(st.data())
def test_the_short_way_for_tokens_of_our_own_believes_nobody_whom_the_careful_one_does_not(data: st.DataObject) -> None:
    token = TOKENS.issue(
        data.draw(st.sampled_from(list(Role))),
        data.draw(st.lists(st.sampled_from(["*", "stage", "salle-1"]), min_size=1, unique=True)),
        name=data.draw(st.sampled_from(["", "Zoé", "\u4f60\u597d"])),
        ttl=60,
        subject=data.draw(st.sampled_from(["", "z@example.org"])),
    )
    assert TOKENS._ours(token) == {"name": "", "sub": ""} | TOKENS._claims(token)
    place = data.draw(st.integers(0, len(token) - 1))
    changed = token[:place] + data.draw(st.sampled_from([*BASE64URL, ".", "", "é"])) + token[place + 1 :]
    if changed != token:
        assert TOKENS._ours(changed) is None


@pytest.mark.parametrize(
    "changes",
    [{"exp": int(time.time()) - 1}, {"iat": int(time.time()) + 9e3}, {"exp": "soon"}, {"nbf": int(time.time()) + 9e3}],
)
def test_what_does_not_hold_now_or_says_more_than_ours_do_takes_the_careful_way(changes: dict[str, Any]) -> None:
    token = jwt.encode(claims(iat=int(time.time())) | {"exp": int(time.time()) + 60} | changes, SECRET, "HS256")
    assert TOKENS._ours(token) is None


def test_a_crowd_of_visitors_does_not_make_staff_be_forgotten() -> None:
    tokens = Tokens(SECRET)
    staff = tokens.issue(Role.MODERATOR, ["*"], ttl=60)
    tokens.authenticate(staff)
    for number in range(REMEMBERED_TOKENS + 1):
        tokens.authenticate(tokens.issue(Role.VISITOR, ["*"], ttl=60, subject=str(number)))
    assert staff in tokens._remembered
