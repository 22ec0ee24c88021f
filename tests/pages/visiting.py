"""What a visitor does on the page of a room."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import expect


def enter(page: Any, name: str) -> None:
    page.locator("#name").fill(name)
    page.locator("#enter button").click()
    expect(page.locator("#question-text, #say-text").first).to_be_visible()


def asked(page: Any, text: str) -> None:
    page.locator("#question-text").fill(text)
    page.locator("#question button").click()
