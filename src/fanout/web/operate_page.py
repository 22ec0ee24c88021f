"""The operator's page: the whole server as `/metrics` has it, and the rules of its rooms."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fanout.core.principal import EVERY_ROOM, Action
from fanout.core.room import Mode
from fanout.web.answers import resource
from fanout.web.frame import Frame, Markup, filled
from fanout.web.language import language_for
from fanout.web.session import Sessions
from fanout.web.staff_pages import NOBODY_ELSE, may, me, sign_in_page
from fanout.web.texts import TEXTS
from fanout.web.texts_operate import OPERATE_TEXTS
from fanout.web.texts_staff import STAFF_TEXTS

_OPERATE: Final = """<div class="bar">
<h1>{operate}</h1>
<p class="line" id="line" role="status">{connecting}</p>
<p class="who">{who} <button type="button" class="link" id="sign-out">{sign_out}</button></p>
</div>
<p class="note no-script">{no_script}</p>
<p class="note told" id="drained" role="alert"></p>
<ul class="alarms" id="alarms" aria-label="{alarms}" aria-live="polite"></ul>
<p class="note told" id="told" role="alert"></p>
<section class="do" id="everywhere" aria-labelledby="every-room"><h2 id="every-room">{every_room}</h2></section>
<div class="plots" id="plots"></div>
<div class="tables">
<div class="scroll" tabindex="0" role="group" aria-label="{rooms}"><table id="rooms"><caption>{rooms}</caption>
<thead><tr>{room_heads}</tr></thead><tbody></tbody></table></div>
<div class="scroll" tabindex="0" role="group" aria-label="{plugins}" hidden><table id="plugins">
<caption>{plugins}</caption><thead><tr>{plugin_heads}</tr></thead><tbody></tbody></table></div>
<div class="scroll" tabindex="0" role="group" aria-label="{processes}"><table id="processes">
<caption>{processes}</caption><thead><tr>{process_heads}</tr></thead><tbody></tbody></table></div>
</div>
<section class="do" aria-labelledby="server"><h2 id="server">{server}</h2>{control}</section>
<dialog id="confirm" aria-labelledby="confirm-title"><h2 id="confirm-title"></h2><p></p>
<form method="dialog"><button value="no">{cancel}</button><button class="main" value="yes"></button></form></dialog>
<p class="note">{source} <a href="/metrics">/metrics</a></p>"""

_CONTROL: Final = """<button type="button" id="replace" hidden>{replace}</button>
<button type="button" class="grave" id="drain" disabled>{drain}</button>"""

_NO_CONTROL: Final = '<p class="note">{operators_only}</p>'


class OperatePage:
    """`/operate`."""

    def __init__(self, frame: Frame, sessions: Sessions) -> None:
        self._frame, self._sessions = frame, sessions

    def routes(self) -> list[Route]:
        return [resource("/operate", GET=self.show)]

    async def show(self, request: Request) -> Response:
        """`GET /operate`."""
        language = language_for(request)
        modes = {str(mode): TEXTS[language][str(mode)] for mode in Mode}
        texts = {**STAFF_TEXTS[language], **OPERATE_TEXTS[language], "modes": modes}
        principal = self._sessions.of(request)
        if not principal.may(Action.SET_RULES, EVERY_ROOM):
            return sign_in_page(self._frame, request, principal)
        operates = principal.may(Action.OPERATE, EVERY_ROOM)
        heads = {name: _heads(texts[name]) for name in ("room_heads", "plugin_heads", "process_heads")}
        main = filled(
            _OPERATE, texts, who=principal.name or texts["roles"][str(principal.role)], **heads,
            control=Markup(filled(_CONTROL if operates else _NO_CONTROL, texts)),
        )  # fmt: skip
        return self._frame.page(
            request, texts["operate"], Markup(main), script="operate.js", styles=("operate.css",), texts=texts,
            data={"may": may(principal, EVERY_ROOM), "me": me(principal)}, headers=NOBODY_ELSE,
        )  # fmt: skip


def _heads(names: list[Any]) -> Markup:
    return Markup("".join(filled('<th scope="col">{name}</th>', {}, name=name) for name in names))
