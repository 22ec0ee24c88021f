"""Where a server is: one URL, whatever a person wrote, as host, port and the paths that the client asks for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from fanout.core.position import Position
from fanout.errors import InvalidInput

SECURE: Final = {"ws": False, "wss": True, "http": False, "https": True}
"""The schemes that are understood, and whether each means TLS. `ws` and `http` name the same server."""

SOCKET_PATH: Final = "/v1/ws"


@dataclass(frozen=True, slots=True)
class Wish:
    """A room that a client wants: everything after `after`, or without it the last `last` messages, and what
    follows."""

    room: str
    after: Position | None = None
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """One server. `prefix` is the path under which a proxy has put it, without a slash at the end; mostly empty."""

    host: str
    port: int
    secure: bool
    prefix: str = ""

    @classmethod
    def parse(cls, url: str) -> Target:
        """Read `http://host:port`, `https://…`, `ws://…` or `wss://…`; a final `/v1/ws` may stand or not.

        Raises:
            InvalidInput: `bad_url`.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise InvalidInput(f"{url!r} is not a URL.", code="bad_url") from None
        if parts.scheme not in SECURE or not parts.hostname or parts.username is not None:
            raise InvalidInput(
                "A server's address looks like http://127.0.0.1:8700 (or https, ws, wss), without a user name.",
                code="bad_url",
            )
        secure = SECURE[parts.scheme]
        prefix = parts.path.removesuffix("/").removesuffix(SOCKET_PATH)
        return cls(parts.hostname, port or (443 if secure else 80), secure, prefix)

    @property
    def authority(self) -> str:
        """What belongs into the Host header (RFC 9110 §7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"

    def socket_path(self, wishes: Iterable[Wish]) -> str:
        """The request target that asks for these rooms. `last` is one for all: the largest of those that are wished."""
        query: list[tuple[str, str]] = []
        wanted = list(wishes)
        for wish in wanted:
            query.append(("room", wish.room))
            if wish.after is not None:
                query.append(("after", f"{wish.room}@{wish.after}"))
        last = max((wish.last or 0 for wish in wanted), default=0)
        if last:
            query.append(("last", str(last)))
        return f"{self.prefix}{SOCKET_PATH}?{urlencode(query)}" if query else f"{self.prefix}{SOCKET_PATH}"

    def messages_path(self, room: str) -> str:
        """The request target under which messages of a room are published."""
        return f"{self.prefix}/v1/rooms/{quote(room, safe='')}/messages"
