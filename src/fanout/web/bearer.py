"""Who makes a request: the token of its `Authorization` header (RFC 6750 §2.1), or a visitor."""

from __future__ import annotations

import re

from starlette.requests import Request

from fanout.core.principal import EVERY_ROOM, VISITOR, Action, Principal, Role
from fanout.errors import NotAllowed
from fanout.moderation.names import Names
from fanout.web.tokens import Tokens

_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.ASCII | re.IGNORECASE)


def principal_of(request: Request, tokens: Tokens) -> Principal:
    """Who asks for a change. Only the header counts: a browser sends a cookie along with what another site's page asks
    for, and never this header, so nobody can be made to act against their will.

    Raises:
        NotAllowed: `token_refused`.
    """
    header = request.headers.get("authorization")
    if header is None:
        return VISITOR
    match = _BEARER.fullmatch(header)
    if match is None:
        raise NotAllowed("Authorization is: Bearer TOKEN.", code="token_refused")
    return tokens.authenticate(match[1])


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
