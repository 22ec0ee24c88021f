"""Who makes a request: the token of its `Authorization` header (RFC 6750 §2.1), or a visitor."""

from __future__ import annotations

import re

from starlette.requests import Request

from fanout.core.principal import VISITOR, Principal
from fanout.errors import NotAllowed
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
