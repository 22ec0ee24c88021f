"""When a client comes back after its connection ended, and when it must not. Pure: time and chance are arguments.

Somebody who was told a slot (`bye.after_ms`) takes exactly that; everybody else draws from a growing window, because
all who were cut lost their connection in the same instant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fanout.core.closing import COMES_BACK, CloseCode
from fanout.core.reconnect import backoff_seconds
from fanout.errors import FanoutError

CUT: Final = 1006
"""No close frame was seen: the connection broke (RFC 6455 §7.1.5). Also what a client's own cut of a silent line is."""

NO_STATUS: Final = 1005
"""A close frame without a code (RFC 6455 §7.1.5)."""

LONGEST_SLOT_SECONDS: Final = 600.0
"""A slot further away than this is cut to it: a server spreads a return over minutes, not days."""

TERMINAL: Final = {
    CloseCode.NORMAL: "closed",
    CloseCode.PROTOCOL_ERROR: "protocol_error",
    CloseCode.UNSUPPORTED_DATA: "protocol_error",
    CloseCode.INVALID_PAYLOAD: "protocol_error",
    CloseCode.TOO_BIG: "too_big",
    CloseCode.TOKEN_REFUSED: "token_refused",
    CloseCode.BANNED: "banned",
    CloseCode.ROOM_NOT_FOUND: "room_not_found",
    CloseCode.BAD_COMMAND: "bad_command",
}
"""The stable `code` of a `Stopped`, by close code."""

TEMPORARY_STATUS: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers to a handshake that a proxy or a full server gives today and not tomorrow (RFC 9110 §15)."""


class Stopped(FanoutError):
    """The server does not want this client back as it is. `close_code` or the HTTP `status` says why; one is None."""

    code = "stopped"

    def __init__(
        self, detail: str, *, code: str | None = None, close_code: int | None = None, status: int | None = None
    ) -> None:
        super().__init__(detail, code=code)
        self.close_code = close_code
        self.status = status


@dataclass(frozen=True, slots=True)
class Ending:
    """How one connection ended. `status` is set when the handshake was answered with something else than 101."""

    close_code: int = CUT
    reason: str = ""
    after_ms: int | None = None
    reconnect: bool | None = None
    status: int | None = None

    @property
    def comes_back(self) -> bool:
        """Whether another try makes sense; the word of a `bye` counts before the table."""
        if self.status is not None:
            return self.status in TEMPORARY_STATUS
        if self.reconnect is not None:
            return self.reconnect
        return self.close_code in COMES_BACK or self.close_code in (CUT, NO_STATUS)

    def stopped(self) -> Stopped:
        """The error for an ending after which nobody comes back."""
        if self.status is not None:
            code = {401: "token_refused", 403: "token_refused", 404: "room_not_found"}.get(self.status, "refused")
            detail = f"The server answered the handshake with {self.status}"
            return Stopped(f"{detail}: {self.reason}" if self.reason else f"{detail}.", code=code, status=self.status)
        code = next((name for known, name in TERMINAL.items() if known == self.close_code), "stopped")
        detail = f"The server closed with {self.close_code}"
        return Stopped(
            f"{detail}: {self.reason}" if self.reason else f"{detail}.", code=code, close_code=self.close_code
        )


class Comeback:
    """Counts the attempts since the last success and says how long to wait before the next one."""

    __slots__ = ("attempt",)

    def __init__(self) -> None:
        self.attempt = 0

    def succeeded(self) -> None:
        """The server has welcomed us: the next wait is a short one again."""
        self.attempt = 0

    def wait_seconds(self, ending: Ending, chance: float) -> float:
        """How long to wait before the next attempt. `chance` is a uniform draw in [0, 1).

        Raises:
            Stopped: There must be no next attempt.
        """
        if not ending.comes_back:
            raise ending.stopped()
        self.attempt += 1
        if ending.after_ms is not None:
            return min(max(ending.after_ms, 0) / 1000, LONGEST_SLOT_SECONDS)
        return backoff_seconds(self.attempt, chance)
