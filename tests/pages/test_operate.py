"""The operator's page in a real browser: it shows what /metrics says, and its switches switch."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.components import all_required, fetch_axe
from tests.pages.axe import complaints
from tests.pages.house import House
from tests.pages.scene import ask

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("alone")]


@pytest.fixture
def operator(house: House, open_page: Any) -> Any:
    def sign_in(role: str = "operator", **more: Any) -> Any:
        page = open_page(f"{house.url}/operate#token={house.token(role, 'Ops')}", **more)
        page.complaints.clear()  # of the 401 that asked who it is
        return page

    return sign_in


def figure(page: Any, title: str) -> Any:
    return page.locator("figure").filter(has=page.get_by_text(title, exact=True)).locator(".newest b")


def test_what_it_shows_is_what_the_metrics_say(house: House, operator: Any, open_page: Any) -> None:
    page = operator()
    for _ in range(2):
        expect(open_page(f"{house.url}/rooms/salon").locator("#state")).to_have_text("Live")
    for number in range(3):
        ask(house, "salon", "Tom", f"question {number}")
    expect(figure(page, "Listeners")).to_have_text(["2", "0"])
    expect(figure(page, "Waiting for a moderator")).to_have_text("3")
    expect(page.locator('[data-listeners="salon"]')).to_have_text("2")
    metrics = httpx.get(f"{house.url}/metrics").text
    assert 'fanout_listeners{transport="websocket"} 2.0' in metrics
    assert 'fanout_submissions_now{state="held"} 3.0' in metrics
    for number in range(30):
        house.say("salon", f"line {number}")
    expect(figure(page, "Publication to socket").last).to_contain_text("s")
    expect(page.locator('[data-messages="salon"]')).to_have_text("30")
    assert page.locator("figure polyline").first.get_attribute("points")
    house.kill()
    expect(page.locator("#line")).to_contain_text("does not answer")
    house.come_back()
    expect(page.locator("#line")).to_have_text("Ready", timeout=20_000)
    assert page.complaints == []


def test_its_switches_switch_and_show_what_others_have_switched(house: House, operator: Any, open_page: Any) -> None:
    page = operator(locale="fr-FR")
    page.get_by_label("Pause: salon").check()
    visitor = open_page(f"{house.url}/rooms/salon")
    visitor.locator("#name").fill("Tom")
    visitor.locator("#name").press("Enter")
    visitor.locator("#question-text").fill("Why?")
    visitor.locator("#question button").click()
    expect(visitor.locator("#question .refusal")).to_have_text("No questions are taken for the moment.")
    page.get_by_label("Mode lent: salon").select_option("un en 30 s")
    expect(page.locator("#told")).to_contain_text("Pas fait")  # no plug-in here keeps it
    expect(page.get_by_label("Mode lent: salon")).to_have_value("0")
    page.get_by_label("Équipe seule: salon").check()
    page.locator("h1").click()
    house.ask("PATCH", "/v1/rooms/salon/rules", "moderator", json={"paused": False})
    expect(page.get_by_label("Pause: salon")).not_to_be_checked(timeout=20_000)
    assert house.ask("GET", "/v1/rooms/salon/rules")["announce_only"] is True


def test_nobody_else_gets_in(operator: Any) -> None:
    expect(operator("moderator").locator("#plots")).to_be_visible()  # who may switch the rules of every room, too
    expect(operator("scribe").locator(".refusal")).to_contain_text("scribe")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_the_operator_s_page(operator: Any, theme: str) -> None:
    if why := fetch_axe():
        (pytest.fail if all_required() else pytest.skip)(why)
    for width in (320, 1280):
        page = operator(color_scheme=theme, viewport={"width": width, "height": 800})
        expect(page.locator(".newest b").first).to_be_visible()
        expect(page.locator("#rooms tbody tr")).to_have_count(3)
        assert complaints(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
