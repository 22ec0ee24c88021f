"""The evening that is played: who speaks when, each sentence whole in French or in English. All of it is invented."""

# ruff: noqa: RUF001  (French has a typographic apostrophe)

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Final

STAGE: Final = "stage"
FOYER: Final = "foyer"

PARTNERS: Final = {
    "portail": "Le portail",
    "television": "La télévision",
    "radio": "La radio",
    "mairie": "La mairie",
    "campus": "The campus",
}
"""Rooms on other people's sites: they follow the stage."""

HOST: Final = ("Claire", "animator")
GUEST: Final = ("The Prime Minister", "guest")


@dataclass(frozen=True, slots=True)
class Line:
    """Somebody says something on the stage, `wait` seconds after the line before. `answers`: to the last question."""

    wait: float
    speaker: tuple[str, str]
    text: str
    kind: str = "message"
    answers: bool = False


@dataclass(frozen=True, slots=True)
class Break:
    """Every listener loses its connection at once, as it happened on an evening in 2004."""

    wait: float = 2.0


def _question(name: str, text: str, *answers: str) -> list[Line]:
    asked = Line(2.5, (name, "visitor"), text, "question")
    return [asked, *(Line(1.4, GUEST, answer, "answer", answers=True) for answer in answers)]


EVENING: Final[tuple[Line | Break, ...]] = (
    Line(1.0, HOST, "Good evening, everybody, and welcome. The doors are open."),
    Line(2.0, HOST, "Bonsoir à toutes et à tous. Vos questions sont des milliers ; nous en lirons une cinquantaine."),
    *_question(
        "Samira, Roubaix",
        "Le salaire minimum va-t-il enfin augmenter cet été ?",
        "Merci, Samira. C’est la question que l’on m’a le plus posée ce soir.",
        "Oui. La hausse est décidée, et elle figurera sur la paie de juillet.",
        "Elle profitera à deux millions de personnes, d’abord dans le commerce et les soins.",
    ),
    *_question(
        "Tom, Leeds",
        "Why do the trains of our valley stop at nine in the evening?",
        "Because nobody counted those who come home later. We have counted now.",
        "Two late trains will run from September, for a year, and then we look at who took them.",
    ),
    *_question(
        "Yann, Brest",
        "Que répondez-vous à un village qui attend la fibre depuis six ans ?",
        "Qu’il a raison de ne plus attendre.",
        "Chaque commune aura une date, publiée, et le nom de la personne qui en répond.",
    ),
    Line(2.0, HOST, "Un instant, je vous prie : notre ligne semble se rompre…"),
    Line(0.5, HOST, "One moment, please: our line seems to be breaking…"),
    Break(),
    Line(3.0, HOST, "Nous revoilà, et rien n’est perdu : chacun est revenu là où il en était."),
    Line(1.5, HOST, "We are back. Nobody has missed a word: everyone came back to where they had been."),
    *_question(
        "Ines, Lyon",
        "My school has had no mathematics teacher since November. What now?",
        "That should not happen for a week, and it has been months.",
        "A replacement begins on Monday. I have asked for the list of all the schools like yours.",
        "It will be public, and it has to become shorter every month.",
    ),
    *_question(
        "Paul, Ajaccio",
        "Lisez-vous vraiment les questions, ou quelqu’un écrit-il à votre place ?",
        "Je les lis, et quelqu’un tape plus vite que moi : vous lui devez l’orthographe.",
    ),
    *_question(
        "Grace, Cardiff",
        "What did you learn tonight that you did not know yesterday?",
        "That sixty people can ask one thing in sixty ways, and all mean it.",
        "And that I should take the late train myself.",
    ),
    Line(2.5, HOST, "Merci à toutes et à tous, et bonne nuit."),
    Line(1.5, HOST, "Thank you, and good night. In a moment we begin again, for those who come late."),
)

_REMARKS: Final = (
    "Bonsoir de Marseille !", "Hello from the back row.", "On entend bien ici.", "What did the second answer mean?",
    "Enfin une réponse claire.", "Not sure I believe that date…", "Chez nous aussi, six ans…", "Good question, Tom!",
    "Et les retraites ?", "The late train! Yes!", "Je note la date.", "My whole class is watching this.",
    "Bravo à la personne qui tape.", "How many are we tonight?", "Première fois que je regarde ça.", "Louder, please",
)  # fmt: skip

_NAMES: Final = ("Léa", "Omar", "Kate", "Hugo", "Nour", "Ben", "Zoé", "Ivo", "Maud", "Sean", "Aïcha")


def remarks() -> Iterator[tuple[str, str]]:
    """What people say to each other in the foyer, for ever: (name, text)."""
    return zip(cycle(_NAMES), cycle(_REMARKS), strict=False)


_ASKED: Final = (
    ("Que comptez-vous faire pour {} ?", "Where do we stand with {}?"),
    ("Où en est-on avec {} ?", "Who decides about {}?"),
    ("Pourquoi ne parle-t-on jamais de cela : {} ?", "What will change for {}?"),
    ("Qui décide, pour {} ?", "Is it true that nothing happens with {}?"),
    ("Que disent vos conseillers sur {} ?", "Please say something about {}."),
)

_SUBJECTS: Final = (
    ("le salaire minimum", "the minimum wage"), ("les petites lignes de train", "the late buses"),
    ("l’hôpital de notre ville", "our school"), ("les loyers", "the rents"), ("la cantine", "the river"),
    ("les retraites des artisans", "young farmers"),
)  # fmt: skip
"""In both languages, as are the sentences: a French subject is asked about in French."""


def questions() -> Iterator[tuple[str, str]]:
    """What people ask, for ever; many of them much the same: (name, text)."""
    asked = (
        sentence.format(subject)
        for subjects in cycle(_SUBJECTS)
        for sentences in _ASKED
        for sentence, subject in zip(sentences, subjects, strict=True)
    )
    return zip(cycle(_NAMES), asked, strict=False)
