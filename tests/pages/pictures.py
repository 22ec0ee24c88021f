"""Makes the pictures of every page that the documentation shows, in both themes, on a phone and on a desktop, and
those for the hall on its wall:

make pictures
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.components import component
from tests.pages.house import House
from tests.pages.scene import CONFIG, LOGO, ROOM, ask, play
from tests.server_process import SECRET, ServerProcess

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
SIZES = {"phone": (390, 844), "desktop": (1280, 800), "wall": (3840, 2160)}


@dataclass(frozen=True)
class Picture:
    """One page, in a language, and what is done there before the picture is taken."""

    name: str
    path: str
    locale: str = "en-GB"
    act: Callable[[Any, House], None] = lambda page, house: None
    sizes: tuple[str, ...] = ("phone", "desktop")


def come_in_and_ask(page: Any, house: House) -> None:
    page.get_by_label("Your name or a pseudonym").fill("Samira")
    page.get_by_role("button", name="Come in").click()
    page.get_by_label("Your question").fill("Will there be a lift to the upper town?")
    page.get_by_role("button", name="Send the question").click()
    page.locator("#mine li").wait_for()
    house.ask("PATCH", f"/v1/rooms/{ROOM}/rules", json={"typing": "text"})
    (question, *_) = house.queue(ROOM, state="answered", search="floods")
    line = {"text": "Alder Lane comes in spring, and after th"}
    house.ask("PUT", f"/v1/submissions/{question['id']}/lines/typed", "guest", name="The mayor", json=line)
    page.locator(".typing").wait_for()


def announce(page: Any, house: House) -> None:
    data = {"phase": "before", "starts_at": "2099-06-02T18:30:00Z"}
    house.say("council", "", kind="programme", data=data)
    page.locator("#slate .countdown").wait_for()


def interrupt(page: Any, house: House) -> None:
    house.say("council", "", kind="programme", data={"phase": "incident"})
    page.locator("#slate[data-phase=incident]").wait_for()


def window_is_live(page: Any, house: House) -> None:
    page.locator("fanout-window .text").first.wait_for()


def look_at_the_desk(page: Any, house: House) -> None:
    page.goto(f"{house.url}/rooms/{ROOM}/desk#token={house.token('moderator', 'Zoé')}")
    page.locator("#list").press("j")
    page.locator("#list").press("x")
    page.locator("#oldest").filter(has_text="o").wait_for()


def on_stage(role: str) -> Callable[[Any, House], None]:
    def sign_in(page: Any, house: House) -> None:
        if not house.queue(ROOM, state="cued"):
            for one in house.queue(ROOM, state="held")[:5]:
                house.decide(one["id"], "approve")
            for one in house.queue(ROOM, state="approved")[:3]:
                house.decide(one["id"], "cue")
        page.goto(f"{house.url}/rooms/{ROOM}/stage#token={house.token(role, role.title())}")
        page.locator(".on-air .question").wait_for()

    return sign_in


def operate(page: Any, house: House) -> None:
    page.goto(f"{house.url}/operate#token={house.token('operator', 'Ops')}")
    page.locator(".newest b").first.wait_for()
    for room in (ROOM, ROOM, "foyer"):
        page.context.new_page().goto(f"{house.url}/rooms/{room}")
    for second in range(16):
        for _ in range(1 + second % 4):
            ask(house, "foyer", "Léa", "We follow this from the library.")
        page.wait_for_timeout(1000)


PAGES = [
    Picture("visitor", f"/rooms/{ROOM}", act=come_in_and_ask),
    Picture("before", "/rooms/council", "fr-FR", announce),
    Picture("incident", "/rooms/council", "fr-FR", interrupt),
    Picture("desk", f"/rooms/{ROOM}/desk", act=look_at_the_desk),
    Picture("animator", f"/rooms/{ROOM}/stage", act=on_stage("animator")),
    Picture("guest", f"/rooms/{ROOM}/stage", act=on_stage("guest"), sizes=("phone", "desktop", "wall")),
    Picture("scribe", f"/rooms/{ROOM}/stage", act=on_stage("scribe")),
    Picture("operate", "/operate", act=operate),
    Picture("sign-in", f"/rooms/{ROOM}/desk", "fr-FR", sizes=("phone",)),
    Picture("rooms", "/", sizes=("desktop",)),
    Picture("window", f"/embed/{ROOM}", act=window_is_live, sizes=("phone",)),
]


def take(browser: Any, house: House, folder: Path, wanted: list[str]) -> None:
    """All pictures, or those that are wanted."""
    for picture in PAGES:
        if wanted and picture.name not in wanted:
            continue
        for size in picture.sizes:
            width, height = SIZES[size]
            for theme in ("light", "dark"):
                context = browser.new_context(
                    viewport={"width": width, "height": height}, locale=picture.locale, color_scheme=theme,
                    reduced_motion="reduce", timezone_id="Europe/Paris", is_mobile=size == "phone",
                )  # fmt: skip
                page = context.new_page()
                page.goto(house.url + picture.path)
                picture.act(page, house)
                page.wait_for_load_state("load")
                page.wait_for_timeout(400)
                page.screenshot(path=folder / f"{picture.name}-{size}-{theme}.png")
                context.close()


def main(wanted: list[str]) -> int:
    from playwright.sync_api import sync_playwright

    browser_path = component("browser").path()
    if browser_path is None:
        print("there is no Chromium here (Debian package chromium)")
        return 1
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        (Path(folder) / "house.toml").write_text(CONFIG)
        (Path(folder) / "logo.svg").write_text(LOGO)
        arguments = ("--config", "house.toml", "--memory", "--port", "0")
        server = ServerProcess(*arguments, folder=Path(folder), env={"FANOUT_SECRET": SECRET}).listens()
        try:
            house = House(server, None, arguments)
            play(house)
            browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
            take(browser, house, PICTURES, wanted)
        finally:
            server.kill()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
