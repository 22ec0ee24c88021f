"""What the page for animator, guest and scribe says, in English and in French."""

# ruff: noqa: RUF001  (French has a typographic apostrophe)

from __future__ import annotations

from typing import Final

from fanout.web.typography import typeset

STAGE_TEXTS: Final = typeset({
    "en": {
        "stage": "Stage",
        "on_air": "On air", "nothing_on_air": "No question is on air.",
        "run_sheet": "Run sheet ({count})", "nothing_cued": "Nothing is on the run sheet.",
        "approved": "Approved ({count})", "nothing_approved": "Nothing waits here. The desk approves questions.",
        "coming_up": "Coming up", "write": "Answer", "type_answer": "Type the answer", "line": "A line of the answer",
        "line_hint": "Type what is said; Enter puts the line on air.",
        "line_wait": "You can type as soon as a question is on air.", "send_line": "On air", "correct": "Correct",
        "take_back": "Take back", "take_back_sure": "Really take back, for everybody?",
        "belongs": "This line answers what was on air when you began it: “{question}”",
        "belongs_now": "No, the new one", "not_sent": "waits for the connection",
        "prepared": "Prepared answers", "nothing_prepared": "No prepared answer.",
        "seen": {
            "nothing": "Visitors see the line once it is on air.", "who": "Visitors see that you are typing, not what.",
            "text": "Visitors see what you type, as you type it.",
        },
        "keys_choose": "choose",
        "actions": {
            "cue": "Cue", "air": "On air", "move-up": "Up", "move-down": "Down", "move-last": "Last",
            "pin": "Pin", "unpin": "Unpin", "skip": "Skip",
        },
    },
    "fr": {
        "stage": "Scène",
        "on_air": "À l’antenne", "nothing_on_air": "Aucune question à l’antenne.",
        "run_sheet": "Conducteur ({count})", "nothing_cued": "Rien au conducteur.",
        "approved": "Retenues ({count})",
        "nothing_approved": "Rien n’attend ici. C’est la modération qui retient les questions.",
        "coming_up": "À suivre", "write": "Réponse", "type_answer": "Taper la réponse",
        "line": "Une ligne de la réponse",
        "line_hint": "Tapez ce qui est dit ; Entrée met la ligne à l’antenne.",
        "line_wait": "Vous pourrez taper dès qu’une question sera à l’antenne.", "send_line": "À l’antenne",
        "take_back": "Retirer", "take_back_sure": "Vraiment la retirer, pour tout le monde ?",
        "belongs": "Cette ligne répond à ce qui était à l’antenne quand vous l’avez commencée : « {question} »",
        "belongs_now": "Non, à la nouvelle", "correct": "Corriger",
        "not_sent": "attend la connexion", "prepared": "Réponses préparées",
        "nothing_prepared": "Aucune réponse préparée.",
        "seen": {
            "nothing": "Le public voit la ligne une fois à l’antenne.",
            "who": "Le public voit que vous écrivez, pas ce que vous écrivez.",
            "text": "Le public voit ce que vous tapez, à mesure.",
        },
        "keys_choose": "choisir",
        "actions": {
            "cue": "Au conducteur", "air": "À l’antenne", "move-up": "Monter", "move-down": "Descendre",
            "move-last": "En dernier", "pin": "Épingler", "unpin": "Détacher", "skip": "Retirer",
        },
    },
})  # fmt: skip
