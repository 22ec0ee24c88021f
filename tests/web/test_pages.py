"""The pages as the server writes them: languages, escaping, policies, and the same elements as the scripts write."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.core.message import Author
from fanout.errors import ConfigurationError
from fanout.web.appearance import GROUNDS, contrast, readable, style
from fanout.web.language import LANGUAGES, counted, language_of, number
from fanout.web.programme import phase_of
from fanout.web.texts import SCRIPT_TEXTS, TEXTS
from fanout.web.texts_operate import OPERATE_TEXTS
from fanout.web.texts_staff import DESK_TEXTS, STAFF_TEXTS
from fanout.web.texts_stage import STAGE_TEXTS
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
    assert language_of(field) in LANGUAGES


def leaves(texts: object, place: str = "") -> dict[str, str]:
    """Every text, by the place where it stands."""
    if isinstance(texts, str):
        return {place: texts}
    if isinstance(texts, list):
        texts = dict(enumerate(texts))
    assert isinstance(texts, dict), place
    return {name: text for key, value in texts.items() for name, text in leaves(value, f"{place}.{key}").items()}


@pytest.mark.parametrize("texts", [TEXTS, SCRIPT_TEXTS, STAFF_TEXTS, DESK_TEXTS, STAGE_TEXTS, OPERATE_TEXTS])
def test_no_mark_of_a_french_text_begins_a_line(texts: dict[str, object]) -> None:
    for place, text in leaves(texts["fr"]).items():
        assert not re.search(r" [;:!?»]|« |\w[;!?]|\w:(?!\w)|'", text), f"{place}: {text}"


def test_what_several_pages_for_staff_say_stands_once() -> None:
    for texts in (DESK_TEXTS, STAGE_TEXTS):
        assert not STAFF_TEXTS["en"].keys() & texts["en"].keys()


@pytest.mark.parametrize("texts", [TEXTS, SCRIPT_TEXTS, STAFF_TEXTS, DESK_TEXTS, STAGE_TEXTS, OPERATE_TEXTS])
def test_both_languages_say_everything(texts: dict[str, object]) -> None:
    english, french = leaves(texts["en"]), leaves(texts["fr"])
    assert english.keys() == french.keys()
    for place, text in english.items():
        assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", french[place])), place


def test_numbers_and_plurals_are_those_of_the_language() -> None:
    forms = TEXTS["fr"]["people"]
    assert [counted("fr", forms, count) for count in (0, 1, 2)] == [
        "0 personne présente", "1 personne présente", "2 personnes présentes",
    ]  # fmt: skip
    assert counted("en", TEXTS["en"]["people"], 0) == "0 people here"
    assert (number("en", 20113), number("fr", 20113)) == ("20,113", "20\u202f113")


@given(st.integers(0, 0xFFFFFF).map(lambda value: f"#{value:06x}"))
def test_any_colour_of_a_town_can_be_read_in_both_themes(colour: str) -> None:
    for ground in GROUNDS.values():
        assert contrast(readable(colour, ground), ground) >= 4.5


def test_contrast_is_that_of_the_guidelines() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)
    with pytest.raises(ConfigurationError):
        style("red")


@given(st.recursive(st.none() | st.booleans() | st.text() | st.integers(), lambda inner: st.dictionaries(
    st.sampled_from(["phase", "starts_at", "note", "x"]), inner)))  # fmt: skip
def test_whatever_is_said_of_the_programme_is_a_phase(data: object) -> None:
    phase = phase_of(data)
    assert phase.starts_at is None or phase.starts_at.tzinfo is not None
    assert isinstance(phase.note, str)


async def test_a_page_is_in_french_for_who_reads_french_or_asks_for_it(site: Site) -> None:
    async with site.client(headers={"Accept-Language": "fr-FR"}) as client:
        page = await client.get("/")
        assert '<html lang="fr">' in page.text
        assert "Salons" in page.text
        assert (page.headers["content-language"], page.headers["vary"]) == ("fr", "Accept-Language")
        assert TEXTS["fr"]["no_room"] in unescape((await client.get("/rooms/nowhere")).text)
        assert '<html lang="en">' in (await client.get("/rooms/stage?lang=en")).text
        assert '<html lang="fr">' in (await client.get("/rooms/stage?lang=xx")).text


@pytest.mark.parametrize("address", ["/nope", "/rooms/nope", "/rooms/stage/desk/nope", "/embed/nope", "/rooms/"])
@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_mistyped_address_leads_back_to_the_rooms(site: Site, address: str, language: str) -> None:
    wanted = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Accept-Language": language}
    async with site.client(headers=wanted) as client:
        page = await client.get(address)
        assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
        assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
        assert f'<html lang="{language}"' in page.text
        assert re.search(rf'<a href="/\?lang={language}"[^>]*>{TEXTS[language]["all_rooms"]}</a>', page.text)


async def test_a_program_at_an_address_that_there_is_not_gets_a_problem(site: Site) -> None:
    browser = {"Accept": "text/html"}
    async with site.client() as client:
        for answer in (
            await client.get("/nope"),
            await client.get("/nope", headers={"Accept": "application/json"}),
            await client.get("/v1/nope", headers=browser),
            await client.post("/nope", headers=browser),
        ):
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_the_other_language_is_the_same_page_with_all_that_its_address_asks_for(site: Site) -> None:
    async with site.client(headers={"Accept-Language": "en"}) as client:
        assert "needs JavaScript" in (await client.get("/rooms/stage/desk")).text
        page = (await client.get("/rooms/stage/stage?view=scribe&lang=en&a=%22%3E%26&a=2&b")).text
        (link,) = re.findall(r'<a href="([^"]*)" hreflang="fr"', page)
        assert unescape(link) == "?view=scribe&a=%22%3E%26&a=2&b=&lang=fr"
        assert '<a href="?lang=fr" hreflang' in (await client.get("/rooms/nowhere")).text


async def test_the_first_view_has_what_was_said_and_nothing_that_was_taken_back(site: Site) -> None:
    stage = site.engine.room("stage")
    asked = await stage.publish("Why?", author=Author("Tom", "visitor"), kind="question")
    await stage.publish("Becaus.", author=Author("Ann", "guest"), kind="answer", re=asked.id)
    secret = await stage.publish("a secret")
    await stage.retract(secret.id)
    insult = await stage.publish("an insult", author=Author("Bob", "visitor"), kind="question")
    await stage.publish("That is not so.", author=Author("Ann", "guest"), kind="answer", re=insult.id)
    await stage.retract(insult.id)
    answer = (await stage.history())[1]
    await stage.publish("Because.", kind="correction", re=answer.id)
    async with site.client() as client:
        page = (await client.get("/rooms/stage")).text
        assert "secret" not in page
        assert page.index("Why?") < page.index("Because.")
        assert "Becaus.<" not in page
        for shown in (page, (await client.get("/embed/stage")).text):
            assert not {"an insult", "Bob"} & set(re.findall("an insult|Bob", shown))
            gone = shown.index(TEXTS["en"]["retracted"])  # so nobody takes it for an answer to what was asked before
            assert shown.index(f'data-id="{insult.id}"') < gone < shown.index("That is not so.")
        assert f'data-position="{stage.position}"' in page


async def test_before_an_event_its_page_says_when_it_begins_and_after_it_that_it_is_over(site: Site) -> None:
    stage = site.engine.room("stage")
    async with site.client() as client:
        await stage.publish("", kind="programme", data={"phase": "live"})
        assert '<p class="more" hidden' in (await client.get("/rooms/stage")).text  # there is nothing to read in it yet
        await stage.publish("", kind="programme", data={"phase": "before", "starts_at": "2099-06-01T20:30:00+02:00"})
        assert "We begin on 1 June 2099, 20:30 UTC+02:00" in (await client.get("/rooms/stage?lang=en")).text
        assert "le 1er juin 2099, 20:30 UTC+02:00" in (await client.get("/rooms/stage?lang=fr")).text
        await stage.publish("", kind="programme", data={"phase": "before", "starts_at": "0001-01-01T00:00:00+02:00"})
        assert "We begin in a moment" in (await client.get("/rooms/stage?lang=en")).text
        room = (await client.get("/v1/rooms/stage")).json()
        assert (room["phase"], room["note"], room["starts_at"]) == ("before", "", "0001-01-01T00:00:00+02:00")
        await stage.publish("", kind="programme", data={"phase": "after", "note": "Until <next> year"})
        page = (await client.get("/rooms/stage?lang=en")).text
        assert "This event is over" in page
        assert "Until &lt;next&gt; year" in page


async def test_what_people_wrote_is_never_markup(site: Site) -> None:
    evil = '"><script>alert(1)</script>{0}{list}'
    room = await site.engine.open_room("evil", title=evil)
    await room.publish(evil, author=Author(evil[:60]), kind="question")
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


async def test_what_scripts_say_comes_with_the_page_and_can_not_end_its_element(site: Site) -> None:
    async with site.client() as client:
        page = (await client.get("/rooms/stage")).text
        (block,) = re.findall(r'<script type="application/json" id="texts">(.*?)</script>', page, re.DOTALL)
        assert "<" not in block
        assert json.loads(block)["live"] == SCRIPT_TEXTS["en"]["live"]


async def test_every_answer_says_that_its_type_is_its_type_and_sends_no_referrer(site: Site) -> None:
    async with site.client() as client:
        for path in ("/", "/nothing", "/v1/rooms", "/metrics", "/healthz", "/openapi.json", "/rooms/stage"):
            headers = (await client.get(path)).headers
            assert (headers["x-content-type-options"], headers["referrer-policy"]) == ("nosniff", "no-referrer")
            assert "default-src 'none'" in headers["content-security-policy"]


async def test_the_files_that_a_page_names_are_there_and_may_be_kept_for_ever(site: Site) -> None:
    async with site.client() as client:
        addresses = re.findall(r'(?:src|href)="(/static/[^"]+)"', (await client.get("/rooms/stage")).text)
        names = [address.rpartition("/")[2] for address in addresses]
        assert set(names) == {"icon.svg", "page.css", "room.css", "site.css", "room.js"}
        for address in addresses:
            file = await client.get(address)
            assert file.status_code == 200
            assert "immutable" in file.headers["cache-control"]
            assert file.content


async def test_a_script_of_another_version_s_page_is_the_present_one(site: Site) -> None:
    async with site.client() as client:
        script = await client.get("/static/000000000000/room.js")
        assert script.status_code == 200
        for name in re.findall(r'from "\./([\w.-]+)"', script.text):
            assert (await client.get(f"/static/000000000000/{name}")).status_code == 200


async def test_a_page_with_its_visitor_s_name_is_kept_for_nobody_else(desk: Site) -> None:
    async with desk.client() as client, desk.client() as stranger:
        await client.post("/v1/visitors", json={"name": "Zoe"})
        own, other = await client.get("/rooms/hall"), await stranger.get("/rooms/hall")
        assert ('data-name="Zoe"' in own.text, "Zoe" in other.text) == (True, False)
        assert (own.headers["cache-control"], other.headers["cache-control"]) == ("private, no-cache", "no-cache")
        assert own.headers["vary"] == other.headers["vary"] == "Accept-Language, Cookie"
