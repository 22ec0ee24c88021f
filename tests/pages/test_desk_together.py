"""The moderators' desk when others act at the same time, the line is slow, or something is to be taken back: no key
does what nobody meant, and nothing that was typed is lost."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.pages.house import House
from tests.pages.scene import ask, options

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("alone")]


def test_a_decision_on_its_way_is_not_undone_by_a_page_that_is_older(house: House, sign_in: Any) -> None:
    for text in ("one", "two"):
        ask(house, "salon", "Tom", text)
    page = sign_in("Zoé")
    expect(options(page)).to_have_text(["one", "two"])
    held: list[Any] = []
    page.route("**/decisions", lambda route: held.append(route))
    page.locator("#list").press("a")
    expect(options(page)).to_have_text(["two"])
    with page.expect_response("**/submissions?after=0&limit=500&state=held&source=web"):
        page.get_by_label("From").select_option("web")
    expect(page.locator("#found")).to_have_text("1 shown")
    expect(options(page)).to_have_text(["two"])
    held[0].continue_()
    expect(page.locator("#told")).to_have_text("Approved. It waits on the stage.")
    page.get_by_label("Show").select_option("approved")
    expect(options(page)).to_have_text(["one"])
    assert page.complaints == []


def test_two_at_once_see_each_other_and_the_first_counts(house: House, sign_in: Any) -> None:
    waiting = ask(house, "salon", "Tom", "Why?")
    zoe, omar = sign_in("Zoé"), sign_in("Omar", locale="fr-FR")
    expect(options(omar)).to_have_text(["Why?"])
    zoe.locator("#list").press("e")
    expect(zoe.locator("#asked")).to_be_visible()
    expect(omar.locator('[role="option"] .lease')).to_have_text("entre les mains de Zoé (modérateur)")
    omar.locator("#list").press("a")
    expect(omar.locator("#told")).to_have_text(re.compile(r"Impossible\s: .* jusqu.à \d\d:\d\d au plus tard\."))
    omar.locator("#list").press("Home")
    also_zoe = sign_in("Zoé")  # two people on one link
    expect(also_zoe.locator('[role="option"] .lease')).to_have_text("in the hands of Zoé (moderator)")
    also_zoe.locator("#list").press("a")
    expect(also_zoe.locator("#told")).to_contain_text("in the hands of Zoé")
    also_zoe.close()
    expect(options(omar)).to_have_text(["Why?"])
    zoe.locator("#asked").press("Escape")
    expect(omar.locator('[role="option"] .lease')).to_have_count(0)
    omar.locator("#list").press("a")
    expect(omar.locator("#told")).to_have_text("Retenue. Elle attend sur la scène.")
    expect(options(zoe)).to_have_count(0)
    assert house.ask("GET", f"/v1/submissions/{waiting}", "moderator")["by"] == "Omar (moderator)"
    ask(house, "salon", "Tom", "And?")
    expect(options(omar)).to_have_text(["And?"])
    omar.add_init_script("const here = Date.now; Date.now = () => here() + 3600e3")  # a clock that is wrong
    omar.reload()
    expect(omar.locator("#oldest")).to_have_text(re.compile(r"\b\d+\ss$"))
    zoe.locator("#list").press("e")
    expect(omar.locator('[role="option"] .lease')).to_have_text("entre les mains de Zoé (modérateur)")
    zoe.locator("#asked").press("Escape")
    expect(omar.locator('[role="option"] .lease')).to_have_count(0)
    omar.request.post(f"{house.url}/v1/session", data={"token": house.token("operator")})  # in another tab
    omar.locator("#list").press("a")
    expect(omar.locator("#told")).to_contain_text("la personne identifiée ici entre-temps")
    expect(options(omar)).to_have_text(["And?"])


PRESSED_AT_ONCE = """() => new MutationObserver((_, observer) => {
  observer.disconnect();
  document.getElementById("list").dispatchEvent(new KeyboardEvent("keydown", { key: "a", bubbles: true }));
}).observe(document.getElementById("detail"), { childList: true })"""
"""A finger that was on its way when another question came to be the chosen one."""


def test_what_others_do_puts_no_other_question_under_the_finger(house: House, sign_in: Any) -> None:
    ids = [ask(house, "salon", "Tom", f"question {number}") for number in range(40)]
    waiting = lambda: [one["id"] for one in house.queue("salon", state="held", limit=100)]  # noqa: E731
    page = sign_in("Zoé")
    expect(page.locator("#found")).to_have_text("40 shown")
    keys, chosen = page.locator("#list"), page.locator(".detail > .text")
    for _ in range(25):
        keys.press("j")
    expect(chosen).to_have_text("question 25")
    row = page.locator('[role="option"][aria-selected="true"]')
    before = row.bounding_box()
    house.decide(ids[0], "reject")
    expect(page.locator("#found")).to_have_text("39 shown")
    expect(chosen).to_have_text("question 25")
    assert abs(row.bounding_box()["y"] - before["y"]) < 2
    page.evaluate(PRESSED_AT_ONCE)
    house.decide(ids[25], "reject")
    expect(chosen).to_have_text("question 26")
    expect(page.locator("#told")).to_contain_text("Read it")
    keys.press("j")
    page.keyboard.down("a")
    page.keyboard.down("a")  # held: it repeats
    page.keyboard.up("a")
    expect(page.locator("#told")).to_have_text("Approved. It waits on the stage.")
    keys.press("a")  # the next, at once
    expect(page.locator("#found")).to_have_text("36 shown")
    assert set(ids) - set(waiting()) == {ids[number] for number in (0, 25, 27, 28)}
    assert page.complaints == []


def test_what_is_typed_is_text_however_slow_the_line_and_stays_until_it_is_done(house: House, sign_in: Any) -> None:
    ids = [ask(house, "salon", "Tom", text) for text in ("one", "two", "three")]
    states = lambda: [one["state"] for one in house.queue("salon")]  # noqa: E731
    page = sign_in("Zoé")
    expect(options(page)).to_have_count(3)
    held: list[Any] = []
    page.route("**/lease", lambda route: held.append(route))
    page.locator("#list").press("Shift+R")
    page.keyboard.type("a rude question")
    expect(page.locator("#asked")).to_have_value("a rude question")
    assert states() == ["held"] * 3
    held[0].continue_()
    page.unroute("**/lease")
    cookies = page.context.cookies()
    page.context.clear_cookies()
    page.keyboard.press("Enter")
    expect(page.locator(".asks .note")).to_contain_text("session has ended")
    page.context.add_cookies(cookies)
    page.keyboard.press("Enter")
    expect(page.locator("#told")).to_have_text("Rejected.")
    assert house.ask("GET", f"/v1/submissions/{ids[0]}", "moderator")["reason"] == "a rude question"
    page.complaints.clear()  # of the 401
    page.locator("#list").press("e")
    page.locator("#asked").fill("two, reworded")
    house.kill()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".asks .note")).to_contain_text("still here")
    page.locator("#programme summary").click()
    page.get_by_role("button", name="Interrupted").click()
    expect(page.locator("#told")).to_have_text("Not done: the server does not answer.")
    house.come_back()
    expect(page.locator("#line")).to_have_attribute("data-state", "live", timeout=20_000)
    page.locator("#asked").press("Control+Enter")
    expect(options(page)).to_have_text(["two, reworded", "three"])
    expect(page.locator("#list")).to_be_focused()
    assert page.complaints == []


def test_the_desk_says_when_it_begins_and_visitors_count_down_to_it(house: House, open_page: Any, sign_in: Any) -> None:
    visitor = open_page(f"{house.url}/rooms/salon", timezone_id="America/Martinique")
    window = open_page(f"{house.url}/embed/salon", timezone_id="Europe/Paris")
    expect(visitor.locator("#state")).to_have_text("Live")
    page = sign_in("Ops", "operator", locale="fr-FR", timezone_id="Europe/Paris")
    expect(page.locator("#phase")).to_have_text("en direct")
    open_it, announce = page.locator("#programme summary"), page.get_by_role("button", name="Annoncer")
    hour, note = page.get_by_label("Nous commençons le"), page.get_by_label("Votre phrase")
    open_it.click()
    expect(page.locator("#when")).to_have_text("Europe/Paris")
    note.fill("<b>Questions welcome.</b>")
    hour.fill("2001-06-02T20:30")
    announce.click()
    expect(page.locator("#when")).to_have_text("Cette heure est passée.")
    expect(visitor.locator("#slate")).to_be_hidden()
    hour.fill("2099-06-02T20:30")
    expect(page.locator("#when")).to_have_text("mardi 2 juin 2099 à 20:30 (Europe/Paris)")
    announce.click()
    expect(visitor.locator("#slate h2")).to_have_text("We begin on Tuesday, 2 June 2099 at 14:30")
    expect(visitor.locator("#slate .countdown")).to_contain_text("days")
    expect(visitor.locator("#slate p").last).to_have_text("<b>Questions welcome.</b>")
    expect(window.locator("fanout-window .state")).to_have_text("Begins on 2 June 2099 at 20:30")
    expect(page.locator("#phase")).to_have_text("pas encore commencé")
    open_it.click()
    expect(hour).to_have_value("2099-06-02T20:30")
    hour.fill("2099-12-02T19:00")  # winter time
    announce.click()
    expect(visitor.locator("#slate h2")).to_have_text("We begin on Wednesday, 2 December 2099 at 14:00")
    expect(visitor.locator("#slate p").last).to_have_text("<b>Questions welcome.</b>")
    assert house.ask("GET", "/v1/rooms/salon")["starts_at"] == "2099-12-02T19:00:00+01:00"
    open_it.click()
    page.get_by_role("button", name="En direct").press("Enter")
    expect(visitor.locator("#slate")).to_be_hidden()
    expect(page.locator("#phase")).to_have_text("en direct")
    expect(open_it).to_be_focused()
    assert page.complaints == visitor.complaints == []


def test_undo_takes_back_what_was_last_or_says_why_not(house: House, sign_in: Any) -> None:
    ids = [ask(house, "salon", "Tom", text) for text in ("one", "two", "three")]
    sms = {"id": "1", "from": "+33612345678", "text": "four"}
    house.ask("POST", "/v1/sms?room=salon", "gateway", json=sms)
    states = lambda: [one["state"] for one in house.queue("salon")]  # noqa: E731
    page = sign_in("Zoé")
    keys, told = page.locator("#list"), page.locator("#told")
    expect(options(page)).to_have_count(4)
    keys.press("a")
    expect(told).to_have_text("Approved. It waits on the stage.")
    keys.press("x")
    expect(page.locator("#found")).to_have_text("3 shown · 1 marked")
    page.get_by_label("From").select_option("SMS")
    expect(options(page)).to_have_text(["four"])
    keys.press("m")
    expect(page.locator("#confirm p")).to_have_text(
        "1 of the marked is not in the list as it is shown. It will be merged too."
    )
    page.locator("#confirm [value=no]").click()
    page.get_by_label("From").select_option("everywhere")
    expect(options(page)).to_have_text(["two", "three", "four"])
    keys.press("Home")
    keys.press("j")
    keys.press("m")
    expect(told).to_have_text("Merged.")
    expect(page.locator("#found")).to_have_text("2 shown")
    assert states() == ["approved", "merged", "held", "held"]
    keys.press("End")
    keys.press("b")
    page.locator("#asked").fill("Enough.")
    page.keyboard.press("Enter")
    expect(told).to_have_text("Banned.")
    page.route("**/bans/*", lambda route: route.abort())
    keys.press("u")
    expect(told).to_contain_text("does not answer")
    page.unroute("**/bans/*")
    keys.press("u")
    expect(told).to_have_text("Taken back.")
    assert house.ask("GET", "/v1/rooms/salon/bans", "moderator")["bans"] == []
    assert states() == ["approved", "merged", "held", "held"]
    keys.press("u")
    expect(options(page)).to_have_text(["two", "three", "four"])
    page.locator("#programme summary").click()
    page.get_by_role("button", name="It is over").click()
    expect(page.locator("#confirm p")).to_contain_text("it is over")
    page.keyboard.press("Enter")  # "Leave it" has the focus
    expect(page.locator("#confirm")).to_be_hidden()
    expect(told).to_have_text("Taken back.")
    page.locator("#programme summary").click()
    page.get_by_label("Show").select_option("approved")
    expect(options(page)).to_have_text(["one"])
    keys.press("o")
    expect(told).to_have_text("On air.")
    keys.press("u")
    expect(told).to_contain_text("D takes it off")
    assert states() == ["aired", "held", "held", "held"]
    assert house.ask("GET", f"/v1/submissions/{ids[1]}", "moderator")["merged_into"] is None
    assert page.complaints == []


def test_an_announcement_and_an_answer_are_taken_back_with_a_key(house: House, sign_in: Any, open_page: Any) -> None:
    house.say("salon", "The doors close <b>at ten</b>.")
    question = ask(house, "salon", "Tom", "Why?")
    house.decide(question, "approve")
    house.decide(question, "air")
    house.ask("PUT", f"/v1/submissions/{question}/lines/a", "scribe", json={"text": "Becuase.", "final": True})
    visitor = open_page(f"{house.url}/rooms/salon")
    expect(visitor.locator("#talk .text")).to_have_text(["Why?", "Becuase.", "The doors close <b>at ten</b>."])
    assert sign_in("Claire", "animator").locator("#said").is_hidden()
    page = sign_in("Zoé", locale="fr-FR")
    page.locator("#list").press("t")
    expect(page.locator("#said .text")).to_have_text(["Becuase.", "The doors close <b>at ten</b>."])
    house.say("salon", "At eleven.")
    expect(page.locator("#said .text")).to_have_text(["At eleven.", "Becuase.", "The doors close <b>at ten</b>."])
    for text, answer in (("The doors", "no"), ("Becuase", "yes"), ("The doors", "yes")):
        page.locator("#said").get_by_role("button", name=text).press("Enter")
        expect(page.locator("#confirm p")).to_contain_text(text)
        page.locator(f"#confirm [value={answer}]").press("Enter")
    expect(page.locator("#told")).to_have_text("Retiré : plus personne ne le voit.")
    expect(page.locator("#said .text")).to_have_text(["At eleven."])
    expect(visitor.locator("#talk .said:not(.gone) .text")).to_have_text(["At eleven.", "Why?"])
    page.keyboard.press("Escape")
    expect(page.locator("#said")).not_to_have_attribute("open", "")
    expect(page.locator("#list")).to_be_focused()
    assert page.complaints == visitor.complaints == []
