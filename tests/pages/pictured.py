"""What the pictures of the documentation show: each page, and what is done there first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.pages.audience import seated
from tests.pages.foreign_site import foreign_site
from tests.pages.house import House
from tests.pages.newspaper import article
from tests.pages.scene import CHAT, MANY, ROOM, ask, ask_in_french, crowd_the_desk
from tests.pages.visiting import asked, enter

OPERATED_SECONDS = 100
"""How much of an evening the plots of the operator's page show."""

PEOPLE = {"animator": "Claire", "guest": "The mayor", "scribe": "Sue"}


def _nothing(page: Any, house: House) -> None:
    """The page is as it should be."""


@dataclass(frozen=True)
class Picture:
    """One page, in a language, and what is done there before the picture is taken.

    Attributes:
        act: What is done on each of its pages.
        meanwhile: What goes on when all of them are open.
        site: Where the page stands if it is not ours: its address, while it is there.
    """

    name: str
    path: str
    locale: str = "en-GB"
    act: Callable[[Any, House], None] = _nothing
    sizes: tuple[str, ...] = ("phone", "desktop")
    meanwhile: Callable[[House], AbstractContextManager[None]] = lambda house: nullcontext()
    site: Callable[[House], AbstractContextManager[str]] = lambda house: nullcontext(house.url)


def come_in_and_ask(page: Any, house: House) -> None:
    enter(page, "Samira")
    asked(page, "Will there be a lift to the upper town?")
    page.locator("#mine li").wait_for()
    house.ask("PATCH", f"/v1/rooms/{ROOM}/rules", json={"typing": "text"})
    (question, *_) = house.queue(ROOM, state="answered", search="floods")
    line = {"text": "Alder Lane comes in spring, and after th"}
    house.ask("PUT", f"/v1/submissions/{question['id']}/lines/typed", "guest", name="The mayor", json=line)
    page.locator(".typing").wait_for()
    page.evaluate("scrollTo(0, 0)")


def ask_on_a_phone(page: Any, house: House) -> None:
    come_in_and_ask(page, house)
    page.locator("#take-part").evaluate("(part) => part.scrollIntoView()")


def announce(page: Any, house: House) -> None:
    evening = (datetime.now(UTC) + timedelta(days=2)).replace(hour=19, minute=30, second=0, microsecond=0)
    data = {"phase": "before", "starts_at": evening.isoformat()}
    house.say("council", "", kind="programme", data=data)
    page.locator("#slate .countdown").wait_for()
    enter(page, "Samira")
    asked(page, "Quand la passerelle rouvrira-t-elle ?")
    page.locator("#mine li").wait_for()
    page.evaluate("scrollTo(0, 0)")


def interrupt(page: Any, house: House) -> None:
    if not house.queue("council", state="answered"):
        ask_in_french(house)
    house.say("council", "", kind="programme", data={"phase": "incident"})
    page.locator("#slate[data-phase=incident]").wait_for()
    page.locator("#talk .text").first.wait_for()


def end(page: Any, house: House) -> None:
    house.say("council", "", kind="programme", data={"phase": "after"})
    page.locator("#slate[data-phase=after]").wait_for()


def window_is_live(page: Any, house: House) -> None:
    page.locator("fanout-window .text").first.wait_for()


def look_at_the_desk(room: str) -> Callable[[Any, House], None]:
    def sign_in(page: Any, house: House) -> None:
        if room == MANY and not house.queue(room):
            crowd_the_desk(house)
        page.goto(f"{house.url}/rooms/{room}/desk#token={house.token('moderator', 'Zoé')}")
        page.locator('[role="option"]').first.wait_for()
        page.locator("#list").press("j")
        page.locator("#list").press("x")
        page.locator("#oldest").filter(has_text="o").wait_for()

    return sign_in


def set_the_hour(page: Any, house: House) -> None:
    page.goto(f"{house.url}/rooms/{ROOM}/desk#token={house.token('moderator', 'Zoé')}")
    page.locator('[role="option"]').first.wait_for()
    page.locator("#programme summary").click()
    evening = datetime.now(UTC) + timedelta(days=2)
    page.locator("#phase-note").fill("The doors open at eight.")
    page.locator("#starts-at").fill(f"{evening:%Y-%m-%d}T20:30")


def on_stage(role: str) -> Callable[[Any, House], None]:
    def sign_in(page: Any, house: House) -> None:
        if not house.queue(ROOM, state="cued"):
            for one in house.queue(ROOM, state="held")[:5]:
                house.decide(one["id"], "approve")
            for one in house.queue(ROOM, state="approved")[:3]:
                house.decide(one["id"], "cue")
        page.goto(f"{house.url}/rooms/{ROOM}/stage#token={house.token(role, PEOPLE[role])}")
        page.locator(".on-air .question").wait_for()

    return sign_in


def operate(page: Any, house: House) -> None:
    page.goto(f"{house.url}/operate#token={house.token('operator', 'Ops')}")
    page.locator(".newest b").first.wait_for()


@contextmanager
def an_evening_passes(house: House) -> Iterator[None]:
    """People come, chat, and are answered, while the operator's page looks on."""
    with seated(house, (ROOM, CHAT), 900, per_second=14):
        for second in range(OPERATED_SECONDS):
            for _ in range(1 + second % 7 * (second % 3)):
                ask(house, CHAT, "Léa", "We follow this from the library.")
            if second % 4 == 0:
                house.say(ROOM, "The list is public.", kind="answer")
            if second % 9 == 0:
                ask(house, ROOM, "Ines", "And when is Mill Street mended?")
            time.sleep(1)  # it is an evening that passes
        yield


PAGES = [
    Picture("before", "/rooms/council", "fr-FR", announce),
    Picture("incident", "/rooms/council", "fr-FR", interrupt),
    Picture("after", "/rooms/council", "fr-FR", end),
    Picture("transcript", "/v1/rooms/council/transcript?language=fr"),
    Picture("rooms", "/"),
    Picture("desk", f"/rooms/{ROOM}/desk", act=look_at_the_desk(ROOM)),
    Picture("desk-many", f"/rooms/{MANY}/desk", act=look_at_the_desk(MANY)),
    Picture("programme", f"/rooms/{ROOM}/desk", act=set_the_hour),
    Picture("visitor", f"/rooms/{ROOM}", act=come_in_and_ask),
    Picture("asking", f"/rooms/{ROOM}", act=ask_on_a_phone, sizes=("phone",)),
    Picture("animator", f"/rooms/{ROOM}/stage", act=on_stage("animator")),
    Picture("guest", f"/rooms/{ROOM}/stage", act=on_stage("guest"), sizes=("phone", "desktop", "wall")),
    Picture("scribe", f"/rooms/{ROOM}/stage", act=on_stage("scribe")),
    Picture("sign-in", f"/rooms/{ROOM}/desk", "fr-FR", sizes=("phone",)),
    Picture("window", f"/embed/{ROOM}", act=window_is_live, sizes=("phone",)),
    Picture(
        "window", "", act=window_is_live, sizes=("desktop",), site=lambda house: foreign_site(*article(house, ROOM))
    ),
    Picture("operate", "/operate", act=operate, meanwhile=an_evening_passes),
]
