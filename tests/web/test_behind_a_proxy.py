"""Whom ordinary HTTP takes a client for, behind a proxy and without one."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from fanout.web.visitors import IDENTITIES_AT_ONCE
from tests.web.site import Site

FORWARDED = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7", "X-Forwarded-Proto": "https"}


async def told(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answers with what the application is told of the client."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": f"{scope['client'][0]} {scope['scheme']}".encode()})


@pytest.mark.parametrize(
    ("trusts", "headers", "said"),
    [
        (True, FORWARDED, "198.51.100.7 https"),
        (True, {"X-Forwarded-For": "198.51.100.7", "X-Forwarded-Proto": "http"}, "198.51.100.7 http"),
        (True, {"X-Forwarded-For": "<script>"}, "127.0.0.1 http"),
        (True, {}, "127.0.0.1 http"),
        (False, FORWARDED, "127.0.0.1 http"),
    ],
)
async def test_a_client_is_who_the_trusted_proxy_says(
    bare_site: Site, trusts: bool, headers: dict[str, str], said: str
) -> None:
    await bare_site.listen(told, trust_proxy=trusts)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{bare_site.port}") as client:
        assert (await client.get("/", headers=headers)).text == said


async def test_thousands_behind_one_proxy_are_not_one_crowd_from_one_address(desk: Site) -> None:
    """Each gets an identity, for which an address has a share, and a cookie that is for TLS alone."""
    await desk.listen(trust_proxy=True)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{desk.port}") as client:
        for number in range(IDENTITIES_AT_ONCE + 50):
            client.cookies.clear()
            address = f"198.51.{number // 250}.{number % 250}"
            answer = await client.post("/v1/visitors", json={}, headers=FORWARDED | {"X-Forwarded-For": address})
            assert answer.status_code in (200, 201), answer.text
            assert "; Secure" in answer.headers["set-cookie"]
