"""Somebody who has never seen the project starts the demo, opens three windows, and takes a question to its answer."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.server_process import FANOUT

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("alone")]


@pytest.fixture
def links(tmp_path: Path) -> Any:
    """What a running demo prints: an address for each page, by its name."""
    command = [*FANOUT, "demo", "--port", "0", "--listeners", "50"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        printed: dict[str, str] = {}
        for line in demo.stdout:
            if found := re.fullmatch(r"  (.+): +(http\S+)\n", line):
                printed[found[1]] = found[2]
            if "Ctrl-C" in line:
                break
        yield printed
        demo.send_signal(signal.SIGINT)
        said, errors = demo.communicate(timeout=60)
        assert (demo.returncode, errors) == (0, "")
        assert "Everybody got everything" in said


def test_the_demo_has_life_in_each_page_and_three_windows_hold_an_event(links: Any, open_page: Any) -> None:
    visitor = open_page(links["The visitor's page"])
    context = visitor.context
    desk, stage = context.new_page(), context.new_page()
    for page, name in ((desk, "The desk"), (stage, "The stage")):
        page.goto(links[name])
    operate = open_page(links["The operator's page"])
    expect(visitor.locator("#talk .said").first).to_be_visible(timeout=20_000)
    expect(visitor.locator("#lines .said").first).to_be_visible()
    expect(desk.locator('[role="option"] .source').filter(has_text="sms").first).to_be_visible(timeout=20_000)
    expect(operate.locator(".newest b").first).not_to_have_text("0", timeout=20_000)
    expect(desk.locator('#keys [data-action="approve"]')).to_be_visible()
    expect(stage.locator("nav a[href^='?view=']")).to_have_count(3)
    expect(operate.locator("#drain")).to_be_visible()  # which takes an operator

    visitor.locator("#name").fill("Somebody new")
    visitor.locator("#name").press("Enter")
    visitor.locator("#question-text").fill("What is this for?")
    visitor.locator("#question button").click()
    desk.get_by_label("Search").fill("What is this for")
    mine = desk.locator('[role="option"] .text').filter(has_text="What is this for?")
    expect(mine).to_have_count(1)
    expect(desk.locator('[role="option"]')).to_have_count(1)
    desk.locator("#list").press("a")
    stage.get_by_role("button", name="On air: What is this for?").click()
    expect(visitor.locator("#mine .fate")).to_have_text("On stage now")
    stage.get_by_role("link", name="Scribe").click()
    expect(stage.locator(".on-air .question")).to_have_text("What is this for?")
    stage.locator("#line-text").fill("For asking, and being heard.")
    stage.locator("#line-text").press("Enter")
    expect(visitor.locator('#talk [data-kind="answer"] .text').first).to_have_text("For asking, and being heard.")
    expect(visitor.locator("#mine .fate")).to_have_text("Answered")
    visitor.get_by_role("link", name="The whole transcript").click()
    expect(visitor.get_by_text("For asking, and being heard.")).to_be_visible()
    window = context.new_page()
    window.goto(links["A window for a site"])
    expect(window.locator("fanout-window .text").first).to_have_text("For asking, and being heard.")
