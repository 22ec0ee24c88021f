"""The visitor's page in a real browser: asking, following over breaks, and who can't use a mouse, a
script or a large screen."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.pages.axe import complaints_everywhere
from tests.pages.house import House
from tests.pages.no_websockets import without_websockets
from tests.pages.scene import ask
from tests.pages.visiting import asked, enter

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("alone")]


def test_a_visitor_asks_in_french_sees_what_becomes_of_it_and_so_does_one_without_websockets(
    house: House, open_page: Callable[..., Any]
) -> None:
    with without_websockets(house.server.port) as url:
        samira = open_page(f"{house.url}/rooms/salon", locale="fr-FR")
        tom = open_page(f"{url}/rooms/salon", locale="en-GB")
        expect(samira.locator("#state")).to_have_text("En direct")
        expect(tom.locator("#state")).to_have_text("Live")
        refusal = samira.locator("#enter .refusal")
        samira.route("**/v1/visitors", lambda route: route.abort())
        samira.locator("#name").fill("Sami\u202era")
        samira.locator("#enter button").click()
        expect(refusal).to_have_text("Le serveur ne répond pas. Réessayez.")
        samira.unroute("**/v1/visitors")
        samira.locator("#enter button").click()
        expect(refusal).to_contain_text("Ce nom contient un caractère")
        samira.complaints.clear()
        enter(samira, "Samira")
        asked(samira, "Le pont rouvrira-t-il <b>bientôt</b> ?")
        fate = samira.locator("#mine li .fate")
        expect(fate).to_have_text("Un modérateur va la lire")
        expect(samira.locator("#question-text")).to_have_value("")
        (waiting,) = house.queue("salon")
        assert (waiting["name"], waiting["source"]) == ("Samira", "web")
        house.decide(waiting["id"], "approve")
        expect(fate).to_have_text("Retenue pour la conversation")
        house.decide(waiting["id"], "air", "animator")
        expect(fate).to_have_text("En scène")
        for page in (samira, tom):
            expect(page.locator("#talk .text")).to_have_text("Le pont rouvrira-t-il <b>bientôt</b> ?")
        line = {"text": "En mai.", "final": True}
        said = house.ask("PUT", f"/v1/submissions/{waiting['id']}/lines/a", "scribe", json=line)
        for page, word in ((samira, "Réponse"), (tom, "Answer")):
            expect(page.locator('#talk li:first-child [data-kind="answer"] .text')).to_have_text("En mai.")
            expect(page.locator("#talk .kind").nth(1)).to_have_text(word)
        correction = {"text": "En juin."}
        house.ask("POST", f"/v1/rooms/salon/messages/{said['id']}/corrections", "scribe", json=correction)
        for page in (samira, tom):
            expect(page.locator('[data-kind="answer"] .text')).to_have_text("En juin.")
        house.ask("DELETE", f"/v1/rooms/salon/messages/{said['id']}", "moderator")
        expect(samira.locator('[data-kind="answer"] .text')).to_have_text("Ce message a été retiré.")
        expect(tom.locator('[data-kind="answer"] .text')).to_have_text("This message was taken back.")
        expect(tom.locator("#people")).to_have_text("2 people here")
        assert samira.complaints == tom.complaints == []


def test_one_s_questions_are_there_again_and_can_be_withdrawn(house: House, open_page: Any) -> None:
    page = open_page(f"{house.url}/rooms/salon")
    enter(page, "Ines")
    asked(page, "When?")
    expect(page.locator("#mine .fate")).to_have_text("A moderator will read it")
    expect(page.locator("#question-text")).to_have_value("")
    page.reload()
    expect(page.locator("#entered span")).to_have_text("You are here as Ines.")
    expect(page.locator("#question-text")).to_have_value("")  # what was sent is not a draft any more
    page.locator("#question-text").fill("And half a que")
    page.reload()
    expect(page.locator("#question-text")).to_have_value("And half a que")
    expect(page.locator("#entered span")).to_have_text("You are here as Ines.")
    expect(page.locator("#mine .text")).to_have_text("When?")
    page.get_by_role("button", name="Withdraw").click()
    expect(page.locator("#mine .fate")).to_have_text("Withdrawn")
    assert house.queue("salon", state="withdrawn")[0]["text"] == "When?"


def test_after_a_kill_the_page_says_so_comes_back_and_lets_one_catch_up_at_a_pace(house: House, open_page: Any) -> None:
    house.say("salon", "one")
    page = open_page(f"{house.url}/rooms/salon")
    expect(page.locator("#state")).to_have_text("Live")
    house.kill()
    expect(page.locator("#slate")).to_have_attribute("data-phase", "lost")
    expect(page.locator("#slate h2")).to_have_text("The connection is interrupted")
    page.context.set_offline(True)  # or it might be back before anything was said
    house.come_back()
    house.ask("POST", "/v1/rooms/salon/messages", json=[{"text": f"missed {number}"} for number in range(40)])
    page.context.set_offline(False)
    expect(page.locator("#behind button")).to_contain_text("new · Jump to now")
    expect(page.locator("#slate")).to_be_hidden()
    assert page.locator("#talk > li").count() < 41
    page.locator("#behind button").click()
    expect(page.locator("#talk > li")).to_have_count(41)
    assert page.locator("#talk .text").all_inner_texts() == [*(f"missed {n}" for n in range(39, -1, -1)), "one"]
    expect(page.locator("#behind")).to_be_hidden()


def test_what_can_not_be_had_any_more_is_shown_as_a_gap(house: House, open_page: Any, start_server: Any) -> None:
    server = start_server("--memory", "--room", "salon:moderated")
    page = open_page(f"{server.url}/rooms/salon")
    expect(page.locator("#state")).to_have_text("Live")
    port = server.port
    server.kill()
    again = House(start_server("--memory", "--room", "salon:moderated", port=port), start_server, ())
    again.say("salon", "anew")
    expect(page.locator("#talk .text")).to_have_text("anew")
    expect(page.locator("#talk .gap")).to_have_text("The room began anew here; what came before is missing.")


def test_before_in_an_incident_and_after(house: House, open_page: Any) -> None:
    page = open_page(f"{house.url}/rooms/salon", locale="fr-FR", timezone_id="Europe/Paris")
    expect(page.locator("#slate")).to_be_hidden()
    begins = {"phase": "before", "starts_at": "2099-06-01T18:30:00Z"}
    house.say("salon", "", kind="programme", data=begins)
    expect(page.locator("#slate h2")).to_have_text("Nous commençons le lundi 1er juin 2099 à 20:30")
    expect(page.locator("#slate .countdown")).to_contain_text("jours")
    in_two_days = datetime.now(UTC) + timedelta(days=2, minutes=2)
    house.say("salon", "", kind="programme", data={"phase": "before", "starts_at": in_two_days.isoformat()})
    expect(page.locator("#slate .countdown")).to_have_text("Encore 2 jours")
    soon = datetime.now(UTC) + timedelta(seconds=1)
    house.say("salon", "", kind="programme", data={"phase": "before", "starts_at": soon.isoformat()})
    expect(page.locator("#slate h2")).to_have_text("Nous commençons dans un instant")
    expect(page.locator("#slate .countdown")).to_be_hidden()
    enter(page, "Samira")
    asked(page, "Déjà ?")
    expect(page.locator("#mine li")).to_have_count(1)
    house.say("salon", "", kind="programme", data={"phase": "incident"})
    expect(page.locator("#slate h2")).to_have_text("Interruption momentanée")
    house.say("salon", "", kind="programme", data={"phase": "live"})
    expect(page.locator("#slate")).to_be_hidden()
    house.say("salon", "", kind="programme", data={"phase": "after"})
    expect(page.locator("#slate h2")).to_have_text("Cet événement est terminé")
    expect(page.locator("#question-text")).to_be_hidden()
    expect(page.locator("#slate + .more a")).to_be_attached()
    page.reload()
    expect(page.locator("#slate h2")).to_have_text("Cet événement est terminé")
    expect(page.locator("#slate + .more a")).to_have_text("La transcription complète")
    expect(page.locator("#state")).to_have_attribute("data-state", "live")
    for part in ("#question-text", "#take-part", ".dock"):
        expect(page.locator(part)).to_be_hidden()
    house.say("salon", "", kind="programme", data={"phase": "live"})  # it is not over after all
    expect(page.locator("#question-text")).to_be_visible()
    expect(page.locator("#take-part")).to_be_visible()


def elements(page: Any) -> str:
    return re.sub(r">\s+<", "><", page.locator("#talk").inner_html()).strip()


def test_while_the_engine_stays_away_the_page_says_so_on_the_same_line(open_page: Any, start_server: Any) -> None:
    server = start_server("--memory", "--workers", "1", "--room", "stage:stage")
    page = open_page(f"{server.url}/rooms/stage")
    slate, state = page.locator("#slate"), page.locator("#state")
    expect(state).to_have_text("Live")
    (edge,) = {int(found) for found in re.findall(r'"pid": (\d+), "event": "edge_joined"', server.log)}
    while slate.is_hidden():  # whenever it has been started again
        for engine in set(server.children()) - {edge}:
            with suppress(ProcessLookupError):
                os.kill(engine, signal.SIGKILL)
        page.wait_for_timeout(50)
    expect(slate.locator("h2")).to_have_text("We are interrupted for a moment")
    expect(state).to_have_text("Live")
    server.says('"process_started_again"')
    expect(slate).to_be_hidden(timeout=60_000)


def test_scripts_write_the_same_elements_as_the_server(house: House, open_page: Any) -> None:
    page = open_page(f"{house.url}/rooms/salon")
    expect(page.locator("#state")).to_have_text("Live")
    question = ask(house, "salon", "Tom <b>", "Why?\nאבג")
    house.decide(question, "approve")
    house.decide(question, "air")
    line = {"text": "Becaus.", "final": True}
    said = house.ask("PUT", f"/v1/submissions/{question}/lines/a", "guest", json=line)
    house.ask("POST", f"/v1/rooms/salon/messages/{said['id']}/corrections", "scribe", json={"text": "Because."})
    for number, name in enumerate(("Marie", "Paul", "Paul")):
        line = {"text": f"{name} says so.", "final": True}
        house.ask("PUT", f"/v1/submissions/{question}/lines/{number}", "guest", name=name, json=line)
    house.say("salon", "Next.")
    expect(page.locator("#talk > li")).to_have_count(2)
    expect(page.locator(".corrected")).to_have_count(1)
    expect(page.locator('[data-kind="answer"] strong:visible')).to_have_text(["Marie", "Paul"])
    gone = ask(house, "salon", "Bob", "An insult?")
    house.decide(gone, "approve")
    gone = house.decide(gone, "air")["message"]
    house.say("salon", "That is not so.", kind="answer", re=gone)
    house.ask("DELETE", f"/v1/rooms/salon/messages/{gone}", "moderator")
    expect(page.locator(".gone + .said .text")).to_have_text("That is not so.")
    page.evaluate("document.querySelectorAll('.fresh').forEach((one) => one.classList.remove('fresh'))")
    written = elements(page)
    page.reload()
    expect(page.locator("#state")).to_have_text("Live")
    assert elements(page) == written


def test_people_talk_in_the_chat_and_who_looks_further_up_stays_there(house: House, open_page: Any) -> None:
    zoe, omar = (open_page(f"{house.url}/rooms/foyer") for _ in range(2))
    enter(zoe, "Zoé")
    zoe.locator("#say-text").fill("Hello!")
    zoe.locator("#say-text").press("Enter")
    for page in (zoe, omar):
        expect(page.locator("#lines .text")).to_have_text("Hello!")
    for number in range(40):
        ask(house, "foyer", "Léa", f"line {number}")
    expect(omar.locator("#lines .text").last).to_have_text("line 39")  # else more come while one looks further up
    expect(omar.locator("#lines .text").last).to_be_in_viewport()
    omar.locator(".window").evaluate("(window) => { window.scrollTop = 0; }")
    ask(house, "foyer", "Léa", "and now?")
    expect(omar.locator(".chat .behind button")).to_have_text("1 new · Jump to now")
    omar.locator(".chat .behind button").click()
    expect(omar.locator("#lines .text").last).to_be_in_viewport()


def test_without_a_script_everything_that_was_said_can_be_read(house: House, open_page: Any) -> None:
    house.say("salon", "Good evening.")
    page = open_page(f"{house.url}/rooms/salon", java_script_enabled=False)
    expect(page.get_by_text("Good evening.")).to_be_visible()
    expect(page.get_by_text("Without JavaScript")).to_be_visible()
    expect(page.locator("#question-text")).to_be_hidden()
    page.set_viewport_size({"width": 320, "height": 640})
    expect(page.locator(".dock")).to_be_hidden()  # it would lead nowhere
    page.get_by_role("link", name="Français").click()
    expect(page.get_by_text("Sans JavaScript")).to_be_visible()
    page.get_by_role("link", name="La transcription complète").click()
    expect(page.get_by_text("Good evening.")).to_be_visible()


def test_a_keyboard_is_enough_and_a_screen_reader_is_told_at_a_pace(house: House, open_page: Any) -> None:
    page = open_page(f"{house.url}/rooms/salon", reduced_motion="reduce")
    expect(page.locator("#state")).to_have_text("Live")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
    page.locator("#name").focus()
    page.keyboard.type("Samira")
    page.keyboard.press("Enter")
    expect(page.locator("#question-text")).to_be_focused()
    page.keyboard.type("May I?")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#mine .text")).to_have_text("May I?")
    page.keyboard.type("And when?")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#mine .text")).to_have_text(["And when?", "May I?"])
    expect(page.get_by_role("button", name="Send the question")).to_be_focused()
    house.say("salon", "one", kind="question")
    announcer = page.locator("#announcer")
    expect(announcer).to_have_text("Question, Claire, one")
    house.ask("POST", "/v1/rooms/salon/messages", json=[{"text": f"line {number}"} for number in range(9)])
    expect(page.locator("#talk .text").first).to_have_text("line 8")
    expect(announcer).to_have_text("Question, Claire, one")  # not yet: it is still being read
    expect(announcer).to_have_text("9 new messages", timeout=8000)
    assert page.locator(".fresh").first.evaluate("(one) => getComputedStyle(one).animationName") == "none"


@pytest.mark.usefixtures("axe")
def test_axe_finds_nothing_and_nothing_sticks_out(house: House, open_page: Any) -> None:
    question = ask(house, "salon", "Tom", "W" * 300)
    house.decide(question, "approve")
    house.decide(question, "air")
    for path in ("/", "/rooms/salon", "/rooms/foyer", "/rooms/stage", "/rooms/nowhere"):
        page = open_page(f"{house.url}{path}", reduced_motion="reduce")
        if path == "/rooms/salon":
            enter(page, "Samira")
            asked(page, "When?")
            expect(page.locator("#mine li")).to_have_count(1)
            house.say("salon", "", kind="programme", data={"phase": "before", "starts_at": "2099-01-01T00:00:00Z"})
            expect(page.locator("#slate")).to_be_visible()
        assert complaints_everywhere(page) == [], path
        page.set_viewport_size({"width": 3840, "height": 2160})
        assert page.evaluate("document.documentElement.scrollWidth") <= 3840, path
        if path == "/rooms/salon":
            house.say("salon", "", kind="programme", data={"phase": "after"})
            expect(page.locator("#slate + .more a")).to_be_visible()
            assert complaints_everywhere(page) == []
