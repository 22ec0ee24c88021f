"""What a transcript says of itself, in French and in English."""

# ruff: noqa: RUF001  (French has a typographic apostrophe)

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LANGUAGES: Final = ("en", "fr")

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "contents": "Questions",
        "room": "Room",
        "as_of": "as of",
        "nothing": "Nothing was aired.",
        "utc": "Times are UTC.",
        "unnamed": "No name",
        "corrected": "corrected at {time}",
        "retracted": "taken back at {time}",
        "earlier": "before, at {time}:",
        "internal": "Internal: not for publication",
        "queue": "The queue",
        "audit": "Other entries of the audit",
        "original": "As sent",
        "decisions": "Decisions",
        "from": "from",
        "source": "source",
        "person": "person",
        "received": "received",
        "state": "state",
        "reason": "reason",
        "decided": "decided",
        "by": "by",
        "into": "merged into",
        "message": "aired as",
        "opinions": "plug-ins",
    },
    "fr": {
        "contents": "Questions",
        "room": "Salon",
        "as_of": "état à",
        "nothing": "Rien n’a été diffusé.",
        "utc": "Heures UTC.",
        "unnamed": "Sans nom",
        "corrected": "corrigé à {time}",
        "retracted": "retiré à {time}",
        "earlier": "avant, à {time}\u00a0:",
        "internal": "Interne\u00a0: ne pas publier",
        "queue": "La file",
        "audit": "Autres entrées du journal d’audit",
        "original": "Texte reçu",
        "decisions": "Décisions",
        "from": "de",
        "source": "source",
        "person": "personne",
        "received": "reçu",
        "state": "état",
        "reason": "motif",
        "decided": "décidé",
        "by": "par",
        "into": "fusionné dans",
        "message": "diffusé comme",
        "opinions": "extensions",
    },
}

KINDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {"question": "Question", "answer": "Answer", "message": "Message", "correction": "Correction"},
    "fr": {"question": "Question", "answer": "Réponse", "message": "Message", "correction": "Correction"},
}

ROLES: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {},
    "fr": {"visitor": "internaute", "guest": "invité", "animator": "animateur", "moderator": "modérateur",
           "publisher": "rédaction", "operator": "régie"},
}  # fmt: skip
