"""The pages for everybody: the rooms, and each of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fanout.engine.engine import Engine
from fanout.feed.statistics import EdgeStatistics
from fanout.web.answers import resource
from fanout.web.appearance import Appearance
from fanout.web.embed_page import EmbedPage
from fanout.web.frame import Frame, Markup, filled
from fanout.web.language import counted, language_for
from fanout.web.operate_page import OperatePage
from fanout.web.programme import Programme
from fanout.web.room_page import RoomPage, way_back
from fanout.web.session import Sessions
from fanout.web.staff_pages import StaffPages
from fanout.web.static_files import StaticFiles
from fanout.web.texts import TEXTS, said_by_scripts

_ROOM: Final = """<li class="card" data-room="{name}">
<h2><a href="/rooms/{address}?lang={language}" dir="auto">{title}</a></h2>
<p><span class="mode">{mode}</span> <span class="count">{people}</span></p></li>
"""


class Pages:
    """`/` and what is below it for visitors.

    Args:
        name_of: As in `RoomPage`.
    """

    def __init__(
        self,
        engine: Engine,
        edge_statistics: Callable[[], Awaitable[EdgeStatistics]],
        appearance: Appearance,
        name_of: Callable[[Request], str] | None,
        sessions: Sessions,
        programme: Programme,
    ) -> None:
        self._engine, self._edge_statistics = engine, edge_statistics
        self._static = StaticFiles(appearance.files())
        self._frame = Frame(appearance, self._static, TEXTS)
        self._staff_pages = StaffPages(engine, self._frame, sessions)
        self._operate_page = OperatePage(self._frame, sessions)
        self._embed_page = EmbedPage(engine, self._static)
        self._room_page = RoomPage(engine, self._frame, programme, self._people, name_of)

    def routes(self) -> list[Route]:
        return [
            resource("/", GET=self.rooms),
            *self._room_page.routes(),
            *self._embed_page.routes(),
            *self._staff_pages.routes(),
            *self._operate_page.routes(),
            *self._static.routes(),
        ]

    async def rooms(self, request: Request) -> Response:
        """`GET /`."""
        language = language_for(request)
        texts = TEXTS[language]
        listed = []
        counts = (await self._edge_statistics()).rooms
        for name in sorted(self._engine.rooms):
            settings = self._engine.rooms[name].settings
            visitors = counts[name].visitors if name in counts else 0
            people = counted(language, texts["people"], visitors) if visitors else ""
            listed.append(
                filled(
                    _ROOM, {}, name=name, address=quote(name, safe=""), title=settings.title or name,
                    mode=texts[str(settings.mode)], people=people, language=language,
                )
            )  # fmt: skip
        main = filled(
            '<h1>{rooms}</h1>\n<ul class="rooms">\n{list}</ul>',
            {"rooms": texts["rooms"]},
            list=Markup("".join(listed) or filled("<li>{no_rooms}</li>", texts)),
        )
        return self._frame.page(request, texts["rooms"], main, script="rooms.js", texts=said_by_scripts(language))

    def nothing_here(self, request: Request) -> Response:
        """For a person who asks for an address that there is not."""
        return way_back(self._frame, request, "nothing_here", [("Vary", "Accept, Accept-Language")])

    async def _people(self, room: str) -> int:
        counts = (await self._edge_statistics()).rooms.get(room)
        return counts.visitors if counts else 0
