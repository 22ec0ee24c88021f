"""The stage in a real browser: the run sheet, the guest's screen, and a scribe whose line drops."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.pages.axe import complaints_everywhere
from tests.pages.house import House
from tests.pages.scene import ask

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("alone")]


@pytest.fixture
def on_stage(house: House, open_page: Any) -> Any:
    """The stage as somebody with this role sees it."""

    def sign_in(role: str, **more: Any) -> Any:
        page = open_page(f"{house.url}/rooms/salon/stage#token={house.token(role, role.title())}", **more)
        expect(page.locator("#line")).to_have_attribute("data-state", "live")
        return page

    return sign_in


def approved(house: House, *texts: str) -> list[str]:
    ids = [ask(house, "salon", "Tom", text) for text in texts]
    for one in ids:
        house.decide(one, "approve")
    return ids


def aired(house: House, text: str = "Why?") -> str:
    (question,) = approved(house, text)
    house.decide(question, "air", "animator")
    return question


def said(house: House) -> list[str]:
    """What was answered, as the history has it."""
    entries = house.ask("GET", "/v1/rooms/salon/messages")["messages"]
    return [entry["text"] for entry in entries if entry.get("kind") == "answer"]


def test_the_animator_orders_the_run_sheet_and_puts_the_questions(house: House, on_stage: Any) -> None:
    approved(house, "one", "two", "three <b>")
    page, guest = on_stage("animator"), on_stage("guest")
    for text in ("one", "two", "three <b>"):
        page.get_by_role("button", name=f"Cue: {text}").click()
        expect(page.locator(".sheet .text").filter(has_text=text)).to_be_visible()
    expect(page.locator(".sheet .text")).to_have_text(["one", "two", "three <b>"])
    page.get_by_role("button", name="Up: three <b>").click()
    expect(page.locator(".sheet .text")).to_have_text(["one", "three <b>", "two"])
    page.get_by_role("button", name="Down: one").press("Enter")
    expect(page.locator(".sheet .text")).to_have_text(["three <b>", "one", "two"])
    expect(page.get_by_role("button", name="Down: one")).to_be_focused()
    page.get_by_role("button", name="Pin: two").click()
    expect(page.locator(".sheet .text")).to_have_text(["two", "three <b>", "one"])
    page.get_by_role("button", name="Skip: one").click()
    expect(page.locator(".approved .text")).to_have_text(["one"])
    expect(guest.locator(".next .text")).to_have_text(["two", "three <b>"])
    page.get_by_role("button", name="On air: three <b>").click()
    expect(page.locator(".on-air .question")).to_have_text("three <b>")
    expect(guest.locator(".on-air .question")).to_have_text("three <b>")
    expect(guest.locator(".next .text")).to_have_text(["two"])
    assert page.complaints == guest.complaints == []


def test_the_guest_sees_what_is_typed_and_visitors_what_is_final(house: House, on_stage: Any, open_page: Any) -> None:
    scribe, guest = on_stage("scribe"), on_stage("guest", locale="fr-FR")
    expect(scribe.get_by_placeholder("as soon as a question is on air")).to_be_disabled()
    aired(house)
    expect(scribe.get_by_placeholder("Enter puts the line on air")).to_be_focused()
    visitor = open_page(f"{house.url}/rooms/salon")
    scribe.locator("#line-text").press_sequentially("Becaus of the <i>rain</i>.")
    expect(guest.locator(".draft")).to_have_text("Becaus of the <i>rain</i>.")
    assert visitor.locator('[data-kind="answer"]').count() == 0
    scribe.locator("#line-text").press("Enter")
    expect(visitor.locator('[data-kind="answer"] .text')).to_have_text("Becaus of the <i>rain</i>.")
    expect(guest.locator(".draft")).to_have_count(0)
    scribe.get_by_role("button", name="Correct: Becaus").click()
    scribe.locator(".on-air form input").fill("Because of the rain.")
    scribe.locator(".on-air form input").press("Enter")
    for page in (scribe, guest):
        expect(page.locator(".on-air .answer")).to_have_text("Because of the rain.")
    expect(visitor.locator('[data-kind="answer"] .text')).to_have_text("Because of the rain.")
    prepared = {"title": "Budget", "text": "It costs two million."}
    house.ask("PUT", "/v1/rooms/salon/prepared-answers/budget", "scribe", json=prepared)
    scribe.get_by_label("Search").fill("million")
    scribe.get_by_role("button", name="Budget").click()
    expect(scribe.locator("#line-text")).to_have_value("It costs two million.")
    scribe.get_by_role("button", name="On air", exact=True).click()
    expect(visitor.locator('[data-kind="answer"] .text').last).to_have_text("It costs two million.")
    assert scribe.complaints == guest.complaints == visitor.complaints == []


def test_the_animator_needs_no_mouse_and_keys_count_on_a_question_alone(house: House, on_stage: Any) -> None:
    approved(house, "one", "two", "three", "four")
    page = on_stage("animator")
    sheet, rest = page.locator(".sheet .text"), page.locator(".approved .text")
    expect(rest).to_have_count(4)
    for key in ("c", "o"):
        page.keyboard.press(key)
    page.locator("#sign-out").focus()
    page.keyboard.press("c")
    page.keyboard.press("Tab")
    for number in (1, 2, 3):  # the focus goes to the one below by itself
        page.keyboard.press("c")
        expect(sheet).to_have_count(number)
    expect(rest).to_have_text(["four"])
    page.keyboard.press("Home")
    for key, order in (
        ("d", ["two", "one", "three"]), ("Shift+L", ["two", "three", "one"]), ("u", ["two", "one", "three"]),
        ("p", ["one", "two", "three"]),
    ):  # fmt: skip
        page.keyboard.press(key)
        expect(sheet).to_have_text(order)
    page.keyboard.press("Control+o")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("s")
    expect(sheet).to_have_text(["one", "three"])
    page.keyboard.press("o")
    expect(page.locator(".on-air .question")).to_have_text("three")
    expect(sheet).to_have_text(["one"])
    assert page.evaluate("document.activeElement.innerText").startswith("Tom\n\none")
    for left in (2, 1, 0):
        page.keyboard.press("o")
        expect(page.locator("#view li")).to_have_count(left)
    expect(page.get_by_role("link", name="Type the answer")).to_be_focused()  # there is nothing else
    expect(page.locator("#keys")).to_contain_text("C Cue")
    assert page.complaints == []


def test_what_the_scribe_types_while_offline_goes_out_once_and_in_order(house: House, on_stage: Any) -> None:
    aired(house)
    page = on_stage("scribe")
    field = page.locator("#line-text")
    expect(field).to_be_enabled()
    page.context.set_offline(True)
    for line in ("one", "two"):
        field.fill(line)
        field.press("Enter")
    field.fill("half a li")
    expect(page.locator(".waiting .text")).to_have_text(["one", "two"])
    assert said(house) == []
    page.context.set_offline(False)
    expect(page.locator(".waiting li")).to_have_count(0)
    expect(field).to_have_value("half a li")
    assert said(house) == ["one", "two"]


def test_two_tabs_lose_nothing_and_signing_out_leaves_nothing(house: House, on_stage: Any) -> None:
    aired(house)
    page = on_stage("scribe")
    other = page.context.new_page()
    other.goto(f"{house.url}/rooms/salon/stage")
    field = other.locator("#line-text")
    expect(field).to_be_enabled()
    page.context.set_offline(True)
    page.locator("#line-text").fill("one")
    page.locator("#line-text").press("Enter")
    expect(other.locator(".waiting .text")).to_have_text(["one"])
    field.press_sequentially("half a li")
    page.close()
    other.context.set_offline(False)
    expect(other.locator(".waiting li")).to_have_count(0)
    assert said(house) == ["one"]
    asked: list[str] = []
    other.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    other.locator("#sign-out").click()
    assert asked == ["1 line that you wrote is not on air. Sign out, and lose it?"]
    expect(field).to_have_value("half a li")
    other.once("dialog", lambda dialog: dialog.accept())
    other.locator("#sign-out").click()
    expect(other.locator("#sign-in")).to_be_visible()
    assert other.evaluate("localStorage.length") == 0


def test_a_correction_stays_while_another_line_is_sent_and_waits_for_the_connection(
    house: House, on_stage: Any
) -> None:
    aired(house)
    page = on_stage("scribe")
    field, answers = page.locator("#line-text"), page.locator(".on-air .answer")
    for line in ("Becaus.", "In Mai."):
        field.fill(line)
        field.press("Enter")
    expect(answers).to_have_text(["Becaus.", "In Mai."])
    page.get_by_role("button", name="Correct: Becaus.").click()
    correction = page.locator(".on-air form input")
    correction.fill("Because.")
    field.fill("Yes.")
    field.press("Enter")
    expect(answers).to_have_text(["In Mai.", "Yes."])
    expect(correction).to_have_value("Because.")
    page.context.set_offline(True)
    correction.press("Enter")
    expect(answers.first).to_have_text("Because.")
    expect(page.locator(".on-air .note")).to_have_text("waits for the connection")
    assert "Because." in page.evaluate("JSON.stringify(localStorage)")
    page.context.set_offline(False)
    expect(page.locator(".on-air .note")).to_have_count(0)
    expect(answers).to_have_text(["Because.", "In Mai.", "Yes."])


def test_a_line_is_taken_back_with_two_presses_by_who_said_it_or_who_moderates(house: House, on_stage: Any) -> None:
    question = aired(house)
    line = {"text": "Of another.", "final": True}
    house.ask("PUT", f"/v1/submissions/{question}/lines/a", "guest", json=line)
    page, moderator = on_stage("scribe"), on_stage("moderator", locale="fr-FR")
    moderator.get_by_role("link", name="Scribe").click()
    page.locator("#line-text").fill("A slip.")
    page.locator("#line-text").press("Enter")
    answers = page.locator(".on-air .answer")
    expect(answers).to_have_text(["Of another.", "A slip."])
    expect(page.get_by_role("button", name="Take back")).to_have_count(1)
    page.get_by_role("button", name="Take back: A slip.").press("Enter")
    expect(answers).to_have_count(2)
    page.get_by_role("button", name="Really take back, for everybody?: A slip.").press("Enter")
    expect(answers).to_have_text(["Of another."])
    moderator.get_by_role("button", name="Retirer: Of another.").click()
    moderator.get_by_role("button", name="Vraiment la retirer").click()
    expect(moderator.locator(".on-air .answer")).to_have_count(0)
    expect(answers).to_have_count(0)
    assert not any(said(house))


def test_a_line_answers_what_was_on_air_when_it_was_begun(house: House, on_stage: Any) -> None:
    aired(house, "Why?")
    page = on_stage("scribe")
    field, note = page.locator("#line-text"), page.locator(".belongs")
    field.press_sequentially("Because")
    aired(house, "And when?")
    expect(note).to_contain_text("“Why?”")
    field.press("End")
    field.press_sequentially(".")
    field.press("Enter")
    expect(note).to_be_hidden()
    field.press_sequentially("In May.")
    expect(note).to_be_hidden()
    aired(house, "Where?")
    page.get_by_role("button", name="No, the new one").click()
    expect(note).to_be_hidden()
    field.press("Enter")
    expect(page.locator(".on-air .answer")).to_have_text("In May.")
    told = house.ask("GET", "/v1/rooms/salon/messages")["messages"]
    asked = {one["id"]: one["text"] for one in told if one["kind"] == "question"}
    answers = [(asked[one["re"]], one["text"]) for one in told if one["kind"] == "answer"]
    assert answers == [("Why?", "Because."), ("Where?", "In May.")]


def test_over_a_kill_and_a_reload_the_scribe_loses_nothing(house: House, on_stage: Any) -> None:
    aired(house)
    page = on_stage("scribe")
    field = page.locator("#line-text")
    field.fill("one")
    field.press("Enter")
    expect(page.locator(".on-air .answer")).to_have_text("one")
    house.kill()
    field.fill("two")
    field.press("Enter")
    field.fill("half a li")
    expect(page.locator(".waiting .text").last).to_have_text("two")
    house.come_back()
    expect(page.locator(".waiting li")).to_have_count(0, timeout=20_000)
    page.reload()
    expect(field).to_have_value("half a li")
    field.press("End")
    field.press_sequentially("ne")
    field.press("Enter")
    expect(page.locator(".on-air .answer")).to_have_text(["one", "two", "half a line"])
    assert said(house) == ["one", "two", "half a line"]


def test_roles_have_the_views_that_are_theirs(house: House, on_stage: Any, open_page: Any) -> None:
    assert on_stage("scribe").locator("nav a[aria-current]").inner_text() == "Scribe"
    assert on_stage("guest").locator("#view").inner_text().startswith("On air")
    moderator = on_stage("moderator")
    assert moderator.locator(".bar nav a").all_inner_texts() == ["Animator", "Guest", "Scribe", "To the desk"]
    moderator.get_by_role("link", name="Scribe").click()
    expect(moderator.locator("#line-text")).to_be_visible()
    operator = on_stage("operator")
    assert operator.locator(".bar nav a").all_inner_texts() == ["Guest", "To the desk"]
    refused = open_page(f"{house.url}/rooms/salon/stage#token={house.token('publisher')}")
    expect(refused.locator(".refusal")).to_contain_text("publisher")


@pytest.mark.usefixtures("axe")
def test_axe_finds_nothing_on_stage(house: House, on_stage: Any) -> None:
    question = aired(house)
    line = {"text": "Because.", "final": True}
    house.ask("PUT", f"/v1/submissions/{question}/lines/a", "scribe", json=line)
    cued, _ = approved(house, "next", "one more")
    house.decide(cued, "cue")
    for role in ("animator", "guest", "scribe"):
        page = on_stage(role)
        expect(page.locator(".on-air .answer")).to_have_text("Because.")
        if role != "scribe":
            expect(page.get_by_text("next", exact=True)).to_be_visible()
        assert complaints_everywhere(page) == [], role
