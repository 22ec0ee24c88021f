"""Tokens: JWTs (RFC 7519) that say who somebody is, for how long, and for which rooms.

Each key serves the algorithms of its own kind and no other, so a public key can't be passed off as a secret, and `none`
is nobody's (RFC 8725 §2.1 and §3.1). With the secret (HS256) the server also issues tokens; the public keys are those
of others who may sign too.

PyJWT and cryptography are loaded when a token needs them that was not issued here, or a public key: 3 MB and 30 ms, in
each process that carries listeners.
"""

from __future__ import annotations

import hmac
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from fanout.core.limits import MAX_NAME_CHARACTERS
from fanout.core.principal import EVERY_ROOM, Principal, Role
from fanout.core.room import room_name
from fanout.errors import ConfigurationError, InvalidInput, NotAllowed

SECRET_ALGORITHM: Final = "HS256"  # noqa: S105  (an algorithm, no secret)

RSA_ALGORITHMS: Final = frozenset({"RS256", "RS384", "RS512"})

CURVE_ALGORITHMS: Final = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
"""Each curve has one algorithm (RFC 7518 §3.4)."""

MIN_SECRET_BYTES: Final = 32
"""HS256 needs a secret at least as long as its hash (RFC 7518 §3.2)."""

MIN_RSA_BITS: Final = 2048
"""Shortest RSA key (RFC 7518 §3.3)."""

MAX_TOKEN_CHARACTERS: Final = 4096
"""A token travels in a request head of which others need a share; ours have about 200. Longer ones are refused
unread."""

MAX_TOKEN_ROOMS: Final = 100
"""Rooms that one token names; more than that means `*`."""

MAX_SUBJECT_CHARACTERS: Final = 200
"""Characters of `sub`: an address, or an identifier of somebody else's directory."""

LEEWAY_SECONDS: Final = 5
"""How far the clocks of issuer and server may be apart. Both normally keep NTP time; more would only prolong expired
tokens."""

REMEMBERED_TOKENS: Final = 512
"""Staff's tokens whose check is remembered until they expire: a check costs 200 µs, and a publisher shows the same one
with each message. There are dozens of staff; when more come, all are forgotten and checked anew."""

OUR_HEADER: Final = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
"""`{"alg":"HS256","typ":"JWT"}`, as every token begins that was issued here."""


class _OurClaims(msgspec.Struct, forbid_unknown_fields=True):
    """What a token says that was issued here, and nothing else."""

    role: str
    rooms: list[str]
    iat: int
    exp: int
    name: str = ""
    sub: str = ""


_our_claims: Final = msgspec.json.Decoder(_OurClaims)


class Tokens:
    """Checks tokens signed with the secret or by the holder of a listed key; issues tokens when there is a secret.

    Args:
        secret: At least 32 bytes.
        public_keys: RSA (2,048 bits or more) or P-256, P-384, P-521 public keys, in PEM.

    Raises:
        ConfigurationError: The secret is too short, a key is of another kind or a private one, or there is neither.
    """

    def __init__(self, secret: bytes | None = None, public_keys: Iterable[bytes] = ()) -> None:
        if secret is not None and len(secret) < MIN_SECRET_BYTES:
            raise ConfigurationError("secret", f"has at least {MIN_SECRET_BYTES} bytes; this one has {len(secret)}.")
        self._secret = secret
        self._keys: list[tuple[Any, frozenset[str]]] = [_public_key(pem) for pem in public_keys]
        if secret is not None:
            self._keys.append((secret, frozenset({SECRET_ALGORITHM})))
        if not self._keys:
            raise ConfigurationError("secret", "is needed where there is no public key to check tokens with.")
        self._remembered: dict[str, tuple[Principal, float]] = {}

    def issue(self, role: Role, rooms: Iterable[str], *, name: str = "", ttl: float, subject: str = "") -> str:
        """A new token that holds for `ttl` seconds from now, for these rooms (`*`: every room).

        Raises:
            ConfigurationError: There is no secret here to sign with.
            InvalidInput: `bad_role`, `bad_rooms`, `bad_room_name`, `bad_name`, `bad_subject`, `bad_ttl`.
        """
        if self._secret is None:
            raise ConfigurationError(
                "secret", "signs tokens; with public keys alone, only the holders of the private keys can."
            )
        if not 1 <= ttl < 2**31:
            raise InvalidInput("ttl is a number of seconds, at least 1.", code="bad_ttl")
        principal = _principal(role, name, list(rooms), subject)
        now = int(time.time())
        claims: dict[str, Any] = {
            "role": str(principal.role),
            "rooms": sorted(principal.rooms),
            "iat": now,
            "exp": now + int(ttl),
        }
        if principal.name:
            claims["name"] = principal.name
        if principal.subject:
            claims["sub"] = principal.subject
        import jwt

        return jwt.encode(claims, self._secret, algorithm=SECRET_ALGORITHM)

    def authenticate(self, token: str) -> Principal:
        """Who the token says its bearer is.

        Raises:
            NotAllowed: `token_refused`. The detail helps an honest holder (expired, not valid yet, a claim that is
                wrong) and tells a forger nothing: whatever is not signed with one of our keys gets the same sentence.
        """
        if remembered := self._remembered.get(token):
            principal, expires = remembered
            if time.time() < expires:
                return principal
            del self._remembered[token]
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise _refused(f"A token has at most {MAX_TOKEN_CHARACTERS} characters.")
        claims = self._ours(token) or self._claims(token)
        try:
            principal = _principal(claims["role"], claims.get("name", ""), claims["rooms"], claims.get("sub", ""))
        except InvalidInput as error:
            raise _refused(f"The token can't be used: {error.detail}") from None
        if principal.role is not Role.VISITOR:
            if len(self._remembered) >= REMEMBERED_TOKENS:
                self._remembered.clear()
            self._remembered[token] = (principal, int(claims["exp"]) + LEEWAY_SECONDS)
        return principal

    def _ours(self, token: str) -> dict[str, Any] | None:
        """What a token says that is just as `issue` makes them and holds now; None for any other, which is then looked
        at with all care. When the doors open thousands of visitors show such tokens: so a check takes 25 µs, not 200.
        """
        signed, _, signature = token.rpartition(".")
        if self._secret is None or not token.startswith(OUR_HEADER + ".") or not token.isascii():
            return None
        digest = hmac.digest(self._secret, signed.encode(), "sha256")
        if not hmac.compare_digest(urlsafe_b64encode(digest).rstrip(b"="), signature.encode()):
            return None
        payload = signed[len(OUR_HEADER) + 1 :]
        try:
            claims = _our_claims.decode(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        except (ValueError, msgspec.MsgspecError):
            return None
        now = time.time()
        if claims.exp <= now or claims.iat > now:
            return None
        return msgspec.structs.asdict(claims)

    def _claims(self, token: str) -> dict[str, Any]:
        """What the token says, after its signature and its times have held."""
        import jwt

        foreign = _refused("The token is not one that this server accepts.")
        try:
            algorithm = jwt.get_unverified_header(token)["alg"]
            for key, algorithms in self._keys:
                if algorithm not in algorithms:
                    continue
                try:
                    return jwt.decode(
                        token,
                        key,
                        algorithms=[algorithm],
                        leeway=LEEWAY_SECONDS,
                        options={"require": ["exp", "role", "rooms"]},
                    )
                except jwt.InvalidSignatureError:
                    continue
        except jwt.ExpiredSignatureError:
            raise _refused("The token has expired.") from None
        except jwt.ImmatureSignatureError:
            raise _refused("The token is not valid yet.") from None
        except jwt.MissingRequiredClaimError as error:
            raise _refused(f"The token has no {error.claim}.") from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            raise foreign from None
        raise foreign


def _public_key(pem: bytes) -> tuple[Any, frozenset[str]]:
    import jwt  # noqa: F401  # with a public key there will be tokens to check with it: not while listeners wait
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigurationError(
            "public_keys", "are PEM files with an RSA or EC public key each; this is none."
        ) from None
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= MIN_RSA_BITS:
        return key, RSA_ALGORITHMS
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in CURVE_ALGORITHMS:
        return key, frozenset({CURVE_ALGORITHMS[key.curve.name]})
    raise ConfigurationError(
        "public_keys", f"are RSA keys of at least {MIN_RSA_BITS} bits, or EC keys on {', '.join(CURVE_ALGORITHMS)}."
    )


def _refused(detail: str) -> NotAllowed:
    return NotAllowed(detail, code="token_refused")


def _principal(role: Any, name: Any, rooms: Any, subject: Any) -> Principal:
    """A principal from claims of any type, checked."""
    try:
        checked_role = Role(role)
    except (ValueError, TypeError):
        raise InvalidInput(f"role is one of {', '.join(Role)}.", code="bad_role") from None
    if not isinstance(rooms, list) or not 1 <= len(rooms) <= MAX_TOKEN_ROOMS:
        raise InvalidInput(f"rooms is a list of 1 to {MAX_TOKEN_ROOMS} names, or of '*'.", code="bad_rooms")
    if not _printable(name, MAX_NAME_CHARACTERS):
        raise InvalidInput(f"name has at most {MAX_NAME_CHARACTERS} printable characters.", code="bad_name")
    if not _printable(subject, MAX_SUBJECT_CHARACTERS):
        raise InvalidInput(f"sub has at most {MAX_SUBJECT_CHARACTERS} printable characters.", code="bad_subject")
    checked_rooms = frozenset(room if room == EVERY_ROOM else room_name(room) for room in rooms)
    return Principal(checked_role, name, checked_rooms, subject)


def _printable(value: Any, most: int) -> bool:
    return isinstance(value, str) and len(value) <= most and (value == "" or value.isprintable())
