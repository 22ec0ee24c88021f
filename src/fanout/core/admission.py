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
        self.full = False
        """Whether others, with whom the limits are shared, have taken all places."""
        self.full_addresses: set[str] = set()
        """Addresses whose share they have taken."""
        self.admitted = 0
        self._by_address: dict[str, int] = {}

    def admit(self, address: str, chance: float) -> Refusal | None:
        """Count one more connection from `address`, or say why not. `chance` in [0, 1) spreads the returns.

        An empty address (a Unix socket, before the proxy has said who it carries) has no share of its own.
        """
        if self.admitted >= self.max_connections or self.full:
            return self._refusal("full", "All places are taken.", chance)
        here = self._by_address.get(address, 0)
        if address and (here >= self.max_per_address or address in self.full_addresses):
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


class Ledger:
    """What several edges have admitted together, against the limits of the whole server.

    Args:
        max_connections, max_per_address: As in `Admission`; None: no limit.
    """

    def __init__(self, max_connections: int | None, max_per_address: int | None) -> None:
        self._max_connections = max_connections
        self._max_per_address = max_per_address
        self._admitted = 0
        self._by_address: dict[str, int] = {}

    @property
    def full(self) -> bool:
        """Whether all places are taken."""
        return self._max_connections is not None and self._admitted >= self._max_connections

    def is_full(self, address: str) -> bool:
        """Whether this address has its share."""
        return (
            self._max_per_address is not None
            and address != ""
            and self._by_address.get(address, 0) >= self._max_per_address
        )

    def count(self, address: str, change: int) -> None:
        """So many more connections of this address have been admitted, or fewer."""
        self._admitted += change
        now = self._by_address.get(address, 0) + change
        if now:
            self._by_address[address] = now
        else:
            self._by_address.pop(address, None)

    def full_addresses(self) -> list[str]:
        """Those that have their share."""
        return [address for address in self._by_address if self.is_full(address)]
