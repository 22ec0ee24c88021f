"""An answer as it is typed, in real browsers: below its question, as far as the rule goes, and gone when it is said."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.pages.evil import EVIL, harmless
from tests.pages.foreign_site import foreign_site
from tests.pages.house import House
from tests.pages.no_websockets import without_websockets
from tests.pages.scene import ask

BOTH_WAYS = True

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("alone")]


def on_air(house: House) -> str:
    question = ask(house, "salon", "Tom", "Why?")
    for action in ("approve", "air"):
        house.decide(question, action)
    return question


def signed_in(open_page: Any, house: House, role: str, where: str = "stage") -> Page:
    page = open_page(f"{house.url}/rooms/salon/{where}#token={house.token(role, 'Sue')}")
    expect(page.locator("#line")).to_have_attribute("data-state", "live")
    return page


def test_what_the_scribe_types_is_seen_as_the_moderator_has_it(house: House, open_page: Any) -> None:
    on_air(house)
    script = f'<script async src="{house.url}/embed.js" data-room="salon"></script>'
    policy = f"default-src 'none'; script-src {house.url}; connect-src {house.url} {house.url.replace('http', 'ws')}"
    with without_websockets(house.server.port) as proxy, foreign_site(script, policy) as site:
        french, events = open_page(f"{house.url}/rooms/salon", locale="fr-FR"), open_page(f"{proxy}/rooms/salon")
        for page in (french, events):
            expect(page.locator("#state")).to_have_attribute("data-state", "live")
        window = open_page(site)
        expect(window.locator("fanout-window .text")).to_have_text("Why?")
        scribe, desk = signed_in(open_page, house, "scribe"), signed_in(open_page, house, "moderator", "desk")
        field, shown = scribe.locator("#line-text"), scribe.locator(".shown")
        expect(shown).to_have_text("Visitors see that you are typing, not what.")
        field.press_sequentially("In M")
        expect(french.locator(".exchange .typing")).to_contain_text("Sue écrit")
        expect(events.locator(".exchange .typing")).to_contain_text("Sue is typing")
        expect(window.locator("fanout-window .typing")).to_have_text("Sue écrit…")
        assert events.locator(".typing .text").count() == 0

        desk.locator("#programme summary").click()
        expect(desk.locator("#typing select")).to_have_value("who")
        desk.locator("#typing select").select_option("text")
        expect(desk.locator("#told")).to_have_text("So it is from now on.")
        field.press_sequentially("ay <b>")
        expect(shown).to_have_text("Visitors see what you type, as you type it.")
        for page in (french, events, window):
            expect(page.locator(".typing .text")).to_have_text("In May <b>")
            expect(page.locator(".typing")).to_have_attribute("aria-live", "off")
        assert "May" not in events.locator("#announcer").inner_text()
        assert events.locator(".dots").evaluate("(dots) => getComputedStyle(dots).animationName") == "breathe"
        events.emulate_media(reduced_motion="reduce")
        assert events.locator(".dots").evaluate("(dots) => getComputedStyle(dots).animationName") == "none"

        field.fill("")
        for page in (french, events, window):
            expect(page.locator(".typing")).to_have_count(0)
        field.press_sequentially("In May.")
        for page in (french, events, window):
            expect(page.locator(".typing .text")).to_have_text("In May.")
        field.press("Enter")
        for page in (french, events, window):
            expect(page.locator(".text").filter(has_text=re.compile(r"^In May\.$"))).to_have_count(1)
            expect(page.locator(".typing")).to_have_count(0)
        for page in (french, events, scribe, desk):
            assert page.complaints == []


def test_it_is_text_and_goes_with_its_question_or_the_line(house: House, open_page: Any) -> None:
    question = on_air(house)
    house.ask("PATCH", "/v1/rooms/salon/rules", json={"typing": "text"})
    page = open_page(f"{house.url}/rooms/salon")
    expect(page.locator("#state")).to_have_attribute("data-state", "live")
    line = f"/v1/submissions/{question}/lines/a"
    house.ask("PUT", line, "scribe", name="<i>Sue</i>", json={"text": EVIL[0]})
    expect(page.locator(".typing .text")).to_have_text(EVIL[0])
    harmless(page)
    assert "typing" not in house.ask("GET", "/v1/rooms/salon/transcript", params={"format": "json"}).__str__()
    house.decide(question, "retract")
    expect(page.locator(".typing")).to_have_count(0)
