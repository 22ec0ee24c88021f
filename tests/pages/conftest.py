"""A browser and servers for the tests of pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.components import component
from tests.pages.axe import axe as axe
from tests.pages.house import House


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """Debian's Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(component("browser").path()), args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """A page in a browser of its own, as of another person: `open_page(address, locale="fr-FR")`. What it complains of
    is in `page.complaints`; lines that broke are no complaints."""
    contexts = []

    def open_it(address: str | None = None, *, locale: str = "en-GB", **more: Any) -> Any:
        context = browser.new_context(locale=locale, **more)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on(
            "console",
            lambda said: (
                page.complaints.append(said.text)
                if said.type == "error" and "ERR_" not in said.text and "WebSocket connection" not in said.text
                else None
            ),
        )
        if address:
            page.goto(address)
        return page

    yield open_it
    for context in contexts:
        context.close()


@pytest.fixture
def house(start_server: Callable[..., Any], tmp_path: Path) -> House:
    """`salon` (moderated), `foyer` (open) and `stage`, on a disk."""
    arguments = (
        "--data", str(tmp_path / "data"), "--drain-seconds", "0",
        "--room", "salon:moderated", "--room", "foyer:open", "--room", "stage:stage",
    )  # fmt: skip
    return House(start_server(*arguments), start_server, arguments)


@pytest.fixture
def sign_in(house: House, open_page: Any) -> Any:
    """A desk at which somebody is signed in."""
    from playwright.sync_api import expect

    def sign_in_as(name: str, role: str = "moderator", **more: Any) -> Any:
        page = open_page(f"{house.url}/rooms/salon/desk#token={house.token(role, name)}", **more)
        expect(page.locator("#line")).to_have_attribute("data-state", "live")
        return page

    return sign_in_as
