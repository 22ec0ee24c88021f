"""Every page from the narrowest phone to a wall: nothing sticks out, nothing lies on anything else, and on a wall it
can be read from the last row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from fanout.rehearsal.report.html_page import html_page
from tests.pages.house import House
from tests.pages.scene import ROOM, ask, play
from tests.pages.visiting import enter
from tests.rehearsal.finished import rehearsal
from tests.server_process import SECRET, ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("alone")]

NARROWEST, WALL = 320, 3840

OVERLAPS = """() => {
  const cards = [...document.querySelectorAll(".card, .talk > li, [role=option]")].filter((one) => one.offsetParent);
  const boxes = cards.map((one) => [one, one.getBoundingClientRect()]);
  const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
  return boxes.flatMap(([one, a], index) => boxes.slice(index + 1)
    .filter(([other, b]) => !one.contains(other) && meet(a, b))
    .map(([other]) => `${one.className} ${other.className}`));
}"""
"""Parts that lie on others."""

BROKEN = """() => [...document.querySelectorAll("nav a, button, th, figcaption")].filter((one) => one.offsetParent)
  .flatMap((one) => {
    const texts = document.createTreeWalker(one, NodeFilter.SHOW_TEXT), range = document.createRange(), torn = [];
    for (let text; (text = texts.nextNode());) for (const word of text.data.matchAll(/[\\p{L}\\d]+/gu)) {
      range.setStart(text, word.index);
      range.setEnd(text, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map((part) => Math.round(part.top))).size > 1) torn.push(word[0]);
    }
    return torn;
  })"""
"""Words that take more than a line."""

COVERED = """() => [...document.querySelectorAll("*")].filter((one) => getComputedStyle(one).position === "sticky")
  .filter((one) => [getComputedStyle(one).top, getComputedStyle(one).bottom].some((edge) => edge !== "auto"))
  .reduce((sum, one) => sum + (one.closest(".side") ? 0 : one.getBoundingClientRect().height), 0) / innerHeight"""
"""How much of the view is always in the way of the rest."""


HIDDEN_FOCUS = """() => {
  const field = document.activeElement, box = field.getBoundingClientRect();
  return document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2) !== field;
}"""
"""Whether something lies on what has the focus (WCAG 2.4.11)."""


@pytest.fixture(scope="module")
def evening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """`hall` in the middle of an evening, with something cued and something approved."""
    arguments = (
        "--memory",
        "--port",
        "0",
        "--drain-seconds",
        "0",
        "--room",
        f"{ROOM}:moderated",
        "--room",
        "foyer:open",
    )
    server = ServerProcess(*arguments, folder=tmp_path_factory.mktemp("evening"), env={"FANOUT_SECRET": SECRET})
    try:
        house = House(server.listens(), None, arguments)
        play(house)
        for number in range(4):
            one = ask(house, ROOM, "Ines", f"What becomes of the old swimming pool, and when? ({number})")
            house.decide(one, "approve")
            if number < 2:
                house.decide(one, "cue")
        yield house
    finally:
        server.kill()


def pages(house: House, open_page: Any) -> Iterator[tuple[str, Page]]:
    """Every page, as somebody sees it who has it before them, on the narrowest phone."""
    view = {"viewport": {"width": NARROWEST, "height": 640}, "locale": "fr-FR"}
    for role, path, shown in (
        ("", f"/rooms/{ROOM}", "#talk .text"),
        ("", "/rooms/foyer", "#lines .text"),
        ("", "/", ".rooms a"),
        ("", f"/rooms/{ROOM}/desk", "#token"),
        ("", f"/v1/rooms/{ROOM}/transcript", "article"),
        ("moderator", f"/rooms/{ROOM}/desk", '[role="option"] .text'),
        ("animator", f"/rooms/{ROOM}/stage", ".approved .text"),
        ("guest", f"/rooms/{ROOM}/stage", ".next .text"),
        ("scribe", f"/rooms/{ROOM}/stage", "#line-text"),
        ("operator", "/operate", "#processes tbody th"),
    ):
        token = f"#token={house.token(role, 'Zoé')}" if role else ""
        page = open_page(f"{house.url}{path}{token}", **view)
        expect(page.locator(shown).first).to_be_visible()
        if role == "moderator":
            page.locator("#programme summary").click()
        yield f"{role or 'visitor'} at {path}", page
        page.close()


def test_from_the_narrowest_phone_to_a_wall_nothing_sticks_out(evening: House, open_page: Any) -> None:
    for name, page in pages(evening, open_page):
        fits_the_narrowest_phone(name, page)
        page.set_viewport_size({"width": WALL, "height": WALL * 9 // 16})
        fills_a_wall(name, page)


def fits_the_narrowest_phone(name: str, page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROWEST, name
    assert page.evaluate(OVERLAPS) == [], name
    assert page.evaluate(BROKEN) == [], name
    assert page.evaluate(COVERED) < 0.25, name
    if name == f"visitor at /rooms/{ROOM}":
        page.locator("#enter").evaluate('(form) => form.scrollIntoView({ block: "end" })')
        enter(page, "Ines")
        assert page.evaluate(HIDDEN_FOCUS) is False, name


def fills_a_wall(name: str, page: Page) -> None:
    page.wait_for_function(f"({OVERLAPS})().length === 0")  # a list is drawn anew with the next frame
    assert page.evaluate("document.documentElement.scrollWidth") <= WALL, name
    size = page.evaluate("parseFloat(getComputedStyle(document.querySelector('p, li')).fontSize)")
    assert size > 30, name  # a hundredth of the height is read from six times the width away
    if "transcript" not in name:  # which has the width of a book
        wide = page.evaluate("document.querySelector('main').getBoundingClientRect().width") / WALL
        assert wide > 0.6, name
    if "guest" in name:
        asked = page.locator(".large .question").evaluate("(one) => parseFloat(getComputedStyle(one).fontSize)")
        assert asked > WALL / 30, name


def test_a_rehearsals_report_fits_on_the_narrowest_phone(open_page: Any) -> None:
    page = open_page(viewport={"width": NARROWEST, "height": 640})
    page.set_content(html_page(rehearsal(scale=0.2)))
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROWEST
    assert page.evaluate("parseFloat(getComputedStyle(document.querySelector('figure text')).fontSize)") == 19
    expect(page.locator("figure > svg").first).to_have_css("width", f"{NARROWEST - 32}px")
    assert page.evaluate("document.querySelector('.judged').scrollWidth") <= NARROWEST - 32, "a row is a paragraph"


def test_the_queue_keeps_its_rows_when_the_page_gets_another_width(evening: House, open_page: Any) -> None:
    address = f"{evening.url}/rooms/{ROOM}/desk#token={evening.token('moderator', 'Zoé')}"
    page = open_page(address, viewport={"width": 1280, "height": 800})
    expect(page.locator('[role="option"] .text').first).to_be_visible()
    shown = page.locator('[role="option"]').count()
    page.set_viewport_size({"width": WALL, "height": 2160})
    page.wait_for_function("document.querySelector('[role=option]').offsetHeight > 100")
    assert page.locator('[role="option"]').count() == shown
    assert page.evaluate(OVERLAPS) == []
