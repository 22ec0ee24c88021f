"""Nothing that anybody writes becomes markup: hostile texts, names, titles and reasons go through every page."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.pages.evil import EVIL, FROM_VISITORS, harmless
from tests.pages.foreign_site import foreign_site
from tests.pages.house import House
from tests.pages.scene import ask
from tests.pages.visiting import enter

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("alone")]


def staff_page(house: House, open_page: Any, path: str, role: str) -> Any:
    page = open_page(f"{house.url}{path}#token={house.token(role, '<b>Zoé</b>')}")
    expect(page.locator("#sign-out")).to_be_visible()
    return page


def test_on_the_visitor_s_page(house: House, open_page: Any) -> None:
    page = open_page(f"{house.url}/rooms/salon")
    chat = open_page(f"{house.url}/rooms/foyer")
    enter(chat, "<i>Zoé</i>")
    for evil in EVIL:
        house.ask("POST", "/v1/rooms/salon/messages", json={"text": evil, "kind": "question"})
        if evil in FROM_VISITORS:
            ask(house, "foyer", evil[:30], evil)
    house.say("salon", "", kind="programme", data={"phase": "incident", "note": EVIL[0]})
    expect(page.locator("#talk .text")).to_have_text(list(reversed(EVIL)))
    expect(chat.locator("#lines .text")).to_have_text(list(FROM_VISITORS))
    expect(page.locator("#slate p").last).to_have_text(EVIL[0])
    for one in (page, chat):
        harmless(one)
        one.reload()
        expect(one.locator(".said .text").last).to_be_visible()
        harmless(one)


def test_at_the_desk_and_in_what_an_author_is_told(house: House, open_page: Any) -> None:
    for evil in FROM_VISITORS:
        ask(house, "salon", evil[:30], evil)
    page = staff_page(house, open_page, "/rooms/salon/desk", "moderator")
    expect(page.locator("#found")).to_have_text(f"{len(FROM_VISITORS)} shown")
    for evil in FROM_VISITORS:
        expect(page.locator(".detail > .text")).to_have_text(evil)
        page.locator("#list").press("j")
    page.locator("#list").press("e")
    expect(page.locator("#asked")).to_have_value(FROM_VISITORS[-1])
    page.locator("#asked").press("Escape")
    page.get_by_label("Search").fill("<script>")
    expect(page.locator("#found")).not_to_have_text(f"{len(FROM_VISITORS)} shown")
    harmless(page)
    visitor = open_page(f"{house.url}/rooms/salon")
    visitor.locator("#name").fill("Tom")
    visitor.locator("#name").press("Enter")
    visitor.locator("#question-text").fill(FROM_VISITORS[1])
    visitor.locator("#question button").click()
    expect(visitor.locator("#mine .text")).to_have_text(FROM_VISITORS[1])
    house.decide(house.queue("salon", limit=500)[-1]["id"], "reject", reason=FROM_VISITORS[0])
    expect(visitor.locator("#mine .fate")).to_contain_text(FROM_VISITORS[0])
    harmless(visitor)


def test_on_stage_and_at_the_operator_s(house: House, open_page: Any) -> None:
    for evil in FROM_VISITORS[:6]:
        one = ask(house, "salon", evil[:30], evil)
        house.decide(one, "approve")
        house.decide(one, "cue")
    aired = house.ask("GET", "/v1/rooms/salon/run-sheet", "animator")["submissions"][0]
    house.decide(aired["id"], "air")
    for number, evil in enumerate(EVIL):
        line = {"text": evil, "final": True}
        house.ask("PUT", f"/v1/submissions/{aired['id']}/lines/{number}", "scribe", json=line)
    prepared = {"title": EVIL[0], "text": EVIL[1]}
    house.ask("PUT", "/v1/rooms/salon/prepared-answers/a", "scribe", json=prepared)
    for role in ("animator", "guest", "scribe"):
        page = staff_page(house, open_page, "/rooms/salon/stage", role)
        expect(page.locator(".on-air .answer")).to_have_text(list(EVIL))
        harmless(page)
    house.ask("PUT", "/v1/rooms/evil", json={"mode": "open", "title": EVIL[0]})
    operator = staff_page(house, open_page, "/operate", "operator")
    expect(operator.locator("#rooms a").first).to_have_text(EVIL[0])
    harmless(operator)
    rooms = open_page(f"{house.url}/")
    expect(rooms.locator(".rooms a").first).to_have_text(EVIL[0])
    harmless(rooms)


def test_in_the_window_on_somebody_else_s_page(house: House, open_page: Any) -> None:
    house.ask("PUT", "/v1/rooms/salon", json={"title": EVIL[0]})
    for evil in EVIL:
        house.ask("POST", "/v1/rooms/salon/messages", json={"text": evil})
    tag = f'<script async src="{house.url}/embed.js" data-room="salon" data-accent="red;}}*{{display:none"></script>'
    with foreign_site(tag, f"script-src {house.url}; style-src 'none'") as site:
        for address in (site, f"{house.url}/embed/salon?accent=%22%3E%3Cscript%3Ehit%3D1&theme=%22%3E%3Cscript%3E"):
            page = open_page(address)
            expect(page.locator("fanout-window .text")).to_have_text(list(reversed(EVIL)))
            expect(page.locator("fanout-window h2")).to_have_text(EVIL[0])
            harmless(page)
