"""Who a visitor is from one message to the next: a pseudonym that this server signs, kept in a cookie.

The pseudonym is random and says nothing about anybody. It lets an author see what becomes of a question, and staff send
somebody away. Making ones without end would undo the second, so each address makes only so many.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec
import trio
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fanout.core.admission import TokenBucket
from fanout.core.ban import network_of
from fanout.core.principal import EVERY_ROOM, VISITOR, Principal, Role
from fanout.errors import NotAllowed, TooSoon
from fanout.moderation.names import Names
from fanout.web.answers import json_answer, resource
from fanout.web.bearer import Callers, of_this_host, shows_token
from fanout.web.reading import read_json
from fanout.web.tokens import Tokens
from fanout.wire.join import VISITOR_COOKIE

IDENTITY_SECONDS: Final = 30 * 24 * 3600
"""How long an identity lasts: from the days when questions are collected to the archive."""

SUBJECT_BYTES: Final = 16
"""Random bytes of a pseudonym: nobody guesses another's."""

IDENTITIES_AT_ONCE: Final = 300
IDENTITIES_PER_SECOND: Final = 5.0
"""New identities for one address. A school or a mobile carrier shares one, and may come all at once; a script that
wants a new pseudonym for each message gets 5 a second, and a ban of the address ends all of them. Beyond: 429
`rate_limited`."""

MAX_ADDRESSES: Final = 10_000
"""Addresses whose share is remembered; those that were quiet longest are forgotten, and have a full share again."""


class NewVisitor(msgspec.Struct, frozen=True):
    """What `POST /v1/visitors` takes."""

    name: str = ""


_new_visitor: Final = msgspec.json.Decoder(NewVisitor)


@dataclass(frozen=True, slots=True)
class Known:
    """A visitor who is known from now on. `cookie`: the header that makes it so, where it is new."""

    principal: Principal
    token: str
    cookie: tuple[tuple[str, str], ...] = ()


class Visitors:
    """Makes identities and finds them again.

    Args:
        clock: Seconds from any origin, that never go back.
    """

    def __init__(
        self, tokens: Tokens, callers: Callers, names: Names, clock: Callable[[], float] = trio.current_time
    ) -> None:
        self._tokens, self._callers, self._names, self._clock = tokens, callers, names, clock
        self._shares: OrderedDict[str, TokenBucket] = OrderedDict()

    def routes(self) -> list[Route]:
        return [resource("/v1/visitors", POST=self.introduce)]

    async def introduce(self, request: Request) -> Response:
        """`POST /v1/visitors`: the identity that there is, or a new one, also for clients that keep no cookies."""
        wanted = await read_json(request, _new_visitor)
        name = self._names.check("", wanted.name) if wanted.name else ""
        known = self.welcome(request, name)
        return json_answer({"visitor": known.principal.subject, "token": known.token}, 201, known.cookie)

    def of(self, request: Request) -> Principal:
        """Who asks: by the header, else by the cookie, else an unknown visitor. A cookie that does not hold counts for
        nothing, and so does a staff token in one.

        Raises:
            NotAllowed: `token_refused`, for a header.
        """
        if shows_token(request):
            return self._callers.of(request)
        return self.of_cookie(request)

    def of_cookie(self, request: Request) -> Principal:
        """The visitor that a browser's cookie names; an unknown one without it."""
        return self._of_cookie(request)[0]

    def welcome(self, request: Request, name: str = "") -> Known:
        """The identity of whoever asks, a new one if they have none.

        Raises:
            TooSoon: This address has made too many.
            NotAllowed: `token_refused`, for a header.
            ConfigurationError: This server has no secret to sign with.
        """
        principal, token = self._of_cookie(request)
        if "authorization" in request.headers:
            principal, token = self._callers.of(request), request.headers["authorization"].split()[-1]
        if principal.subject or principal.role is not Role.VISITOR:
            return Known(principal, token)
        self._check_share(request.client.host if request.client else "")
        subject = secrets.token_hex(SUBJECT_BYTES)
        token = self._tokens.issue(Role.VISITOR, [EVERY_ROOM], name=name, ttl=IDENTITY_SECONDS, subject=subject)
        return Known(self._tokens.authenticate(token), token, (_cookie(token, secure=request.url.scheme == "https"),))

    def _of_cookie(self, request: Request) -> tuple[Principal, str]:
        token = request.cookies.get(VISITOR_COOKIE, "")
        if not token or not of_this_host(request):
            return VISITOR, ""
        try:
            principal = self._tokens.authenticate(token)
        except NotAllowed:
            return VISITOR, ""
        return (principal, token) if principal.role is Role.VISITOR else (VISITOR, "")

    def _check_share(self, address: str) -> None:
        now = self._clock()
        where = network_of(address)
        share = self._shares.pop(where, None) or TokenBucket(IDENTITIES_PER_SECOND, IDENTITIES_AT_ONCE, now)
        self._shares[where] = share
        if len(self._shares) > MAX_ADDRESSES:
            self._shares.popitem(last=False)
        if where and not share.take(now):
            raise TooSoon("Too many visitors come from your network at once.", after_s=share.seconds_until_next())


def _cookie(token: str, *, secure: bool) -> tuple[str, str]:
    rest = f"Path=/; Max-Age={IDENTITY_SECONDS}; HttpOnly; SameSite=Lax"
    return "Set-Cookie", f"{VISITOR_COOKIE}={token}; {rest}; Secure" if secure else f"{VISITOR_COOKIE}={token}; {rest}"
