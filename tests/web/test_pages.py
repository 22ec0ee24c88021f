"""The first pages: languages, escaping, policies, and what a browser makes of them."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.web.texts import ON_THE_PAGE, TEXTS, language_of
from tests.web.site import Site


@pytest.mark.parametrize(
    ("field", "language"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("fr-CA, en;q=0.9", "fr"),
        ("en, fr", "en"),
        ("de, FR;q=0.5, en;q=0.4", "fr"),
        ("de", "en"),
        ("fr;q=0, en;q=0.1", "en"),
        ("fr;q=nan", "en"),
        ("fr;q=1e9", "en"),
        ("*", "en"),
    ],
)
def test_a_visitor_reads_the_language_that_they_asked_for(field: str, language: str) -> None:
    assert language_of(field) == language


@given(st.text())
def test_any_accept_language_is_a_language(field: str) -> None:
    assert language_of(field) in TEXTS


def test_both_languages_say_everything() -> None:
    assert set(TEXTS["fr"]) == set(TEXTS["en"])
    assert set(ON_THE_PAGE) <= set(TEXTS["en"])
    for key, text in TEXTS["en"].items():
        assert re.findall(r"{\w+}", text) == re.findall(r"{\w+}", TEXTS["fr"][key]), key


async def test_a_page_is_in_french_for_who_reads_french(site: Site) -> None:
    async with site.client(headers={"Accept-Language": "fr-FR"}) as client:
        page = await client.get("/")
        assert '<html lang="fr">' in page.text
        assert "Salons" in page.text
        assert (page.headers["content-language"], page.headers["vary"]) == ("fr", "Accept-Language")
        assert TEXTS["fr"]["no_room"] in unescape((await client.get("/rooms/nowhere")).text)


async def test_what_people_wrote_is_never_markup(site: Site) -> None:
    await site.engine.open_room("evil", title='"><script>alert(1)</script>{0}{list}')
    async with site.client() as client:
        for path in ("/", "/rooms/evil"):
            page = (await client.get(path)).text
            assert "<script>alert" not in page
            assert "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;{0}" in page
        page = (await client.get('/rooms/"><script>alert(1)<%2fscript>')).text
        assert "<script>alert" not in page


async def test_a_page_may_do_nothing_but_what_it_needs(site: Site) -> None:
    async with site.client() as client:
        for path in ("/", "/rooms/stage", "/rooms/nowhere"):
            page = await client.get(path)
            policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
            assert policy == {
                "default-src": "'none'",
                "script-src": "'self'",
                "style-src": "'self'",
                "img-src": "'self'",
                "connect-src": "'self'",
                "base-uri": "'none'",
                "form-action": "'none'",
                "frame-ancestors": "'none'",
            }
            assert not re.search(r"<script>|<style>| style=| on\w+=", page.text)


async def test_every_answer_says_that_its_type_is_its_type_and_sends_no_referrer(site: Site) -> None:
    async with site.client() as client:
        for path in ("/", "/nothing", "/v1/rooms", "/metrics", "/healthz", "/openapi.json", "/rooms/stage"):
            headers = (await client.get(path)).headers
            assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")
            assert "default-src 'none'" in headers["content-security-policy"]


async def test_the_files_that_a_page_names_are_there_and_may_be_kept_for_ever(site: Site) -> None:
    async with site.client() as client:
        addresses = re.findall(r'(?:src|href)="(/static/[^"]+)"', (await client.get("/rooms/stage")).text)
        assert [address.rpartition("/")[2] for address in addresses] == ["icon.svg", "page.css", "page.js"]
        for address in addresses:
            file = await client.get(address)
            assert file.status_code == 200
            assert "immutable" in file.headers["cache-control"]
            assert file.content
