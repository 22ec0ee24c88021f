"""What the pages for staff say, in English and in French."""

# ruff: noqa: RUF001  (French has a typographic apostrophe)

from __future__ import annotations

from typing import Final

from fanout.web.typography import typeset

STAFF_TEXTS: Final = typeset({
    "en": {
        "sign_in_title": "Sign in", "token": "Your token", "sign_in_button": "Sign in",
        "sign_in_note": "Paste it once, or open the link that you were given. This browser keeps it until it closes.",
        "token_refused": "This token is not accepted here, or has expired.",
        "unanswered": "The server does not answer. Please try again.",
        "other_role": "You are signed in as {role}, who has no place here. Sign in as somebody else.",
        "unsent": {
            "one": "{count} line that you wrote is not on air. Sign out, and lose it?",
            "other": "{count} lines that you wrote are not on air. Sign out, and lose them?",
        },
        "sign_out": "Sign out", "desk": "Desk", "waiting": "waiting", "connecting": "Connecting…",
        "live": "Connected", "lost": "Connection lost. Trying again…", "ended": "Ended: {reason}",
        "failed": "Not done: {why}", "apply": "Do it", "anonymous": "no name",
        "to_stage": "To the stage", "to_desk": "To the desk", "other_pages": "Other pages",
        "said": "Announcements and answers", "nothing_said": "Nothing that could be taken back has been said.",
        "programme": "Programme:", "begin": "We are live", "interrupt": "Interrupted", "end": "It is over",
        "phase_note": "Your own sentence for visitors (optional)", "begins": "We begin on", "announce": "Announce it",
        "typing": "While an answer is typed, visitors see",
        "shown": {"nothing": "nothing", "who": "who is typing", "text": "what is typed"},
        "state": "Show", "source": "From", "search": "Search", "all": "everywhere",
        "filters": {
            "held": "waiting", "approved,cued": "approved", "aired,answered": "on air", "rejected": "rejected",
            "merged": "merged", "": "everything",
        },
        "queue": "Questions", "chosen": "The chosen question", "nothing": "Nothing is chosen.",
        "leave": "Leave it",
        "roles": {
            "moderator": "moderator", "animator": "animator", "guest": "guest", "scribe": "scribe",
            "operator": "operator", "gateway": "gateway", "publisher": "publisher", "the room": "the room",
            "its author": "its author", "a ban": "a ban",
        },
        "refused": {
            "leased": "somebody else has this in hand.", "already_decided": "somebody else has decided on it.",
            "nothing_to_undo": "there is no step that could be taken back.",
            "not_your_step": "somebody else has decided on it since.",
            "merge_into_closed": "that one can’t speak for others.",
            "role_refused": "whoever is signed in here by now may not do this. Load the page anew to see who it is.",
        },
        "keys_title": "What can be done, each with its key", "choose": "choose", "end_key": "End", "newest": "newest",
        "find": "search", "needs_script": "This page needs JavaScript.",
    },
    "fr": {
        "sign_in_title": "S’identifier", "token": "Votre jeton", "sign_in_button": "Entrer",
        "sign_in_note": "Collez-le une fois, ou ouvrez le lien reçu. Ce navigateur le garde jusqu’à sa fermeture.",
        "token_refused": "Ce jeton n’est pas accepté ici, ou il a expiré.",
        "unanswered": "Le serveur ne répond pas. Réessayez.",
        "other_role": "Vous êtes identifié comme {role} ; ce rôle n’a pas accès à cette page. Identifiez-vous "
                      "autrement.",
        "unsent": {
            "one": "{count} ligne que vous avez écrite n’est pas à l’antenne. Quitter et la perdre ?",
            "other": "{count} lignes que vous avez écrites ne sont pas à l’antenne. Quitter et les perdre ?",
        },
        "sign_out": "Quitter", "desk": "Modération", "waiting": "en attente", "connecting": "Connexion…",
        "live": "Connecté", "lost": "Connexion perdue. Nouvel essai…", "ended": "Terminé : {reason}",
        "failed": "Échec : {why}", "apply": "Valider", "anonymous": "sans nom",
        "to_stage": "Vers la scène", "to_desk": "Vers la modération", "other_pages": "Autres pages",
        "said": "Annonces et réponses", "nothing_said": "Rien de ce qui a été dit ne peut être retiré.",
        "programme": "Programme :", "begin": "En direct", "interrupt": "Interruption", "end": "C’est terminé",
        "phase_note": "Votre phrase pour le public (facultatif)", "begins": "Nous commençons le",
        "announce": "Annoncer",
        "typing": "Pendant qu’une réponse s’écrit, le public voit",
        "shown": {"nothing": "rien", "who": "qui écrit", "text": "ce qui s’écrit"},
        "state": "Afficher", "source": "Provenance", "search": "Chercher", "all": "toutes",
        "filters": {
            "held": "en attente", "approved,cued": "retenues", "aired,answered": "à l’antenne", "rejected": "refusées",
            "merged": "réunies", "": "toutes",
        },
        "queue": "Questions", "chosen": "La question choisie", "nothing": "Aucune question n’est choisie.",
        "leave": "Laisser",
        "roles": {
            "moderator": "modérateur", "animator": "animateur", "guest": "invité", "scribe": "scribe",
            "operator": "exploitant", "gateway": "passerelle", "publisher": "éditeur", "the room": "le salon",
            "its author": "l’auteur", "a ban": "une exclusion",
        },
        "refused": {
            "leased": "quelqu’un d’autre l’a entre les mains.", "already_decided": "quelqu’un d’autre a déjà décidé.",
            "nothing_to_undo": "il n’y a rien à annuler.",
            "not_your_step": "quelqu’un d’autre a décidé depuis.",
            "merge_into_closed": "celle-là ne peut plus représenter les autres.",
            "role_refused": "la personne identifiée ici entre-temps n’en a pas le droit. Rechargez la page pour voir "
                            "qui c’est.",
        },
        "keys_title": "Ce que l’on peut faire, avec la touche de chaque action", "choose": "choisir",
        "end_key": "Fin", "newest": "la plus récente", "find": "chercher",
        "needs_script": "Cette page a besoin de JavaScript.",
    },
})  # fmt: skip

DESK_TEXTS: Final = typeset({
    "en": {
        "oldest": "oldest {age}",
        "tally": {"one": "{count} message from {people}", "other": "{count} messages from {people}"},
        "senders": {"one": "{count} person", "other": "{count} people"},
        "found": {"one": "{count} shown", "other": "{count} shown"}, "loading": "{found}, more are loading…",
        "states": {
            "received": "received", "held": "waiting", "approved": "approved", "cued": "on the run sheet",
            "aired": "on air", "answered": "answered", "rejected": "rejected", "withdrawn": "withdrawn",
            "merged": "merged",
        },
        "keys": {
            "approve": "Approve", "reject": "Reject", "edit": "Edit", "hold": "Hold", "mark": "Mark",
            "merge": "Merge into this", "ban": "Ban", "air": "On air", "retract": "Off air", "undo": "Undo",
        },
        "done": {
            "approve": "Approved. It waits on the stage.",
            "reject": "Rejected.", "edit": "Changed.", "hold": "Held.", "merge": "Merged.",
            "ban": "Banned.", "air": "On air.", "retract": "Taken off the air.", "undo": "Taken back.",
            "programme": "Told everybody.", "typing": "So it is from now on.",
            "take_back": "Taken back: nobody sees it any more.",
        },
        "unreachable": "The server does not answer. It is back in the list.",
        "reason": "Why? Its author reads this.", "ban_reason": "Why is this person sent away? They read this.",
        "new_text": "The new wording", "in_hand": "in the hands of {by}",
        "original": "As it was sent",
        "state_now": "State", "opinions": "Plug-ins", "reason_given": "Reason",
        "marked": {"one": "{count} marked", "other": "{count} marked"},
        "unreachable_typed": "The server does not answer. What you typed is still here: try again.",
        "in_hand_until": "Not done: in the hands of {by} until {until} at the latest.",
        "unseen": {
            "one": "{count} of the marked is not in the list as it is shown. It will be merged too.",
            "other": "{count} of the marked are not in the list as it is shown. They will be merged too.",
        },
        "phases": {"before": "not begun yet", "live": "live", "incident": "interrupted", "after": "over"},
        "hour_past": "This hour has passed.", "hour_incomplete": "It takes a day and an hour.",
        "end_ask": "Everybody in the room will read that it is over.",
        "kinds": {"answer": "answer", "correction": "correction"},
        "take_back": "Take back", "take_back_ask": "Take this back?",
        "take_back_says": "“{text}” Nobody will see it any more, and it can’t be put back.",
        "not_reached": "Not done: the server does not answer.",
        "session_over": "Your session has ended. Sign in again in another tab, then do it here: what you typed stays.",
        "no_undo": {
            "air": "What was on air can’t be taken back with U. D takes it off the air.",
            "approve": "It went on air at once; U can’t take that back. D takes it off the air.",
            "retract": "What was taken off the air can’t be put back with U.",
        },
        "read_first": "This one has just come here, or changed. Read it, then decide.",
        "nothing_marked": "Mark some first, with X.", "no_person": "Nobody knows who sent this.",
        "ages": ["{n} s", "{n} min", "{n} h", "{n} d"],
    },
    "fr": {
        "oldest": "la plus ancienne : {age}",
        "tally": {"one": "{count} message de {people}", "other": "{count} messages de {people}"},
        "senders": {"one": "{count} personne", "other": "{count} personnes"},
        "found": {"one": "{count} affichée", "other": "{count} affichées"}, "loading": "{found}, la suite arrive…",
        "states": {
            "received": "reçue", "held": "en attente", "approved": "retenue", "cued": "au conducteur",
            "aired": "à l’antenne", "answered": "avec réponse", "rejected": "refusée", "withdrawn": "retirée",
            "merged": "réunie",
        },
        "keys": {
            "approve": "Retenir", "reject": "Refuser", "edit": "Modifier", "hold": "Remettre en attente",
            "mark": "Marquer", "merge": "Réunir à celle-ci", "ban": "Exclure", "air": "À l’antenne",
            "retract": "Retirer de l’antenne", "undo": "Annuler",
        },
        "done": {
            "approve": "Retenue. Elle attend sur la scène.",
            "reject": "Refusée.", "edit": "Modifiée.", "hold": "Remise en attente.",
            "merge": "Réunies.", "ban": "Exclu.", "air": "À l’antenne.", "retract": "Retirée de l’antenne.",
            "undo": "Annulé.", "programme": "Tout le monde en est informé.", "typing": "C’est réglé.",
            "take_back": "Retiré : plus personne ne le voit.",
        },
        "unreachable": "Le serveur ne répond pas. La question est de retour dans la liste.",
        "reason": "Pourquoi ? L’auteur le lira.", "ban_reason": "Pourquoi exclure cette personne ? Elle le lira.",
        "new_text": "Le nouveau texte", "in_hand": "entre les mains de {by}",
        "original": "Texte d’origine",
        "state_now": "État", "opinions": "Extensions", "reason_given": "Motif",
        "marked": {"one": "{count} marquée", "other": "{count} marquées"},
        "unreachable_typed": "Le serveur ne répond pas. Ce que vous avez écrit est encore ici : essayez de nouveau.",
        "in_hand_until": "Impossible : entre les mains de {by} jusqu’à {until} au plus tard.",
        "unseen": {
            "one": "{count} des marquées n’est pas dans la liste affichée. Elle sera réunie aussi.",
            "other": "{count} des marquées ne sont pas dans la liste affichée. Elles seront réunies aussi.",
        },
        "phases": {
            "before": "pas encore commencé", "live": "en direct", "incident": "interrompu", "after": "terminé",
        },
        "hour_past": "Cette heure est passée.", "hour_incomplete": "Il faut un jour et une heure.",
        "end_ask": "Tout le public lira que c’est terminé.",
        "kinds": {"answer": "réponse", "correction": "correction"},
        "take_back": "Retirer", "take_back_ask": "Retirer ce message ?",
        "take_back_says": "« {text} » Plus personne ne le verra, et il ne pourra pas être remis.",
        "not_reached": "Échec : le serveur ne répond pas.",
        "session_over": "Votre session est terminée. Identifiez-vous dans un autre onglet, puis validez ici : "
        "ce que vous avez écrit reste.",
        "no_undo": {
            "air": "Ce qui est passé à l’antenne ne s’annule pas avec U. D le retire de l’antenne.",
            "approve": "Elle est passée à l’antenne aussitôt ; U ne l’annule pas. D la retire de l’antenne.",
            "retract": "Ce qui a été retiré de l’antenne n’y revient pas avec U.",
        },
        "read_first": "Celle-ci vient d’arriver ici, ou de changer. Lisez-la, puis décidez.",
        "nothing_marked": "Marquez-en d’abord, avec X.", "no_person": "Personne ne sait qui l’a envoyée.",
        "ages": ["{n} s", "{n} min", "{n} h", "{n} j"],
    },
})  # fmt: skip
