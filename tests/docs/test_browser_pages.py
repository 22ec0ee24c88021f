"""The pages for browsers that the documentation shows, in a real browser, against a real server that restarts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from fanout.core.principal import Role
from fanout.web.tokens import Tokens
from tests.components import component
from tests.docs.page_session import files
from tests.server_process import SECRET, ServerProcess

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("alone")]

SHOWN = files((Path(__file__).parents[2] / "docs" / "clients.md").read_text())
ROOMS = ("--room", "stage:stage", "--room", "foyer:open", "--drain-seconds", "0")
TOKEN = Tokens(SECRET.encode()).issue(Role.OPERATOR, ["*"], ttl=600)


def say(server: ServerProcess, room: str, text: str) -> str:
    answer = httpx.post(
        f"{server.url}/v1/rooms/{room}/messages", json={"text": text}, headers={"Authorization": f"Bearer {TOKEN}"}
    )
    return answer.raise_for_status().json()["id"]


@pytest.fixture
def open_page(tmp_path: Path) -> Iterator[Callable]:
    """Opens a page of the documentation that listens to this server, as a file: any origin may listen."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(component("browser").path()), args=["--no-sandbox"])
        page = browser.new_page()

        def open_it(name: str, server: ServerProcess):
            path = tmp_path / name
            path.write_text(SHOWN[name].replace("8700", str(server.port)))
            page.goto(path.as_uri())
            return page.locator("#heard li")

        yield open_it
        browser.close()


def test_the_event_stream_page_shows_what_is_said_and_taken_back_also_over_a_restart(start_server, open_page):
    from playwright.sync_api import expect

    server = start_server(*ROOMS)
    said = say(server, "stage", "before <b>")
    lines = open_page("events.html", server)
    expect(lines).to_have_text(["before <b>"])
    httpx.delete(f"{server.url}/v1/rooms/stage/messages/{said}", headers={"Authorization": f"Bearer {TOKEN}"})
    expect(lines).to_have_text(["(taken back)"])
    port = server.port
    server.kill()
    server = start_server(*ROOMS, port=port)
    say(server, "stage", "meanwhile")
    expect(lines).to_have_text(["(taken back)", "meanwhile"], timeout=20_000)


def test_the_websocket_page_hears_both_rooms_and_resumes_over_a_restart(start_server, open_page):
    from playwright.sync_api import expect

    server = start_server(*ROOMS)
    lines = open_page("socket.html", server)
    while not httpx.get(f"{server.url}/v1/rooms/foyer").json()["listeners"]:
        pass
    say(server, "stage", "one")
    say(server, "foyer", "two")
    expect(lines).to_have_text(["stage: one", "foyer: two"])
    port = server.port
    assert server.terminate() == 0
    server = start_server(*ROOMS, port=port)
    say(server, "stage", "meanwhile")
    expect(lines).to_have_text(["stage: one", "foyer: two", "stage: meanwhile"], timeout=20_000)


def test_the_websocket_page_stops_when_it_is_not_wanted(start_server, open_page):
    from playwright.sync_api import expect

    server = start_server("--memory", "--room", "stage:stage")
    lines = open_page("socket.html", server)
    expect(lines).to_have_text([": The server does not want us: There is no room called 'foyer'."])


def test_the_page_with_our_client_shows_both_rooms_also_over_a_kill(start_server, open_page, tmp_path):
    from playwright.sync_api import expect

    rooms = ("--data", str(tmp_path / "data"), *ROOMS)
    server = start_server(*rooms)
    said = say(server, "stage", "one <b>")
    lines = open_page("live.html", server)
    expect(lines).to_have_text(["stage: one <b>"])
    expect(lines.page.locator("#state")).to_have_text("live over websocket")
    httpx.delete(f"{server.url}/v1/rooms/stage/messages/{said}", headers={"Authorization": f"Bearer {TOKEN}"})
    expect(lines).to_have_text(["(taken back)"])
    port = server.port
    server.kill()
    server = start_server(*rooms, port=port)
    say(server, "foyer", "two")
    expect(lines).to_have_text(["(taken back)", "foyer: two"], timeout=20_000)
