"""How a connection ends: the close codes, and whether the client should come back. One table, for every transport."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class CloseCode(IntEnum):
    """WebSocket close codes that the server sends: RFC 6455 §7.4.1 below 4000, our own from 4000."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    INVALID_PAYLOAD = 1007
    TOO_BIG = 1009
    INTERNAL_ERROR = 1011
    TOKEN_REFUSED = 4001
    BANNED = 4003
    ROOM_NOT_FOUND = 4004
    TOO_SLOW = 4008
    BAD_COMMAND = 4009
    DRAINING = 4012
    FULL = 4013


COMES_BACK = frozenset(
    {
        CloseCode.GOING_AWAY,
        CloseCode.INTERNAL_ERROR,
        CloseCode.TOO_SLOW,
        CloseCode.DRAINING,
        CloseCode.FULL,
    }
)
"""The codes after which a client reconnects by itself. After any other it stops and tells its user why."""


@dataclass(frozen=True, slots=True)
class Bye:
    """What a listener is told just before the server closes. `after_ms`: this client's own slot, in milliseconds from
    now."""

    code: CloseCode
    reason: str
    after_ms: int | None = None
    position: str | None = None
    room: str | None = None

    @property
    def reconnect(self) -> bool:
        return self.code in COMES_BACK


def client_may_send(code: int) -> bool:
    """Whether a close code may stand in a close frame (RFC 6455 §7.4.1 and §7.4.2)."""
    return 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999
