"""Who is let in when many come at once: totals, a share for each address, and when to come back. Rates are token
buckets."""

from __future__ import annotations

from dataclasses import dataclass


class TokenBucket:
    """At most `burst` at once and `rate` a second after that. Time is an argument, in seconds from any origin."""

    __slots__ = ("_filled_at", "_tokens", "burst", "rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate, self.burst = rate, burst
        self._tokens, self._filled_at = burst, now

    def take(self, now: float) -> bool:
        """Take one token if there is one."""
        self._tokens = min(self.burst, self._tokens + (now - self._filled_at) * self.rate)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def seconds_until_next(self) -> float:
        """How long after the last `take` a token will be there."""
        return max(0.0, (1 - self._tokens) / self.rate)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a connection is not let in, and after how many milliseconds it is worth another try."""

    code: str
    detail: str
    after_ms: int


class Admission:
    """Counts connections, in all and by address.

    Args:
        max_connections: In all; the descriptors that the process can spare.
        max_per_address: From one address: a large office or a mobile carrier shares one, so this is a limit on abuse,
            not on visitors.
        full_retry_seconds: The window over which the refused are asked to spread their return.
    """

    def __init__(self, max_connections: int, max_per_address: int, full_retry_seconds: float = 30.0) -> None:
        self.max_connections = max_connections
        self.max_per_address = max_per_address
        self.full_retry_seconds = full_retry_seconds
        self.admitted = 0
        self._by_address: dict[str, int] = {}

    def admit(self, address: str, chance: float) -> Refusal | None:
        """Count one more connection from `address`, or say why not. `chance` in [0, 1) spreads the returns.

        An empty address (a Unix socket, before the proxy has said who it carries) has no share of its own.
        """
        if self.admitted >= self.max_connections:
            return self._refusal("full", f"All {self.max_connections} places are taken.", chance)
        here = self._by_address.get(address, 0)
        if address and here >= self.max_per_address:
            detail = f"{self.max_per_address} connections from one address are the most."
            return self._refusal("address_full", detail, chance)
        self.admitted += 1
        if address:
            self._by_address[address] = here + 1
        return None

    def _refusal(self, code: str, detail: str, chance: float) -> Refusal:
        return Refusal(code, detail, int((0.2 + 0.8 * chance) * self.full_retry_seconds * 1000))

    def release(self, address: str) -> None:
        """Give back what one `admit` of the same address took."""
        self.admitted -= 1
        if address:
            here = self._by_address[address] - 1
            if here:
                self._by_address[address] = here
            else:
                del self._by_address[address]
