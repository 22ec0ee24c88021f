"""Makes the pictures of every page that the documentation shows, in both themes, on a phone and on a desktop, and
those for the hall on its wall:

make pictures
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.components import component
from tests.pages.audience import seated
from tests.pages.house import House
from tests.pages.pictured import PAGES, Picture
from tests.pages.scene import CHAT, CONFIG, LOGO, ROOM, play, prepare
from tests.server_process import SECRET, ServerProcess

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
SIZES = {"phone": (390, 844), "desktop": (1280, 800), "wall": (3840, 2160)}
SEATED = 240


def take(browser: Any, house: House, folder: Path, picture: Picture) -> None:
    """One picture in all of its sizes and themes."""
    shots: list[tuple[Any, str]] = []
    with ExitStack() as open_now:
        site = open_now.enter_context(picture.site(house))
        for size in picture.sizes:
            width, height = SIZES[size]
            for theme in ("light", "dark"):
                context = browser.new_context(
                    viewport={"width": width, "height": height}, locale=picture.locale, color_scheme=theme,
                    reduced_motion="reduce", timezone_id="Europe/Paris", is_mobile=size == "phone",
                )  # fmt: skip
                open_now.callback(context.close)
                page = context.new_page()
                page.goto(site + picture.path)
                picture.act(page, house)
                shots.append((page, f"{picture.name}-{size}-{theme}.png"))
        open_now.enter_context(picture.meanwhile(house))
        for page, name in shots:
            page.bring_to_front()
            page.wait_for_load_state("load")
            page.wait_for_timeout(400)
            page.screenshot(path=folder / name)


def main(wanted: list[str], folder: Path = PICTURES) -> int:
    """All pictures, or those that are wanted."""
    from playwright.sync_api import sync_playwright

    browser_path = component("browser").path()
    if browser_path is None:
        print("there is no Chromium here (Debian package chromium)")
        return 1
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        (Path(home) / "house.toml").write_text(CONFIG)
        (Path(home) / "logo.svg").write_text(LOGO)
        arguments = ("--config", "house.toml", "--memory", "--port", "0")
        server = ServerProcess(*arguments, folder=Path(home), env={"FANOUT_SECRET": SECRET}).listens()
        try:
            house = House(server, None, arguments)
            play(house)
            prepare(house)
            browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
            with seated(house, (ROOM, CHAT, "council"), SEATED, per_second=100):
                for picture in PAGES:
                    if not wanted or picture.name in wanted:
                        take(browser, house, folder, picture)
        finally:
            server.kill()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
