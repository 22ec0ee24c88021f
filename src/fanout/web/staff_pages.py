"""The pages for staff: who is not signed in signs in there; who is gets the page, and what their role may do on it.

They hold nothing of what staff see: the scripts ask for that, with the session.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fanout.core.principal import Action, Principal, Role
from fanout.engine.engine import Engine
from fanout.web.answers import resource
from fanout.web.frame import Frame, Markup, filled
from fanout.web.language import language_for
from fanout.web.room_page import no_such_room
from fanout.web.session import Sessions
from fanout.web.texts import TEXTS
from fanout.web.texts_staff import DESK_TEXTS, STAFF_TEXTS
from fanout.web.texts_stage import STAGE_TEXTS

_SIGN_IN: Final = """<div class="room alone"><section class="card sign-in">
<h1>{sign_in_title}</h1>
<form id="sign-in"><label for="token">{token}</label>
<input id="token" type="password" autocomplete="off" spellcheck="false" required>
<p class="note">{sign_in_note}</p>
<p class="note no-script">{needs_script}</p>
<button class="main">{sign_in_button}</button>
<p class="note refusal" role="alert">{refusal}</p></form>
</section></div>"""

_DESK: Final = """<div class="desk" id="desk">
<div class="bar">
<h1 dir="auto">{title}</h1>
<p class="counts" id="counts"><b id="waiting">0</b> {waiting}<span id="oldest"></span><span id="people"></span>
</p>
<nav aria-label="{other_pages}">{links}</nav>
<p class="line" id="line" role="status">{connecting}</p>
<div class="mine"><details class="programme" id="programme"><summary>{programme} <b id="phase"></b></summary>
<div class="panel">
<label for="phase-note">{phase_note}</label>
<input id="phase-note" maxlength="300" autocomplete="off" dir="auto">
<label for="starts-at">{begins}</label>
<div class="row"><input id="starts-at" type="datetime-local" aria-describedby="when">
<button type="button" data-phase="before">{announce}</button></div>
<p class="note" id="when"></p>
<div class="row"><button type="button" data-phase="live">{begin}</button>
<button type="button" data-phase="incident">{interrupt}</button>
<button type="button" data-phase="after">{end}</button></div>
<label id="typing" hidden>{typing} <select>{shown}</select></label></div></details>
<details class="programme" id="said" hidden><summary>{said} <kbd>T</kbd></summary>
<div class="panel"><p class="note">{nothing_said}</p>
<ol></ol></div></details>
<p class="who">{who} <button type="button" class="link" id="sign-out">{sign_out}</button></p></div>
</div>
<form class="filters" id="filters" role="search">
<label>{state} <select name="state">{states}</select></label>
<label>{source} <select name="source"><option value="">{all}</option><option value="web">Web</option>
<option value="sms">SMS</option><option value="api">API</option><option value="import">Import</option></select></label>
<label class="grow">{search} <input name="search" type="search" maxlength="200" autocomplete="off"></label>
<span class="note" id="found" role="status"></span>
</form>
<div class="work">
<div class="list" id="list" role="listbox" tabindex="0" aria-label="{queue}"><div class="sizer"></div></div>
<section class="detail" id="detail" aria-label="{chosen}"><p class="note">{nothing}</p></section>
</div>
<div class="keys" id="keys" role="group" aria-label="{keys_title}">
<p class="note moves"><kbd>↑</kbd> <kbd>↓</kbd> {choose} <kbd>{end_key}</kbd> {newest} <kbd>/</kbd> {find}</p></div>
<p class="note told" id="told" role="status"></p>
<dialog id="confirm" aria-labelledby="confirm-title"><h2 id="confirm-title"></h2><p></p>
<form method="dialog"><button value="no">{leave}</button><button class="main" value="yes"></button></form></dialog>
</div>"""


_STAGE: Final = """<div class="bar">
<h1 dir="auto">{title}</h1>
<nav aria-label="{stage}">{tabs}{links}</nav>
<p class="line" id="line" role="status">{connecting}</p>
<p class="who">{who} <button type="button" class="link" id="sign-out">{sign_out}</button></p>
</div>
<div id="view"></div>
<p class="note told" id="told" role="alert"></p>"""

VIEWS: Final = {"animator": Action.AIR, "guest": Action.SEE_STAGE, "scribe": Action.ANSWER}
"""The views of the stage, and what one must be allowed to do for each."""


class StaffPages:
    """`/rooms/{room}/desk` and `/rooms/{room}/stage`."""

    def __init__(self, engine: Engine, frame: Frame, sessions: Sessions) -> None:
        self._engine, self._frame, self._sessions = engine, frame, sessions

    def routes(self) -> list[Route]:
        return [
            resource("/rooms/{room}/desk", GET=self.desk),
            resource("/rooms/{room}/stage", GET=self.stage),
        ]

    async def desk(self, request: Request) -> Response:
        """`GET /rooms/{room}/desk`."""
        language, name = language_for(request), request.path_params["room"]
        room = self._engine.rooms.get(name)
        if room is None:
            return no_such_room(self._frame, request)
        texts = STAFF_TEXTS[language]
        principal = self._sessions.of(request)
        if not principal.may(Action.SEE_DESK, name):
            return sign_in_page(self._frame, request, principal)
        title = room.settings.title or name
        options = {"states": _options(texts["filters"]), "shown": _options(texts["shown"])}
        links = _link("stage", texts["to_stage"], language) if _views(principal, name) else Markup("")
        main = filled(_DESK, texts, title=title, **options, links=links, who=_who(principal, texts))
        data = {"room": name, "may": may(principal, name), "me": me(principal)}
        return self._frame.page(
            request, f"{title} · {texts['desk']}", Markup(main), script="desk.js", styles=("desk.css",), data=data,
            texts={**texts, **DESK_TEXTS[language], "people": TEXTS[language]["people"]}, headers=NOBODY_ELSE,
        )  # fmt: skip

    async def stage(self, request: Request) -> Response:
        """`GET /rooms/{room}/stage?view=`: animator, guest or scribe; by default as the role is called."""
        language, name = language_for(request), request.path_params["room"]
        room = self._engine.rooms.get(name)
        if room is None:
            return no_such_room(self._frame, request)
        texts = {**STAFF_TEXTS[language], **STAGE_TEXTS[language]}
        principal = self._sessions.of(request)
        views = _views(principal, name)
        if not views:
            return sign_in_page(self._frame, request, principal)
        wanted = request.query_params.get("view", str(principal.role))
        view = wanted if wanted in views else views[0]
        title = room.settings.title or name
        roles = texts["roles"]
        tabs = Markup("".join(_tab(one, roles[one].capitalize(), language, current=one == view) for one in views))
        links = _link("desk", texts["to_desk"], language) if principal.may(Action.SEE_DESK, name) else Markup("")
        main = filled(_STAGE, texts, title=title, tabs=tabs, links=links, who=_who(principal, texts))
        data = {"room": name, "view": view, "may": may(principal, name), "me": me(principal)}
        return self._frame.page(
            request, f"{title} · {texts['stage']}", Markup(main), script="stage.js", styles=("stage.css",), data=data,
            texts=texts, headers=NOBODY_ELSE,
        )  # fmt: skip


def sign_in_page(frame: Frame, request: Request, principal: Principal) -> Response:
    """Where somebody signs in: 200 for who has not (a browser writes down the address of what failed, with what stands
    after the `#`), 403 for who has, as somebody who has no place there."""
    texts = STAFF_TEXTS[language_for(request)]
    known = principal.role is not Role.VISITOR
    refusal = texts["other_role"].replace("{role}", texts["roles"][str(principal.role)]) if known else ""
    main = filled(_SIGN_IN, texts, refusal=refusal)
    return frame.page(
        request, texts["sign_in_title"], Markup(main), script="sign-in.js", styles=("room.css",), texts=texts,
        status=403 if known else 200, headers=NOBODY_ELSE,
    )  # fmt: skip


NOBODY_ELSE: Final = (("Cache-Control", "no-store"), ("Vary", "Accept-Language, Cookie"))
"""A page for one person is kept nowhere."""


def _views(principal: Principal, room: str) -> list[str]:
    """The views of the stage that somebody has."""
    return [view for view, needed in VIEWS.items() if principal.may(needed, room)]


def _who(principal: Principal, texts: Mapping[str, Any]) -> str:
    return principal.name or texts["roles"][str(principal.role)]


def _link(place: str, text: str, language: str) -> Markup:
    return Markup(
        filled(
            '<a class="away" href="{place}?lang={language}">{text}</a>', {}, place=place, language=language, text=text
        )
    )


def _options(choices: Mapping[str, str]) -> Markup:
    template = '<option value="{value}">{text}</option>'
    return Markup("".join(filled(template, {}, value=value, text=text) for value, text in choices.items()))


def _tab(view: str, text: str, language: str, *, current: bool) -> str:
    here = Markup(' aria-current="page"' if current else "")
    template = '<a href="?view={view}&amp;lang={language}"{here}>{text}</a>'
    return filled(template, {}, view=view, language=language, here=here, text=text)


def me(principal: Principal) -> str:
    """Who has signed in, as the scripts know them from others."""
    return f"{principal.name} ({principal.role})"


def may(principal: Principal, room: str) -> str:
    """What somebody may do in a room, as words for the script; the server asks again at each step."""
    return " ".join(action for action in Action if principal.may(action, room))
