"""What the pages say, in French and in English, and which of them a visitor reads."""

# ruff: noqa: RUF001  (French has a typographic apostrophe)

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

DEFAULT_LANGUAGE: Final = "en"

TEXTS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "rooms": "Rooms",
        "no_rooms": "There is no room yet. “fanout serve --room stage:stage” makes one, and so may an operator.",
        "no_room": "There is no such room",
        "all_rooms": "All rooms",
        "listeners": "Listeners",
        "messages": "Messages",
        "follows": "Follows",
        "stage": "on stage",
        "moderated": "moderated",
        "open": "open chat",
        "figures": "Figures",
        "median": "Half are delivered within",
        "p99": "99 % are delivered within",
        "delivered": "Deliveries",
        "needs_script": "This page needs JavaScript to show messages as they come. The history:",
        "connecting": "Connecting…",
        "live": "Live",
        "reconnecting": "Connection lost. Trying again…",
        "moved": "The server restarts. Back in a moment…",
        "ended": "Ended: {reason}",
        "paused": "Paused",
        "pause": "Pause",
        "resume": "Go on",
        "waiting": "{count} new",
        "empty": "Nothing has been said yet.",
        "retracted": "This message was taken back.",
        "gap": "{count} messages are missing here.",
        "gap_unknown": "The room began anew here; what came before is missing.",
        "question": "Question",
        "answer": "Answer",
        "over": "over 10 s",
    },
    "fr": {
        "rooms": "Salons",
        "no_rooms": "Aucun salon pour l’instant. « fanout serve --room stage:stage » en crée un ; un opérateur aussi.",
        "no_room": "Ce salon n’existe pas",
        "all_rooms": "Tous les salons",
        "listeners": "Auditeurs",
        "messages": "Messages",
        "follows": "Suit",
        "stage": "scène",
        "moderated": "modéré",
        "open": "discussion libre",
        "figures": "Chiffres",
        "median": "La moitié est remise en moins de",
        "p99": "99 % sont remis en moins de",
        "delivered": "Remises",
        "needs_script": "Sans JavaScript, cette page ne montre pas les messages à leur arrivée. L’historique :",
        "connecting": "Connexion…",
        "live": "En direct",
        "reconnecting": "Connexion perdue. Nouvel essai…",
        "moved": "Le serveur redémarre. De retour dans un instant…",
        "ended": "Terminé : {reason}",
        "paused": "En pause",
        "pause": "Pause",
        "resume": "Reprendre",
        "waiting": "{count} en attente",
        "empty": "Rien n’a encore été dit.",
        "retracted": "Ce message a été retiré.",
        "gap": "Il manque {count} messages ici.",
        "gap_unknown": "Le salon a recommencé ici ; ce qui précède manque.",
        "question": "Question",
        "answer": "Réponse",
        "over": "plus de 10 s",
    },
}

ON_THE_PAGE: Final = (
    "connecting", "live", "reconnecting", "moved", "ended", "paused", "pause", "resume", "waiting", "empty",
    "retracted", "gap", "gap_unknown", "question", "answer", "over",
)  # fmt: skip
"""Those that the script says; it gets them with the page."""


def language_of(accept_language: str) -> str:
    """The best of our languages for an `Accept-Language` field (RFC 9110 §12.5.4); English for any other, or for
    rubbish."""
    best, best_weight = DEFAULT_LANGUAGE, 0.0
    for wish in accept_language.split(",")[:20]:
        tag, _, parameters = wish.strip().partition(";")
        language = tag.strip().lower().partition("-")[0]
        weight = _weight(parameters.strip())
        if language in TEXTS and weight > best_weight:
            best, best_weight = language, weight
    return best


def _weight(parameters: str) -> float:
    if not parameters:
        return 1.0
    name, _, value = parameters.partition("=")
    if name.strip().lower() != "q" or not value.replace(".", "", 1).isdecimal():
        return 0.0
    return min(float(value), 1.0)
