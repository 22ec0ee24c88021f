"""What people see: the pages of a running server in a real browser."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from fanout.core.principal import Role
from fanout.web.tokens import Tokens
from tests.components import component
from tests.web.site import SECRET

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("alone")]

MESSAGES = "/v1/rooms/stage/messages"


@pytest.fixture
def server() -> Iterator[httpx.Client]:
    """A server with the room `stage`, and a client with an operator's token for it."""
    command = [sys.executable, "-m", "fanout", "serve", "--memory", "--port", "0", "--room", "stage:stage"]
    environment = os.environ | {"FANOUT_SECRET": SECRET.decode()}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        match = re.search(r"http://\S+", process.stdout.readline())
        assert match
        token = Tokens(SECRET).issue(Role.OPERATOR, ["*"], name="<i>Zoé</i>", ttl=600)
        with httpx.Client(base_url=match[0], headers={"Authorization": f"Bearer {token}"}) as client:
            yield client
        process.send_signal(signal.SIGKILL)


def test_a_room_is_followed_live_in_french(server: httpx.Client) -> None:
    from playwright.sync_api import expect, sync_playwright

    browser_path = str(component("browser").path())
    server.post(MESSAGES, json={"text": "avant"})
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page(locale="fr-FR")
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))

        page.goto(f"{server.base_url}/")
        page.get_by_role("link", name="stage").click()
        expect(page.locator("#state")).to_have_text("En direct")
        expect(page.locator("#tail li")).to_have_count(1)

        said = server.post(MESSAGES, json={"text": "<b>gras</b>", "kind": "answer"}).json()
        line = page.locator("#tail li").first
        expect(line.locator(".text")).to_have_text("<b>gras</b>")
        expect(line.locator("strong")).to_have_text("<i>Zoé</i>")
        expect(line.locator(".kind")).to_have_text("Réponse")
        expect(page.locator("#messages")).to_have_text("2")
        expect(page.locator("#listeners")).to_have_text("1")

        page.get_by_role("button", name="Pause").click()
        server.post(MESSAGES, json={"text": "pendant la pause"})
        expect(page.locator("#pause")).to_have_text("Reprendre (1 en attente)")
        server.delete(f"{MESSAGES}/{said['id']}")
        expect(line.locator(".text")).to_have_text("Ce message a été retiré.")
        page.locator("#pause").click()
        expect(page.locator("#tail li")).to_have_count(3)

        page.get_by_text("Chiffres").click()
        expect(page.locator('[data-figure="p99"]')).to_contain_text("s")
        if path := os.environ.get("SCREENSHOT"):
            page.screenshot(path=path)
        browser.close()
    assert complaints == []
