"""A room's window as a page of its own, for a frame on somebody else's site. It only reads, and sets no cookie."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fanout.engine.engine import Engine
from fanout.web.answers import resource
from fanout.web.frame import Markup, filled
from fanout.web.language import language_for
from fanout.web.room_page import first_view
from fanout.web.security import EMBEDDED_POLICY, EVERYWHERE
from fanout.web.static_files import StaticFiles
from fanout.web.talk_markup import exchanges
from fanout.web.texts import TEXTS

_PAGE: Final = """<!doctype html>
<html lang="{language}" data-theme="{theme}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="{icon}">
<link rel="stylesheet" href="{style}">
<link rel="stylesheet" href="{site}">
<script type="module" src="{script}"></script>
</head>
<body>
<main>
<h1>{title}</h1>
{window}
</main>
</body>
</html>
"""

_WINDOW: Final = """<fanout-window room="{room}" title="{title}" lang="{language}" theme="{theme}" accent="{accent}">
<p><a href="/rooms/{address}?lang={language}" target="_blank" rel="noopener">{title}</a></p>
<ol>{said}</ol>
</fanout-window>"""

_NO_ROOM: Final = """<p>{title}</p>
<p><a href="/?lang={language}" target="_blank" rel="noopener">{all_rooms}</a></p>"""

_COLOUR = re.compile(r"#?[0-9a-fA-F]{6}|[a-zA-Z]{3,20}")


class EmbedPage:
    """`/embed/{room}`."""

    def __init__(self, engine: Engine, static: StaticFiles) -> None:
        self._engine, self._static = engine, static

    def routes(self) -> list[Route]:
        return [resource("/embed/{room}", GET=self.show)]

    async def show(self, request: Request) -> Response:
        """`GET /embed/{room}?lang=&theme=&accent=`."""
        language = language_for(request)
        room = self._engine.rooms.get(request.path_params["room"])
        theme = request.query_params.get("theme", "")
        texts = {
            "language": language,
            "theme": theme if theme in ("light", "dark") else "auto",
            "style": self._static.address("embed.css"),
            "icon": self._static.address("icon.svg"),
            "site": self._static.address("site.css"),
            "script": self._static.address("window.js"),
        }
        if room is None:
            title = TEXTS[language]["no_room"]
            window = Markup(filled(_NO_ROOM, texts, title=title, all_rooms=TEXTS[language]["all_rooms"]))
        else:
            title = room.settings.title or room.name
            said = Markup(exchanges(await first_view(room), TEXTS[language]))
            window = Markup(
                filled(
                    _WINDOW, texts, room=room.name, title=title, address=quote(room.name, safe=""), said=said,
                    accent=_colour(request.query_params.get("accent", "")),
                )
            )  # fmt: skip
        headers = (*EVERYWHERE, EMBEDDED_POLICY, ("Content-Language", language), ("Vary", "Accept-Language"))
        page = filled(_PAGE, texts, title=title, window=window)
        return Response(
            page.encode(), 404 if room is None else 200, dict((*headers, ("Cache-Control", "no-cache"))), "text/html"
        )


def _colour(written: str) -> str:
    """A colour of the query, where a # is awkward to write; nothing else gets into the page."""
    if not _COLOUR.fullmatch(written):
        return ""
    return f"#{written}" if re.fullmatch(r"[0-9a-fA-F]{6}", written) else written
