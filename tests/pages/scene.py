"""An evening in a hall of the town, as far as it has come: what the pictures of the documentation show."""

from __future__ import annotations

from typing import Any, Final

import httpx

from tests.pages.house import House

ROOM: Final = "hall"
CHAT: Final = "foyer"
MANY: Final = "budget"

CONFIG: Final = """
site_name = "Ville de Montreval"
site_colour = "#8a1538"
site_logo = "logo.svg"
[rooms.hall]
mode = "moderated"
title = "An evening with the mayor"
chat = "foyer"
[rooms.foyer]
mode = "open"
title = "The foyer"
[rooms.council]
mode = "moderated"
title = "Le conseil municipal répond"
[rooms.budget]
mode = "moderated"
title = "The budget, question by question"
"""

LOGO: Final = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 40">
<path fill="#8a1538" d="M4 4h32v20c0 8-8 12-16 14C12 36 4 32 4 24z"/>
<path fill="#fff" d="M9 28V16h4v3h3v-6h8v6h3v-3h4v12z"/></svg>"""

QUESTIONS: Final = (
    ("Samira, Old Mill", "When will the footbridge over the river open again?", (
        "In May, if the winter is mild.",
        "The piers are repaired. What is missing is the deck, and it arrives in February.",
    )),
    ("Tom", "Could the library stay open one evening a week, for those of us who work?", (
        "Yes. From January it will, on Thursdays until nine.",
        "We will count who comes, and decide in the summer whether it should be two evenings.",
    )),
    ("Yann", "My street floods after each storm. Who decides which drains are renewed first, and when?", (
        "The list is public: it goes by how often a street has flooded in five years.",
    )),
)  # fmt: skip

WAITING: Final = (
    "What becomes of the old swimming pool?", "Why is there no late bus on Sundays?",
    "Will the school canteen get more local vegetables?", "pool???", "When are the streetlights in Alder Lane mended?",
    "Could the market move back to the square while the works last?", "Is it true that parking will cost more?",
)  # fmt: skip

REMARKS: Final = (
    ("Léa", "Good evening from the back row."), ("Omar", "The sound is fine here."),
    ("Kate", "Thursdays! At last."), ("Hugo", "What did the mayor say about the deck?"),
    ("Nour", "It arrives in February."), ("Ann", "Thank you to whoever types so fast."),
)  # fmt: skip


IN_FRENCH: Final = (
    ("Samira", "Quand la passerelle sur la rivière rouvrira-t-elle ?", (
        "En mai, si le temps le permet.",
        "Les piles sont réparées. Il manque le tablier, qui arrive en février.",
    )),
    ("Yann", "La cantine servira-t-elle davantage de légumes locaux ?", ("Oui : la moitié, dès la rentrée.",)),
)  # fmt: skip

PREPARED: Final = {
    "footbridge": ("The footbridge", "It opens in May, if the winter is mild."),
    "drains": ("Drains: the list", "The list is public: montreval.example/drains."),
    "library": ("Library hours", "From January, on Thursdays until nine."),
}

PLACES: Final = (
    "Alder Lane", "the station", "Mill Street", "the market", "the river", "the church", "the fairground",
    "Castle Hill", "the canal", "the north gate", "Baker Street", "the upper town", "the hospital", "the theatre",
    "the quay", "Linden Avenue", "the cemetery", "the swimming pool", "the mill", "the tannery",
)  # fmt: skip

WISHES: Final = (
    "Why does the budget have nothing for {place}, for the third year?",
    "What does the new lighting at {place} cost a year?",
    "When is the road by {place} mended, and who pays?", "Could {place} get a playground instead of parking?",
    "How much of what is planned for {place} is borrowed?", "Is the sports hall near {place} still in the plan?",
    "Who decided on the works at {place}, and when can we see the figures?", "trees for {place}!!",
    "Will the bus to {place} stay free for those under eighteen?",
)  # fmt: skip

NAMES: Final = ("Ines", "Paul", "Grace", "Ivo", "Maud", "Sean", "Aïcha", "Hugo", "Nour", "Ann", "Kate", "Omar", "Léa")


def ask(house: House, room: str, name: str, text: str) -> str:
    """A visitor's question; its id."""
    answer = httpx.post(f"{house.url}/v1/rooms/{room}/submissions", json={"text": text, "name": name})
    return answer.raise_for_status().json()["id"]


def play(house: House) -> None:
    """Questions asked, put and answered; others that wait; people who chat."""
    _put_and_answer(house, ROOM, QUESTIONS, "The mayor")
    for number, text in enumerate(WAITING):
        ask(house, ROOM, ("Ines", "Paul", "Grace", "Ivo", "Maud", "Sean", "Aïcha")[number], text)
    for name, text in REMARKS:
        ask(house, CHAT, name, text)


def _put_and_answer(house: House, room: str, questions: Any, guest: str) -> None:
    for name, text, answers in questions:
        asked = ask(house, room, name, text)
        house.decide(asked, "approve")
        house.decide(asked, "air", "animator")
        for number, answer in enumerate(answers):
            line = {"text": answer, "final": True}
            house.ask("PUT", f"/v1/submissions/{asked}/lines/{number}", "guest", name=guest, json=line)


def prepare(house: House) -> None:
    """Answers that are at hand."""
    for name, (title, text) in PREPARED.items():
        answer = {"title": title, "text": text}
        house.ask("PUT", f"/v1/rooms/{ROOM}/prepared-answers/{name}", "scribe", name="Sue", json=answer)


def ask_in_french(house: House) -> None:
    """The evening of the council."""
    _put_and_answer(house, "council", IN_FRENCH, "Le maire")


def crowd_the_desk(house: House) -> None:
    """A desk at which much waits, from the web and from telephones."""
    for number, (wish, place) in enumerate((wish, place) for place in PLACES for wish in WISHES):
        text = wish.replace("{place}", place)
        if number % 3:
            ask(house, MANY, NAMES[number % len(NAMES)], text)
        else:
            sms = {"id": str(number), "from": f"+336123456{number:02}", "text": text}
            house.ask("POST", f"/v1/sms?room={MANY}", "gateway", json=sms)


def options(page: Any) -> Any:
    """What stands in the list of the desk."""
    return page.locator('[role="option"] .text')
