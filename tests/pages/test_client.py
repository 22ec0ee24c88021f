"""`fanout.js` in a real browser, against a real server that is killed, on lines that break, and where no WebSocket gets
through."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.pages.house import House
from tests.pages.no_websockets import without_websockets

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("alone")]

CONNECT = """async ([url, options]) => {
  const { Fanout, Refused } = await import(`${url}/fanout.js`);
  window.heard = []; window.states = [];
  window.live = new Fanout({ url, ...options });
  for (const type of ["message", "retraction", "gap"]) live.on(type, (said) => heard.push(said));
  window.fates = [];
  live.on("submission", ({ ref, state }) => fates.push(`${ref} ${state}`));
  live.on("state", (state) => states.push(state));
  window.sent = (...all) => live.submit(...all).then(({ state }) => state, (error) => {
    if (!(error instanceof Refused)) throw error;
    return `${error.code}: ${error.message}`;
  });
}"""


def texts(page: Any) -> list[str]:
    return page.evaluate("heard.map((said) => said.type === 'gap' ? `gap ${said.missed}` : said.text ?? 'taken back')")


def until(page: Any, condition: str) -> None:
    """Wait in the page (not by `wait_for_function`, which evaluates a string there, and the policy forbids that)."""
    waited = f"""async () => {{
      for (let tries = 0; tries < 1500; tries += 1) {{
        if ({condition}) return true;
        await new Promise((go) => setTimeout(go, 20));
      }}
      return JSON.stringify([states, heard]);
    }}"""
    found = page.evaluate(waited)
    assert found is True, f"never: {condition}\n{found}"


@pytest.fixture
def follow(open_page: Callable[..., Any]) -> Callable[..., Any]:
    """A page of the server that only runs the client (`elsewhere`: a page of nobody's, which is another origin)."""

    def follow_it(url: str, *, elsewhere: bool = False, **options: Any) -> Any:
        page = open_page(None if elsewhere else f"{url}/rooms/no-such-room")
        page.evaluate(CONNECT, [url, options])
        until(page, "live.state.state !== 'connecting'")
        return page

    return follow_it


def test_two_rooms_are_followed_from_any_page_and_what_was_taken_back_is_told(house: House, follow: Any) -> None:
    said = house.say("stage", "before")
    page = follow(house.url, elsewhere=True, rooms=["stage", "salon"], last=5)
    house.say("salon", "<b>hello</b>")
    until(page, "heard.length === 2")
    assert texts(page) == ["before", "<b>hello</b>"]
    house.ask("DELETE", f"/v1/rooms/stage/messages/{said['id']}", "moderator")
    until(page, "heard.length === 3")
    assert page.evaluate("heard[2].target") == said["id"]
    assert page.evaluate("live.state") == {"state": "live", "transport": "websocket"}
    assert page.complaints == []


def test_nothing_is_missing_or_doubled_over_a_kill_and_a_restart(house: House, follow: Any) -> None:
    page = follow(house.url, rooms=["stage"], last=5)
    house.say("stage", "one")
    until(page, "heard.length === 1")
    house.kill()
    until(page, "live.state.state === 'waiting'")
    house.come_back()
    house.say("stage", "two")
    house.say("stage", "three")
    until(page, "heard.length === 3")
    assert texts(page) == ["one", "two", "three"]
    assert page.evaluate("live.state.transport") == "websocket"


def test_where_no_websocket_gets_through_events_do_and_they_resume_too(house: House, follow: Any) -> None:
    house.say("stage", "before")
    with without_websockets(house.server.port) as url:
        page = follow(url, rooms=["stage", "foyer"], last=5)
        until(page, "live.state.state === 'live'")
        assert page.evaluate("live.state.transport") == "events"
        house.say("foyer", "hello")
        until(page, "heard.length === 2")
        assert page.evaluate("live.introduce('Samira').then(({ visitor }) => visitor.length)") == 32
        until(page, "live.state.state === 'live'")
        assert page.evaluate("sent('salon', 'When?', { name: 'Samira', ref: 'a' })") == "held"
        house.kill()
        until(page, "live.state.state === 'waiting'")
        house.come_back()
        house.say("stage", "two")
        until(page, "heard.length === 3")
        assert texts(page) == ["before", "hello", "two"]
        assert page.evaluate("live.state.transport") == "events"
        house.decide(house.queue("salon")[0]["id"], "reject", reason="Not tonight.")
        until(page, "fates.at(-1).endsWith('rejected')")


def test_a_gap_is_told(house: House, follow: Any, start_server: Any) -> None:
    page = follow(house.url, rooms={"stage": "zzzz:4"})
    until(page, "heard.length === 1")
    assert page.evaluate("[heard[0].type, heard[0].reason]") == ["gap", "epoch"]
    house.say("stage", "after")
    until(page, "heard.length === 2")


def test_a_question_that_nobody_could_answer_is_sent_again_and_asked_once(house: House, follow: Any) -> None:
    page = follow(house.url, rooms=["salon"])
    page.evaluate("live.introduce('Samira').then(() => null)")
    until(page, "live.state.state === 'live'")
    house.kill()
    page.evaluate("() => { window.answer = sent('salon', 'When?', { name: 'Samira', ref: 'mine' }); }")
    house.come_back()
    assert page.evaluate("answer") == "held"
    assert page.evaluate("sent('salon', 'When?', { name: 'Samira', ref: 'mine' })") == "held"
    assert [one["text"] for one in house.queue("salon")] == ["When?"]
    house.decide(house.queue("salon")[0]["id"], "approve")
    house.decide(house.queue("salon")[0]["id"], "air")
    until(page, "fates.at(-1) === 'mine aired'")


def test_why_something_is_not_taken_is_an_error_with_a_code(house: House, follow: Any) -> None:
    page = follow(house.url, rooms=["salon", "stage"])
    until(page, "live.state.state === 'live'")
    assert page.evaluate("sent('stage', 'May I?', { name: 'Samira' })").startswith("submissions_closed: ")
    assert page.evaluate("sent('salon', '', { name: 'Samira' })").startswith("text_empty: ")


def test_a_slot_that_the_server_gives_is_kept_and_a_room_that_is_not_there_is_the_end(
    house: House, follow: Any, start_server: Any
) -> None:
    page = follow(house.url, rooms=["nowhere"])
    until(page, "live.state.state === 'ended'")
    assert page.evaluate("live.state.code") == 4004
    with without_websockets(house.server.port) as url:
        other = follow(url, rooms=["nowhere"], transport="events")
        until(other, "live.state.state === 'ended'")
        assert other.evaluate("live.state.code") == 4004
    server = start_server("--memory", "--room", "stage:stage", "--drain-seconds", "9")
    third = follow(server.url, rooms=["stage"])
    server.process.terminate()
    until(third, "states.some(({ told }) => told)")
    told = third.evaluate("states.find(({ told }) => told)")
    assert told["code"] == 4012
    assert 0 <= told["afterMs"] <= 9000


def test_offline_is_noticed_at_once_and_back_online_is_too(house: House, follow: Any) -> None:
    page = follow(house.url, rooms=["stage"])
    until(page, "live.state.state === 'live'")
    page.context.set_offline(True)
    until(page, "live.state.state === 'waiting'")
    house.say("stage", "meanwhile")
    page.context.set_offline(False)
    began = time.monotonic()
    until(page, "heard.length === 1")
    assert texts(page) == ["meanwhile"]
    assert time.monotonic() - began < 5
