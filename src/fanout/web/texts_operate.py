"""What the operator's page says, in English and in French."""

# ruff: noqa: RUF001  (French has a typographic apostrophe)

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

OPERATE_TEXTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "en": {
        "operate": "Operation", "ready": "Ready", "not_ready": "Not ready: it drains, or the log can’t commit",
        "lost": "The server does not answer. Trying again…", "rooms": "Rooms", "plugins": "Plug-ins",
        "source": "All figures are those of", "failed": "Not done: {why}", "taken": "let in", "refused": "turned away",
        "plots": {
            "listeners": "Listeners", "deliveries": "Deliveries", "latency": "Publication to socket",
            "log": "Publication to disk", "slow": "Slow listeners", "arrivals": "Arrivals", "messages": "Messages",
            "submissions": "Questions that come in", "waiting": "Waiting for a moderator",
            "oldest": "The oldest of them waits for",
        },
        "room_heads": ["Room", "Listeners", "Messages", "Pause", "Hold all", "Staff only", "Slow mode"],
        "plugin_heads": ["Plug-in", "Calls", "p99", "Failures"],
        "rules": {
            "paused": "Pause", "muted": "Hold all", "announce_only": "Staff only", "slow_s": "Slow mode",
        },
        "every": "one in {seconds} s", "no_limit": "off",
    },
    "fr": {
        "operate": "Exploitation", "ready": "Prêt", "not_ready": "Pas prêt : arrêt en cours, ou écriture impossible",
        "lost": "Le serveur ne répond pas. Nouvel essai…", "rooms": "Salons", "plugins": "Extensions",
        "source": "Tous les chiffres sont ceux de", "failed": "Pas fait : {why}", "taken": "admis",
        "refused": "refusés",
        "plots": {
            "listeners": "Auditeurs", "deliveries": "Remises", "latency": "De la publication à la prise",
            "log": "De la publication au disque", "slow": "Auditeurs lents", "arrivals": "Arrivées",
            "messages": "Messages", "submissions": "Questions reçues", "waiting": "En attente d’un modérateur",
            "oldest": "La plus ancienne attend depuis",
        },
        "room_heads": ["Salon", "Auditeurs", "Messages", "Pause", "Tout retenir", "Équipe seule", "Mode lent"],
        "plugin_heads": ["Extension", "Appels", "p99", "Échecs"],
        "rules": {
            "paused": "Pause", "muted": "Tout retenir", "announce_only": "Équipe seule", "slow_s": "Mode lent",
        },
        "every": "un en {seconds} s", "no_limit": "non",
    },
}  # fmt: skip
