"""What the operator's page says, in English and in French."""

# ruff: noqa: RUF001  (French has a typographic apostrophe)

from __future__ import annotations

from typing import Final

from fanout.web.typography import typeset

OPERATE_TEXTS: Final = typeset({
    "en": {
        "operate": "Operation", "ready": "Ready", "not_ready": "Not ready",
        "lost": "The server does not answer. Trying again…", "rooms": "Rooms", "plugins": "Plug-ins",
        "processes": "Processes", "alarms": "What is wrong", "all_well": "Nothing is wrong.",
        "no_script": "This page needs JavaScript. Without it, the figures are at the address below, as text.",
        "source": "All figures are those of", "taken": "let in", "refused": "turned away",
        "plots": {
            "listeners": "Listeners", "deliveries": "Deliveries", "latency": "Publication to socket",
            "log": "Publication to disk", "slow": "Slow listeners", "arrivals": "Arrivals", "messages": "Messages",
            "submissions": "Questions that come in", "waiting": "Waiting for a moderator",
            "oldest": "The oldest of them waits for",
        },
        "room_heads": [
            "Room", "Listeners", "Deliveries", "Slow", "p99", "Messages", "Waiting", "Pause", "Hold all", "Staff only",
            "Slow mode",
        ],
        "plugin_heads": ["Plug-in", "Calls", "p99", "Failures", "State", "Switch"],
        "process_names": {"server": "server"},
        "process_heads": [
            "Process", "CPU", "Memory", "Descriptors", "Listeners", "Slow", "Deliveries", "Behind",
        ],
        "of": "{count} of {most}",
        "rules": {
            "paused": "Pause", "muted": "Hold all", "announce_only": "Staff only", "slow_s": "Slow mode",
        },
        "every": "one in {seconds} s", "no_limit": "off",
        "every_room": "Every room", "asked": "{what}?",
        "everywhere": {
            "paused": {
                "set": "Pause every room", "lift": "Lift the pause of every room", "holds": "Every room is paused.",
                "ask": "Visitors can send nothing anywhere until you lift it. Everybody goes on listening. Afterwards "
                "each room is as it was.",
            },
            "muted": {
                "set": "Hold everything", "lift": "Hold everything no more",
                "holds": "Everything that visitors send is held, in every room.",
                "ask": "Nothing that visitors send goes live without a moderator, in any room, until you lift it. "
                "Afterwards each room is as it was.",
            },
            "announce_only": {
                "set": "Staff only everywhere", "lift": "Let everybody speak again",
                "holds": "Only staff speak, in every room.",
                "ask": "Only staff speak in any room, and visitors are told so, until you lift it. Afterwards each "
                "room is as it was.",
            },
        },
        "switch_off": "Switch off", "switch_on": "Switch on",
        "ask_off": {
            "title": "Switch {plugin} off?",
            "text": "It is as if it were not there: nothing is asked of it, and the evening goes on without it. It "
            "stays off over a restart, until somebody switches it on.",
        },
        "plugin_state": {
            "on": "on", "off": "off: {by}, {at}", "alone": "fails, and is left alone: {stands}",
            "shadow": "on, in shadow mode",
        },
        "stands": {
            "hold": "people have to look at everything", "accept": "everything passes it unchecked",
            "reject": "everything is rejected",
        },
        "server": "The server", "cancel": "Cancel",
        "operators_only": "Switching plug-ins, and draining, take the token of an operator.",
        "drain": "Drain…", "replace": "Replace the edges…",
        "ask_drain": {
            "title": "Drain this server?",
            "text": "The listeners ({listeners}) are sent away, each with a moment to come back at, and nobody new is "
            "let in. Then the server ends. It can’t be called back, and nobody can come in until somebody starts a "
            "server here again.",
            "yes": "Drain now",
        },
        "ask_replace": {
            "title": "Replace the edges?",
            "text": "One by one, a new process takes the place of each that carries listeners; theirs come back at "
            "once, and miss nothing.",
            "yes": "Replace",
        },
        "replacing": "The edges are being replaced, one by one.",
        "draining": "Draining. Listeners that are left: {listeners}.",
        "drained": "Drained at {at}. Listeners told when to come back: {listeners}. The server has ended: "
        "somebody has to start it where it runs (systemctl start fanout). This page says when it answers again.",
        "drain_broken": "The connection broke before the drain was over. Listeners left at {at}: {listeners}. The "
        "server’s own log tells how it ended.",
        "back": "The server answers again since {at}.",
        "alarm": {
            "draining": "The server is draining: it takes nobody new, and will end.",
            "log_unavailable": "The log can’t commit: publishing fails. Is the disk full?",
            "store_unavailable": "The desk’s records can’t be written. Is the disk full?",
            "no_edges": "None of the processes that carry listeners is there.",
            "unready": "The server is not ready: {why}",
            "edges": "{running} of {wanted} edges are there.", "failing": "Dies again and again: {names}.",
            "late": "{room}: one delivery in a hundred takes more than {seconds}.",
            "disk": "One publication in a hundred takes more than {seconds} to be on disk.",
            "slow": "{share} of the listeners read too slowly: look at the network out of here.",
            "full": "People are turned away for want of places: {count} in ten seconds.",
            "overtaken": "Listeners of lossless rooms are overtaken: {count} in ten seconds. They resume.",
            "behind": "{process} can’t follow: its listeners have gaps.",
            "cpu": "{process} uses all of its core.",
            "fds": "{process} has {share} of the descriptors that it may have.",
            "alone": "The plug-in {plugin} fails all the time: {stands}.",
            "off": "The plug-in {plugin} is switched off.",
            "waiting": "{room}: a question waits for a moderator for {span}.",
        },
    },
    "fr": {
        "operate": "Exploitation", "ready": "Prêt", "not_ready": "Pas prêt",
        "lost": "Le serveur ne répond pas. Nouvel essai…", "rooms": "Salons", "plugins": "Extensions",
        "processes": "Processus", "alarms": "Ce qui ne va pas", "all_well": "Tout va bien.",
        "no_script": "Cette page a besoin de JavaScript. Sans lui, les chiffres sont à l’adresse ci-dessous, en texte.",
        "source": "Tous les chiffres sont ceux de", "taken": "admis",
        "refused": "refusés",
        "plots": {
            "listeners": "Auditeurs", "deliveries": "Envois", "latency": "De la publication à l’envoi",
            "log": "De la publication au disque", "slow": "Auditeurs lents", "arrivals": "Arrivées",
            "messages": "Messages", "submissions": "Questions reçues", "waiting": "En attente d’un modérateur",
            "oldest": "La plus ancienne attend depuis",
        },
        "room_heads": [
            "Salon", "Auditeurs", "Envois", "Lents", "p99", "Messages", "En attente", "Pause", "Tout retenir",
            "Équipe seule", "Mode lent",
        ],
        "plugin_heads": ["Extension", "Appels", "p99", "Échecs", "État", "Interrupteur"],
        "process_names": {"server": "serveur"},
        "process_heads": [
            "Processus", "Processeur", "Mémoire", "Descripteurs", "Auditeurs", "Lents", "Envois", "Retard",
        ],
        "of": "{count} sur {most}",
        "rules": {
            "paused": "Pause", "muted": "Tout retenir", "announce_only": "Équipe seule", "slow_s": "Mode lent",
        },
        "every": "un toutes les {seconds} s", "no_limit": "non",
        "every_room": "Tous les salons", "asked": "{what} ?",
        "everywhere": {
            "paused": {
                "set": "Tous les salons en pause", "lift": "Lever la pause de tous les salons",
                "holds": "Tous les salons sont en pause.",
                "ask": "Les visiteurs ne peuvent plus rien envoyer, nulle part, tant que vous ne levez pas la pause. "
                "Tout le monde continue d’écouter. Ensuite, chaque salon est comme avant.",
            },
            "muted": {
                "set": "Tout retenir partout", "lift": "Ne plus tout retenir",
                "holds": "Tout ce que les visiteurs envoient est retenu, dans tous les salons.",
                "ask": "Rien de ce que les visiteurs envoient ne passe sans un modérateur, dans aucun salon, tant que "
                "vous ne le levez pas. Ensuite, chaque salon est comme avant.",
            },
            "announce_only": {
                "set": "Équipe seule partout", "lift": "Rendre la parole à tous",
                "holds": "Seule l’équipe parle, dans tous les salons.",
                "ask": "Seule l’équipe parle, dans tous les salons, et les visiteurs en sont avertis, tant que vous ne "
                "le levez pas. Ensuite, chaque salon est comme avant.",
            },
        },
        "switch_off": "Couper", "switch_on": "Rétablir",
        "ask_off": {
            "title": "Couper {plugin} ?",
            "text": "C’est comme si elle n’était pas là : on ne lui demande plus rien, et la soirée continue sans "
            "elle. Elle reste coupée après un redémarrage, jusqu’à ce que quelqu’un la rétablisse.",
        },
        "plugin_state": {
            "on": "active", "off": "coupée : {by}, {at}", "alone": "en échec, mise à l’écart : {stands}",
            "shadow": "active, en observation",
        },
        "stands": {
            "hold": "tout attend un modérateur", "accept": "tout passe sans contrôle", "reject": "tout est rejeté",
        },
        "server": "Le serveur", "cancel": "Annuler",
        "operators_only": "Couper une extension ou arrêter le serveur demande le jeton d’un exploitant.",
        "drain": "Arrêter en douceur…", "replace": "Remplacer les processus…",
        "ask_drain": {
            "title": "Arrêter ce serveur en douceur ?",
            "text": "Les auditeurs ({listeners}) sont renvoyés, chacun avec un moment pour revenir, et personne "
            "d’autre n’entre. Puis le serveur se termine. On ne peut pas revenir en arrière, et personne ne peut "
            "entrer tant que quelqu’un n’a pas redémarré un serveur ici.",
            "yes": "Arrêter maintenant",
        },
        "ask_replace": {
            "title": "Remplacer les processus d’écoute ?",
            "text": "Un par un, chaque processus qui porte des auditeurs est remplacé par un nouveau ; ses auditeurs "
            "reviennent aussitôt, et ne manquent rien.",
            "yes": "Remplacer",
        },
        "replacing": "Les processus d’écoute sont remplacés, un par un.",
        "draining": "Arrêt en cours. Auditeurs restants : {listeners}.",
        "drained": "Arrêté à {at}. Auditeurs à qui l’on a dit quand revenir : {listeners}. Le serveur s’est terminé : "
        "quelqu’un doit le redémarrer là où il tourne (systemctl start fanout). Cette page dira quand il "
        "répond de nouveau.",
        "drain_broken": "La connexion s’est rompue avant la fin de l’arrêt. Auditeurs restants à {at} : {listeners}. "
        "Le journal du serveur dit comment il s’est terminé.",
        "back": "Le serveur répond de nouveau depuis {at}.",
        "alarm": {
            "draining": "Le serveur s’arrête : il n’admet plus personne, et va se terminer.",
            "log_unavailable": "Le journal ne s’écrit plus : la publication échoue. Le disque est-il plein ?",
            "store_unavailable": "Les données de la modération ne s’écrivent plus. Le disque est-il plein ?",
            "no_edges": "Aucun des processus qui portent des auditeurs n’est là.",
            "unready": "Le serveur n’est pas prêt : {why}",
            "edges": "{running} processus d’écoute sur {wanted} sont là.", "failing": "S’arrête sans cesse : {names}.",
            "late": "{room} : un envoi sur cent prend plus de {seconds}.",
            "disk": "Une publication sur cent prend plus de {seconds} pour être sur le disque.",
            "slow": "{share} des auditeurs lisent trop lentement : voyez le réseau vers l’extérieur.",
            "full": "Des personnes sont refusées faute de place : {count} en dix secondes.",
            "overtaken": "Des auditeurs de salons sans perte sont dépassés : {count} en dix secondes. Ils reprennent.",
            "behind": "{process} ne suit pas : ses auditeurs manquent des messages.",
            "cpu": "{process} occupe tout son cœur.",
            "fds": "{process} utilise {share} des descripteurs permis.",
            "alone": "L’extension {plugin} échoue sans cesse : {stands}.",
            "off": "L’extension {plugin} est coupée.",
            "waiting": "{room} : une question attend un modérateur depuis {span}.",
        },
    },
})  # fmt: skip
