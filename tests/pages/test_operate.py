"""The operator's page in a real browser: it shows what /metrics says, and its switches switch."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from tests.pages.axe import complaints_everywhere
from tests.pages.house import House
from tests.pages.scene import ask

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("alone")]


GRUMPY = """
from fanout.plugins import reject

class Grumpy:
    name = "grumpy"

    async def review_submission(self, submission, room):
        return reject("No.")
"""

RANGE = """async () => {
    const page = document.querySelector('script[src*="operate.js"]').src;
    const { Reading } = await import(page.replace("operate.js", "prometheus.js"));
    const at = (n) => new Reading(`d_bucket{le="1.0"} 0\\nd_bucket{le="2.5"} ${n}\\nd_bucket{le="+Inf"} ${n}`, n);
    return at(5).range(at(0), "d", 0.99);
}"""
"""More than the one, up to the other."""

QUICKLY = "{ const later = setTimeout; window.setTimeout = (act, ms) => later(act, ms === 2000 ? 400 : ms); }"
"""The page reads five times as often: nobody here has the two seconds between."""

QUESTION = {"text": "Why?", "name": "Tom"}


@pytest.fixture
def open_house(start_server: Any, tmp_path: Path) -> Any:
    """A house with a plug-in that rejects everything, and more arguments."""
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "grumpy.py").write_text(GRUMPY)

    def start(*more: str) -> House:
        arguments = (
            "--data", str(tmp_path / "data"), "--plugin-folder", str(tmp_path / "plugins"), "--drain-seconds", "0",
            "--room", "salon:moderated", "--room", "foyer:open", *more,
        )  # fmt: skip
        return House(start_server(*arguments), start_server, arguments)

    return start


def signed_in(house: House, open_page: Any, role: str = "operator", **more: Any) -> Any:
    page = open_page(**more)
    page.add_init_script(QUICKLY)
    page.goto(f"{house.url}/operate#token={house.token(role, 'Ops')}")
    return page


@pytest.fixture
def operator(house: House, open_page: Any) -> Any:
    return lambda role="operator", **more: signed_in(house, open_page, role, **more)


def in_room(page: Any, room: str, name: str) -> Any:
    return page.locator(f'#rooms tr[data-key="{room}"] [data-figure={name}]')


def agree(page: Any, *, to: bool = True) -> None:
    """Answer what the page asks."""
    page.locator(f"#confirm [value={'yes' if to else 'no'}]").click()
    expect(page.locator("#confirm")).to_be_hidden()


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
    expect(page.locator('#rooms tr[data-key="salon"] .spark .figure').first).to_have_text("2")
    expect(in_room(page, "salon", "held")).to_contain_text("3 · ")
    metrics = httpx.get(f"{house.url}/metrics").text
    assert 'fanout_listeners{transport="websocket"} 2.0' in metrics
    assert 'fanout_submissions_now{state="held"} 3.0' in metrics
    for number in range(30):
        house.say("salon", f"line {number}")
    expect(figure(page, "Publication to socket").last).to_contain_text("s")
    expect(in_room(page, "salon", "messages")).to_have_text("30")
    expect(in_room(page, "salon", "p99")).to_contain_text("s")
    process = page.locator('#processes tr[data-key="server"]')
    expect(process).to_contain_text("MiB")
    expect(process).to_contain_text(" of ")
    assert process.locator("polyline").first.get_attribute("points")
    expect(page.locator("#alarms")).to_have_text("Nothing is wrong.")
    assert page.locator("figure polyline").first.get_attribute("points")
    assert page.evaluate(RANGE) == [1, 2.5]
    house.kill()
    expect(page.locator("#line")).to_contain_text("does not answer")
    expect(page.locator("#alarms")).to_be_empty()
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
    expect(visitor.locator("#question .refusal")).to_have_text("Nothing can be sent for the moment.")
    page.get_by_label("Mode lent: salon").select_option("un toutes les 30 s")
    expect(page.locator("#told")).to_contain_text("Échec")  # no plug-in here keeps it
    expect(page.get_by_label("Mode lent: salon")).to_have_value("0")
    page.get_by_label("Équipe seule: salon").check()
    page.locator("h1").click()
    house.ask("PATCH", "/v1/rooms/salon/rules", "moderator", json={"paused": False})
    expect(page.get_by_label("Pause: salon")).not_to_be_checked(timeout=20_000)
    assert house.ask("GET", "/v1/rooms/salon/rules")["announce_only"] is True
    page.get_by_role("link", name="Modération: salon").click()
    expect(page.locator("#programme")).to_contain_text("Programme : en direct")


def test_a_plugin_that_rejects_everything_is_out_with_two_presses_and_stays_out(
    open_house: Any, open_page: Any
) -> None:
    house = open_house()
    page = signed_in(house, open_page)
    state = page.locator('#plugins tr[data-key="grumpy"] td').nth(3)
    expect(state).to_have_text("on")
    page.get_by_role("button", name="Switch off: grumpy").click()
    agree(page, to=False)
    assert httpx.post(f"{house.url}/v1/rooms/salon/submissions", json=QUESTION).status_code == 422
    page.get_by_role("button", name="Switch off: grumpy").click()
    agree(page)
    expect(state).to_contain_text("off: Ops (operator)")
    expect(page.locator("#alarms")).to_have_text("The plug-in grumpy is switched off.")
    ask(house, "salon", "Tom", "Why?")
    house.kill()
    house.come_back()
    expect(page.locator("#line")).to_have_text("Ready", timeout=20_000)
    ask(house, "salon", "Tom", "And when?")
    page.get_by_role("button", name="Switch on: grumpy").click()
    expect(state).to_have_text("on")
    assert httpx.post(f"{house.url}/v1/rooms/salon/submissions", json=QUESTION).status_code == 422


def test_every_room_is_paused_at_once_and_afterwards_as_it_was(house: House, operator: Any) -> None:
    house.ask("PATCH", "/v1/rooms/foyer/rules", json={"paused": True})
    page = operator()
    stop = page.locator('#everywhere [data-rule="paused"]')
    stop.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Enter")
    expect(stop).to_be_focused()
    assert house.ask("GET", "/v1/rooms/*/rules")["everywhere"] == []
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(stop).to_have_text("Lift the pause of every room")
    expect(page.locator("#alarms")).to_have_text("Every room is paused.")
    expect(page.get_by_label("Pause: salon")).to_be_checked()
    expect(page.get_by_label("Pause: salon")).to_be_disabled()
    assert house.ask("GET", "/v1/rooms/salon/rules")["paused"] is True
    stop.click()
    expect(page.get_by_label("Pause: salon")).not_to_be_checked()
    expect(page.get_by_label("Pause: foyer")).to_be_checked()
    expect(page.get_by_label("Pause: foyer")).to_be_enabled()
    expect(page.locator("#alarms")).to_have_text("Nothing is wrong.")


def test_a_drain_is_begun_and_followed_to_its_end_and_the_page_says_who_is_to_act(
    open_house: Any, open_page: Any
) -> None:
    house = open_house()
    page = signed_in(house, open_page)
    visitor = open_page(f"{house.url}/rooms/salon")
    expect(visitor.locator("#state")).to_have_text("Live")
    expect(figure(page, "Listeners")).to_have_text(["1", "0"])
    page.get_by_role("button", name="Drain…").click()
    expect(page.locator("#confirm p")).to_contain_text("The listeners (1) are sent away")
    agree(page)
    expect(page.locator("#drained")).to_contain_text("Listeners told when to come back: 1. The server has ended")
    assert house.server.wait() == 0
    assert "Traceback" not in house.server.log
    expect(page.locator("#line")).to_be_empty()
    house._port = house.server.port
    house.come_back()
    expect(page.locator("#drained")).to_contain_text("The server answers again", timeout=20_000)
    expect(page.locator("#line")).to_have_text("Ready")
    actions = [entry["action"] for entry in house.ask("GET", "/v1/audit")["entries"]]
    assert actions == ["drain"]


def test_processes_are_told_apart_and_replaced(open_house: Any, open_page: Any) -> None:
    house = open_house("--workers", "2")
    page = signed_in(house, open_page, locale="fr-FR")
    rows = page.locator("#processes tbody tr")
    expect(rows).to_have_count(3)
    assert {row.get_attribute("data-key") for row in rows.all()} == {"engine", "edge-1", "edge-2"}
    visitor = open_page(f"{house.url}/rooms/salon")
    expect(visitor.locator("#state")).to_have_text("Live")
    carried = page.locator("#processes tr td:nth-child(5) .figure")
    expect(carried.filter(has_text="1")).to_have_count(1)
    page.get_by_role("button", name="Remplacer les processus").click()
    agree(page)
    house.server.says("all_replaced")
    expect(rows).to_have_count(3)
    expect(carried.filter(has_text="1")).to_have_count(1)
    page.get_by_role("button", name="Arrêter en douceur…").click()
    agree(page)
    expect(page.locator("#drained")).to_contain_text("systemctl start fanout")
    assert house.server.wait() == 0


def test_what_would_wake_somebody_stands_on_top_the_worst_first(house: House, operator: Any) -> None:
    """The server is well: its figures are made bad on their way to the page."""
    bad = {
        'fanout_listeners{transport="websocket"}': "10.0",
        "fanout_slow_listeners": "2.0",
        'fanout_room_oldest_held_seconds{room="salon"}': "400.0",
        'fanout_process_open_fds{process="server"}': "19000.0",
        'fanout_process_max_fds{process="server"}': "20000.0",
    }
    readiness = {"status": "degraded", "edges": {"running": 1, "wanted": 2, "failing": ["edge-2"]}}
    turned_away = iter(range(0, 1000, 7))

    def spoil(route: Any) -> None:
        text = route.fetch().text() + f'fanout_handshakes_total{{result="full"}} {next(turned_away)}\n'
        for sample, value in bad.items():
            text, times = re.subn(rf"^{re.escape(sample)} .*$", f"{sample} {value}", text, flags=re.MULTILINE)
            assert times == 1, sample
        route.fulfill(body=text)

    page = operator()
    page.route("**/metrics", spoil)
    page.route("**/readyz", lambda route: route.fulfill(json=readiness))
    expect(page.locator("#alarms li")).to_have_text(
        [
            "Dies again and again: edge-2.",
            re.compile("People are turned away for want of places: [0-9]+ in ten seconds."),
            "1 of 2 edges are there.",
            "20 % of the listeners read too slowly: look at the network out of here.",
            "server has 95 % of the descriptors that it may have.",
            "salon: a question waits for a moderator for 7 min.",
        ]
    )
    expect(page.locator("#alarms .bad")).to_have_count(2)
    page.unroute_all()
    expect(page.locator("#alarms")).to_have_text("Nothing is wrong.", timeout=30_000)


def test_nobody_else_gets_in_and_a_moderator_has_no_hand_on_the_server(open_house: Any, open_page: Any) -> None:
    house = open_house()
    page = signed_in(house, open_page, "moderator")  # who may switch the rules of every room, too
    expect(page.locator('#everywhere [data-rule="paused"]')).to_be_visible()
    expect(page.locator('#plugins tr[data-key="grumpy"]')).to_be_visible()
    expect(page.get_by_role("button", name="Switch off")).to_have_count(0)
    expect(page.locator("#drain")).to_have_count(0)
    expect(page.get_by_text("take the token of an operator")).to_be_visible()
    expect(signed_in(house, open_page, "scribe").locator(".refusal")).to_contain_text("scribe")


@pytest.mark.usefixtures("axe")
def test_axe_finds_nothing_on_the_operator_s_page(operator: Any) -> None:
    page = operator()
    expect(page.locator(".newest b").first).to_be_visible()
    expect(page.locator("#rooms tbody tr")).to_have_count(3)
    assert complaints_everywhere(page) == []
    page.get_by_role("button", name="Drain…").click()
    expect(page.locator("#confirm")).to_be_visible()
    assert complaints_everywhere(page) == []
