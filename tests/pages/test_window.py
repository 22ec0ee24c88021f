"""A room's window on a page of another origin, under a strict policy: live, in its language, in its colours, and
leaving nothing behind."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.pages.axe import complaints_everywhere
from tests.pages.foreign_site import foreign_site
from tests.pages.house import House
from tests.pages.scene import ask

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("alone")]


def strict(house: House) -> str:
    live = house.url.replace("http", "ws")
    return f"default-src 'none'; script-src {house.url}; connect-src {house.url} {live}; frame-src {house.url}"


def tag(house: House, attributes: str = "") -> str:
    script = f'<script async src="{house.url}/embed.js" data-room="salon" {attributes}></script>'
    return f"<main><h1>Le journal</h1>{script}</main>"


def test_the_window_shows_what_is_said_on_a_foreign_page_and_leaves_nothing_there(house: House, open_page: Any) -> None:
    house.say("salon", "<b>avant</b>")
    with foreign_site(tag(house), strict(house)) as site:
        page = open_page(site, locale="en-GB")
        lines = page.locator("fanout-window li .text")
        expect(lines).to_have_text(["<b>avant</b>"])
        expect(page.locator("fanout-window .state")).to_have_text("En direct")  # the language of the site
        expect(page.locator("fanout-window .people")).to_have_text("1 personne présente")
        question = ask(house, "salon", "Tom", "Why?")
        house.decide(question, "approve")
        house.decide(question, "air")
        line = {"text": "Becaus.", "final": True}
        said = house.ask("PUT", f"/v1/submissions/{question}/lines/a", "scribe", json=line)
        expect(lines).to_have_text(["Becaus.", "Why?", "<b>avant</b>"])
        house.ask("POST", f"/v1/rooms/salon/messages/{said['id']}/corrections", "scribe", json={"text": "Because."})
        expect(lines.first).to_have_text("Because.")
        house.ask("DELETE", f"/v1/rooms/salon/messages/{said['id']}", "moderator")
        expect(lines.first).to_have_text("Ce message a été retiré.")
        house.kill()
        expect(page.locator("fanout-window .state")).to_contain_text("Connexion perdue")
        house.come_back()
        house.say("salon", "après")
        expect(lines.first).to_have_text("après", timeout=20_000)
        assert page.context.cookies() == []
        assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]
        assert page.complaints == []
        with page.context.expect_page() as opened:
            page.get_by_role("link", name="Participer").click()
        expect(opened.value.locator("h1")).to_have_text("salon")
        assert opened.value.url == f"{house.url}/rooms/salon?lang=fr"


def test_the_window_takes_the_site_s_colours_and_language(house: House, open_page: Any) -> None:
    house.say("salon", "hello", kind="answer")
    attributes = 'data-lang="en" data-theme="dark" data-accent="#ff8800" data-height="300px" data-title="Our hall"'
    with foreign_site(tag(house, attributes), strict(house)) as site:
        page = open_page(site, color_scheme="light")
        expect(page.locator("fanout-window h2")).to_have_text("Our hall")
        expect(page.locator("fanout-window .state")).to_have_text("Live")
        expect(page.locator("fanout-window .kind")).to_have_css("color", "rgb(255, 136, 0)")
        expect(page.locator("fanout-window section")).to_have_css("background-color", "rgb(27, 34, 38)")
        expect(page.locator("fanout-window section")).to_have_css("height", "300px")
        page.evaluate("document.documentElement.style.setProperty('--fanout-ground', '#102030')")
        expect(page.locator("fanout-window section")).to_have_css("background-color", "rgb(16, 32, 48)")


def test_the_window_knows_how_far_the_event_is_also_after_a_break_and_much_talk(house: House, open_page: Any) -> None:
    with foreign_site(tag(house), strict(house)) as site:
        page = open_page(site)
        state = page.locator("fanout-window .state")
        expect(state).to_have_text("En direct")
        house.say("salon", "", kind="programme", data={"phase": "before"})
        expect(state).to_have_text("Pas encore commencé")
        page.context.set_offline(True)
        expect(state).to_contain_text("Connexion perdue")
        page.context.set_offline(False)
        expect(state).to_have_text("Pas encore commencé")
        house.say("salon", "", kind="programme", data={"phase": "after"})
        house.ask("POST", "/v1/rooms/salon/messages", json=[{"text": f"line {number}"} for number in range(31)])
        expect(state).to_have_text("Terminé")
        page.reload()
        expect(state).to_have_text("Terminé")
        assert page.complaints == []


@pytest.mark.parametrize("script", [True, False])
def test_a_frame_shows_the_same_also_without_a_script(house: House, open_page: Any, script: bool) -> None:
    house.say("salon", "<i>hello</i>")
    with foreign_site(f'<iframe title="x" src="{house.url}/embed/salon?theme=dark"></iframe>', strict(house)) as site:
        page = open_page(site, java_script_enabled=script)
        expect(page.frame_locator("iframe").locator(".text")).to_have_text("<i>hello</i>")
        if script:
            house.say("salon", "more")
            expect(page.frame_locator("iframe").locator(".text").first).to_have_text("more")
        inside = page.frame_locator("iframe").locator(".text").first.bounding_box()
        assert inside["x"] - page.locator("iframe").bounding_box()["x"] >= 16, "it touches the edge"
        assert page.context.cookies() == []


@pytest.mark.usefixtures("axe")
def test_axe_finds_nothing_in_the_window(house: House, open_page: Any) -> None:
    house.say("salon", "hello", kind="answer")
    with foreign_site(tag(house), strict(house)) as site:
        for address in (site, f"{house.url}/embed/salon"):
            page = open_page(address)
            expect(page.locator("fanout-window .text")).to_have_text("hello")
            assert complaints_everywhere(page, (320,)) == []
