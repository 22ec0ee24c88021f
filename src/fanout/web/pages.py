"""The first pages: the rooms, and one room as it happens. Shells that a small script fills; no build step, nothing
inline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fanout.engine.engine import Engine
from fanout.feed.statistics import EdgeStatistics
from fanout.web.answers import resource
from fanout.web.rooms_api import described
from fanout.web.security import EVERYWHERE, PAGE_POLICY
from fanout.web.static_files import StaticFiles
from fanout.web.texts import ON_THE_PAGE, TEXTS, language_of

USED: Final = ("page.css", "page.js", "icon.svg")

_SHELL: Final = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="{icon_svg}">
<link rel="stylesheet" href="{page_css}">
<script src="{page_js}" defer></script>
</head>
<body{attributes}>
<header><a href="/">fanout</a></header>
<main>
{main}
</main>
</body>
</html>
"""

_FIGURES: Final = """<dt>{median}</dt><dd data-figure="p50">&ndash;</dd>
<dt>{p99}</dt><dd data-figure="p99">&ndash;</dd>
<dt>{delivered}</dt><dd data-figure="count">&ndash;</dd>"""

_ROOMS: Final = (
    """<h1>{rooms}</h1>
<ul class="rooms">{list}</ul>
<dl class="figures">
<dt>{listeners}</dt><dd data-figure="listeners">{total}</dd>
"""
    + _FIGURES
    + "\n</dl>"
)

_ROOM_IN_LIST: Final = """<li data-room="{name}">
<a href="/rooms/{address}">{title}</a> <span class="mode">{mode}</span>
<span class="count"><b data-figure="listeners">{count}</b> {listeners}</span></li>
"""

_ROOM: Final = (
    """<div class="title">
<h1>{title}</h1>
<p class="state" role="status" id="state">{connecting}</p>
<button type="button" id="pause" aria-pressed="false">{pause}</button>
</div>
<p class="counts"><b id="listeners">{count}</b> {listeners} · <b id="messages">{seq}</b> {messages}</p>
<details id="figures"><summary>{figures}</summary><dl class="figures">
"""
    + _FIGURES
    + """
</dl></details>
<noscript><p>{needs_script} <a href="/v1/rooms/{address}/messages">/v1/rooms/{address}/messages</a></p></noscript>
<ol id="tail" role="log" aria-live="polite" aria-label="{messages}"></ol>"""
)


class Pages:
    """`/` and `/rooms/{room}`."""

    def __init__(self, engine: Engine, edge_statistics: Callable[[], EdgeStatistics], static: StaticFiles) -> None:
        self._engine, self._edge_statistics = engine, edge_statistics
        self._addresses = {name.replace(".", "_"): static.address(name) for name in USED}

    def routes(self) -> list[Route]:
        return [
            resource("/", GET=self.rooms),
            resource("/rooms/{room}", GET=self.room),
        ]

    async def rooms(self, request: Request) -> Response:
        """`GET /`."""
        language = language_of(request.headers.get("accept-language", ""))
        texts = TEXTS[language]
        statistics = self._edge_statistics()
        rooms = [described(self._engine.rooms[name], statistics) for name in sorted(self._engine.rooms)]
        listed = "".join(
            _filled(
                _ROOM_IN_LIST,
                texts,
                name=room["name"],
                address=quote(room["name"], safe=""),
                title=room["title"] or room["name"],
                mode=texts[room["mode"]],
                count=room["listeners"],
            )
            for room in rooms
        )
        total = sum(statistics.listeners.values())
        main = _filled(_ROOMS, texts, total=total).replace("{list}", listed or f"<li>{escape(texts['no_rooms'])}</li>")
        return self._page(language, texts["rooms"], main, {"page": "rooms"})

    async def room(self, request: Request) -> Response:
        """`GET /rooms/{room}`; a page that says so, with 404, when there is none."""
        language = language_of(request.headers.get("accept-language", ""))
        texts = TEXTS[language]
        room = self._engine.rooms.get(request.path_params["room"])
        if room is None:
            main = f'<h1>{escape(texts["no_room"])}</h1>\n<p><a href="/">{escape(texts["all_rooms"])}</a></p>'
            return self._page(language, texts["no_room"], main, {}, status=404)
        now = described(room, self._edge_statistics())
        title = now["title"] or now["name"]
        main = _filled(
            _ROOM, texts, title=title, address=quote(room.name, safe=""), count=now["listeners"], seq=room.position.seq
        )
        attributes = {"page": "room", "room": room.name} | {f"say-{key}": texts[key] for key in ON_THE_PAGE}
        return self._page(language, title, main, attributes)

    def _page(self, language: str, title: str, main: str, data: Mapping[str, str], status: int = 200) -> Response:
        attributes = "".join(f' data-{key.replace("_", "-")}="{escape(value)}"' for key, value in data.items())
        page = _SHELL.format(
            language=language, title=escape(title), attributes=attributes, main=main, **self._addresses
        )
        headers = (
            *EVERYWHERE,
            PAGE_POLICY,
            ("Content-Language", language),
            ("Vary", "Accept-Language"),
            ("Cache-Control", "no-cache"),
        )
        return Response(page.encode(), status, dict(headers), "text/html")


def _filled(template: str, texts: Mapping[str, str], **values: Any) -> str:
    """A template with everything in it escaped, our own words too; `{list}` stays for what is markup already."""
    escaped = {key: escape(str(value)) for key, value in (texts | values).items()}  # type: ignore[operator]
    return template.format(**escaped, list="{list}")
