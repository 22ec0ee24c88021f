"""Who makes a request: the token of its `Authorization` header (RFC 6750 §2.1), that of a staff page's session, or a
visitor."""

from __future__ import annotations

import re
from typing import Final

from starlette.requests import Request

from fanout.core.principal import EVERY_ROOM, VISITOR, Action, Principal, Role
from fanout.errors import NotAllowed
from fanout.moderation.names import Names
from fanout.web.tokens import Tokens
from fanout.wire.join import SESSION_COOKIE

_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.ASCII | re.IGNORECASE)


SESSION_HEADER: Final = "fanout-session"
"""What the pages for staff send with each request, as `cookie`. A page of another site can't: browsers ask first if it
may (Fetch standard §4.8), and the answer is no."""


def principal_of(request: Request, tokens: Tokens) -> Principal:
    """Who asks for a change. A cookie alone never counts: a browser sends it along with what another site's page asks
    for. With it goes a header that only our own pages can send, so nobody can be made to act against their will.

    Raises:
        NotAllowed: `token_refused`.
    """
    header = request.headers.get("authorization")
    if header is None:
        return tokens.authenticate(request.cookies.get(SESSION_COOKIE, "")) if by_session(request) else VISITOR
    match = _BEARER.fullmatch(header)
    if match is None:
        raise NotAllowed("Authorization is: Bearer TOKEN.", code="token_refused")
    return tokens.authenticate(match[1])


def by_session(request: Request) -> bool:
    """Whether a page for staff asks, in the name of whoever has signed in there."""
    return request.headers.get(SESSION_HEADER) == "cookie" and of_this_host(request)


def of_this_host(request: Request) -> bool:
    """Whether a page of this very host asks, or no page at all: another's must not speak in anybody's name."""
    origin = request.headers.get("origin")
    return origin is None or origin.partition("://")[2].lower() == request.headers.get("host", "").lower()


def shows_token(request: Request) -> bool:
    """Whether somebody asks as whoever their token says, and not as a visitor."""
    return "authorization" in request.headers or by_session(request)


class Callers:
    """Who asks, where names of staff are protected: a name that a staff token has shown is no visitor's any more."""

    def __init__(self, tokens: Tokens, names: Names) -> None:
        self._tokens, self._names = tokens, names

    def of(self, request: Request) -> Principal:
        """As `principal_of`."""
        principal = principal_of(request, self._tokens)
        if principal.role is not Role.VISITOR and principal.name:
            self._names.learn(principal.name)
        return principal

    def allowed(self, request: Request, action: Action, room: str | None = None) -> Principal:
        """Who asks, if they may do this in a room; without one, in any that their token is good for.

        Raises:
            NotAllowed: `token_missing`, `token_refused`, `role_refused`.
        """
        principal = self.of(request)
        principal.check(action, min(principal.rooms, default=EVERY_ROOM) if room is None else room)
        return principal
