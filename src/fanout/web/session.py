"""Staff sign in on their pages: the token is shown once and kept in a cookie that no script can read.

A link with the token after `#` works too: a browser keeps that part to itself, so it is in no log and in no referrer.
"""

from __future__ import annotations

from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fanout.core.principal import VISITOR, Principal, Role
from fanout.errors import NotAllowed
from fanout.web.answers import json_answer, resource
from fanout.web.bearer import of_this_host
from fanout.web.reading import read_json
from fanout.web.tokens import Tokens
from fanout.wire.join import SESSION_COOKIE


class SignIn(msgspec.Struct, frozen=True):
    """What `POST` takes."""

    token: str


_sign_in: Final = msgspec.json.Decoder(SignIn)


class Sessions:
    """Who is signed in on the pages for staff."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def routes(self) -> list[Route]:
        return [resource("/v1/session", POST=self.sign_in, DELETE=self.sign_out)]

    def of(self, request: Request) -> Principal:
        """Who has signed in, for a page that is only shown; for what changes something, `bearer.principal_of`."""
        token = request.cookies.get(SESSION_COOKIE, "")
        try:
            return self._tokens.authenticate(token) if token else VISITOR
        except NotAllowed:
            return VISITOR

    async def sign_in(self, request: Request) -> Response:
        """`POST /v1/session`: who the token says one is; the session lasts until the browser ends, or the token."""
        _check_ours(request)
        wanted = await read_json(request, _sign_in)
        principal = self._tokens.authenticate(wanted.token)
        if principal.role is Role.VISITOR:
            raise NotAllowed("This takes the token of somebody of the staff.", code="token_refused")
        described = {"role": str(principal.role), "name": principal.name, "rooms": sorted(principal.rooms)}
        return json_answer(described, 201, [_cookie(request, wanted.token)])

    async def sign_out(self, request: Request) -> Response:
        """`DELETE /v1/session`."""
        _check_ours(request)
        return json_answer({}, headers=[_cookie(request, "", "; Max-Age=0")])


def _check_ours(request: Request) -> None:
    """Nobody else's page may sign somebody in, or out."""
    if not of_this_host(request):
        raise NotAllowed("Only a page of this host may do this.", code="role_refused")


def _cookie(request: Request, token: str, more: str = "") -> tuple[str, str]:
    secure = "; Secure" if request.url.scheme == "https" else ""
    return "Set-Cookie", f"{SESSION_COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax{secure}{more}"
