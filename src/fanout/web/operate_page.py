"""The operator's page: the whole server as `/metrics` has it, and the rules of its rooms."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fanout.core.principal import EVERY_ROOM, Action
from fanout.web.answers import resource
from fanout.web.frame import Frame, Markup, filled
from fanout.web.language import language_for
from fanout.web.session import Sessions
from fanout.web.staff_pages import NOBODY_ELSE, sign_in_page
from fanout.web.texts_operate import OPERATE_TEXTS
from fanout.web.texts_staff import STAFF_TEXTS

_OPERATE: Final = """<div class="bar">
<h1>{operate}</h1>
<p class="line" id="line" role="status">{connecting}</p>
<p class="who">{who} <button type="button" class="link" id="sign-out">{sign_out}</button></p>
</div>
<div class="plots" id="plots"></div>
<div class="scroll" tabindex="0" role="group" aria-label="{rooms}"><table id="rooms"><caption>{rooms}</caption>
<thead><tr>{room_heads}</tr></thead><tbody></tbody></table></div>
<div class="scroll" tabindex="0" role="group" aria-label="{plugins}"><table id="plugins" hidden>
<caption>{plugins}</caption><thead><tr>{plugin_heads}</tr></thead><tbody></tbody></table></div>
<p class="note" id="told" role="alert"></p>
<p class="note">{source} <a href="/metrics">/metrics</a></p>"""


class OperatePage:
    """`/operate`."""

    def __init__(self, frame: Frame, sessions: Sessions) -> None:
        self._frame, self._sessions = frame, sessions

    def routes(self) -> list[Route]:
        return [resource("/operate", GET=self.show)]

    async def show(self, request: Request) -> Response:
        """`GET /operate`."""
        language = language_for(request)
        texts = {**STAFF_TEXTS[language], **OPERATE_TEXTS[language]}
        principal = self._sessions.of(request)
        if not principal.may(Action.SET_RULES, EVERY_ROOM):
            return sign_in_page(self._frame, language, principal)
        main = filled(
            _OPERATE, texts, who=principal.name or str(principal.role),
            room_heads=_heads(texts["room_heads"]), plugin_heads=_heads(texts["plugin_heads"]),
        )  # fmt: skip
        return self._frame.page(
            language, texts["operate"], Markup(main), script="operate.js", styles=("operate.css",), texts=texts,
            headers=NOBODY_ELSE,
        )  # fmt: skip


def _heads(names: list[Any]) -> Markup:
    return Markup("".join(filled('<th scope="col">{name}</th>', {}, name=name) for name in names))
