"""The signature of a webhook, for both ends: who receives one knows that it comes from this server, is whole, and new.

Signed are the version, the time, the id of the delivery and the body, joined by dots, with HMAC-SHA256 under a secret
that both ends know. The headers: `Fanout-Delivery`, `Fanout-Timestamp` (seconds since 1970, UTC) and
`Fanout-Signature: v1=` with 64 hexadecimal digits.
"""

from __future__ import annotations

import hmac
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Final

DELIVERY_HEADER: Final = "Fanout-Delivery"
TIMESTAMP_HEADER: Final = "Fanout-Timestamp"
SIGNATURE_HEADER: Final = "Fanout-Signature"

VERSION: Final = "v1"

LEAST_SECRET_BYTES: Final = 16
"""A shorter secret could be guessed."""

WINDOW_SECONDS: Final = 300
"""How far the time of a delivery may be from the receiver's: five minutes for clocks that differ and slow lines."""

MAX_REMEMBERED: Final = 1_000_000
"""Deliveries remembered within the window; beyond, new ones are refused, for an old one might be among them."""

_MAX_DELIVERY_CHARACTERS: Final = 64


def sign(secret: bytes, timestamp: str, delivery: str, body: bytes) -> str:
    """The value of the header `Fanout-Signature`."""
    signed = b".".join((VERSION.encode(), timestamp.encode(), delivery.encode(), body))
    return f"{VERSION}={hmac.digest(secret, signed, 'sha256').hex()}"


class WebhookVerifier:
    """Says of each delivery whether to trust it. For one task or thread at a time.

    Args:
        secret: At least 16 bytes, the same as the server's.
        clock: Seconds since 1970, UTC.
    Raises:
        ValueError: The secret is too short.
    """

    def __init__(self, secret: bytes, *, clock: Callable[[], float] = time.time) -> None:
        if len(secret) < LEAST_SECRET_BYTES:
            raise ValueError(f"the secret of a webhook has at least {LEAST_SECRET_BYTES} bytes")
        self._secret = secret
        self._clock = clock
        self._known: OrderedDict[str, float] = OrderedDict()

    def fault(self, headers: Mapping[str, str], body: bytes) -> str:
        """Why not to trust it; empty: it is from the server, whole, and came for the first time.

        Args:
            headers: Of the request, in whatever case.
            body: As it came, before anything is parsed.
        """
        given = {name.lower(): value for name, value in headers.items()}
        delivery = given.get(DELIVERY_HEADER.lower(), "")
        timestamp = given.get(TIMESTAMP_HEADER.lower(), "")
        signature = given.get(SIGNATURE_HEADER.lower(), "")
        if not delivery.isascii() or not 0 < len(delivery) <= _MAX_DELIVERY_CHARACTERS or "." in delivery:
            return "it has no delivery id"
        if not timestamp.isascii() or not timestamp.isdecimal() or len(timestamp) > 12:
            return "it has no timestamp"
        expected = sign(self._secret, timestamp, delivery, body)
        if not hmac.compare_digest(signature.encode(errors="replace"), expected.encode()):
            return "its signature does not match"
        now = self._clock()
        if abs(now - int(timestamp)) > WINDOW_SECONDS:
            return "it is too old or too new"
        while self._known and next(iter(self._known.values())) < now:
            self._known.popitem(last=False)
        if delivery in self._known:
            return "it came before"
        if len(self._known) >= MAX_REMEMBERED:
            return "too many came"
        self._known[delivery] = now + 2 * WINDOW_SECONDS
        return ""
