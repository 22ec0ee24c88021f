"""The visitor's page of one room: what was said, ready to be read, and the places where a script adds what comes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fanout.core.room import Mode
from fanout.engine.engine import Engine
from fanout.engine.room import Room
from fanout.web.answers import resource
from fanout.web.frame import Frame, Markup, filled
from fanout.web.language import Texts, counted, day_and_time, language_for
from fanout.web.programme import Phase, Programme
from fanout.web.talk_markup import exchanges, lines
from fanout.web.texts import TEXTS, said_by_scripts

FIRST_VIEW: Final = 200
"""Entries of a room that its page begins with: an hour of questions and answers, or the last minutes of a chat."""

_MAIN: Final = """<div class="room{wide}">
<section class="stage" aria-labelledby="title">
<div class="title">
<h1 id="title" dir="auto">{title}</h1>
<p class="now"><span class="state" id="state" role="status"></span><span id="people">{people}</span></p>
</div>
{slate}
{transcript_above}
<p class="note no-script">{needs_script}</p>
<p class="behind" id="behind" hidden><button type="button"></button></p>
{talk}
{transcript_below}
</section>
{side}
</div>
{dock}<div class="unseen" id="announcer" aria-live="polite"></div>"""

_MORE: Final = (
    """<p class="more"{hidden}><a href="/v1/rooms/{address}/transcript?language={language}">{transcript}</a></p>"""
)

_SLATE: Final = """<section class="slate" id="slate" aria-live="polite"{hidden}>
<h2>{slate_title}</h2><p class="countdown" role="timer" aria-live="off"></p><p>{slate_note}</p>
</section>"""

_TALK: Final = """<p class="empty" id="empty"{hidden}>{empty}</p>
<ol class="talk" id="talk" aria-label="{stage_title}">
{said}</ol>"""

_ENTER: Final = """<section class="card take-part" id="take-part" hidden>
<form id="enter"><h2>{enter_title}</h2>
<label for="name">{enter_name}</label>
<div class="row"><input id="name" name="name" maxlength="40" autocomplete="nickname" required dir="auto">
<button class="main">{enter_button}</button></div>
<p class="note">{enter_why}</p>
<p class="note refusal" role="alert"></p></form>
<p class="entered" id="entered" hidden><span></span> <button type="button" class="link">{rename}</button></p>
</section>"""

_ASK: Final = """<section class="card ask" id="ask" aria-labelledby="ask-title" hidden>
<h2 id="ask-title">{ask_title}</h2>
<form id="question"><label for="question-text" class="unseen">{ask_label}</label>
<textarea id="question-text" rows="3" maxlength="1000" required dir="auto" placeholder="{ask_label}…"></textarea>
<p class="note">{ask_note}</p>
<button class="main">{ask_button}</button>
<p class="note refusal" role="alert"></p></form>
<div class="mine" hidden><h3>{mine_title}</h3><ol id="mine" aria-live="polite"></ol></div>
</section>"""

_CHAT: Final = """<section class="card chat" id="chat" aria-labelledby="chat-title" data-room="{chat}">
<h2 id="chat-title">{chat_title}</h2>
<div class="window" tabindex="0" role="group" aria-labelledby="chat-title">
<ol class="lines" id="lines">
{said}</ol></div>
<p class="behind" hidden><button type="button"></button></p>
<form id="say" hidden><label for="say-text" class="unseen">{say_label}</label>
<div class="row"><input id="say-text" maxlength="500" required dir="auto" autocomplete="off" placeholder="{say_label}…">
<button class="main">{say_button}</button></div>
<p class="note refusal" role="alert"></p></form>
</section>"""


UNNAMED: Final = (("Vary", "Accept-Language, Cookie"),)
NAMED: Final = (*UNNAMED, ("Cache-Control", "private, no-cache"))
"""A page that has its visitor's name is nobody else's, whatever keeps copies on the way."""


@dataclass(frozen=True, slots=True)
class RoomNow:
    """A room, its chat, and what is known of both at one moment."""

    room: Room
    phase: Phase
    people: int
    chat: Room | None


class RoomPage:
    """`/rooms/{room}`.

    Args:
        people: How many are in a room now.
        name_of: The name that the visitor of a request is known by, empty if none; None where nothing is taken.
    """

    def __init__(
        self,
        engine: Engine,
        frame: Frame,
        programme: Programme,
        people: Callable[[str], Awaitable[int]],
        name_of: Callable[[Request], str] | None,
    ) -> None:
        self._engine, self._frame, self._programme = engine, frame, programme
        self._people, self._name_of = people, name_of

    def routes(self) -> list[Route]:
        return [resource("/rooms/{room}", GET=self.show)]

    async def show(self, request: Request) -> Response:
        """`GET /rooms/{room}`; a page that says so, with 404, when there is none."""
        language = language_for(request)
        room = self._engine.rooms.get(request.path_params["room"])
        if room is None:
            return no_such_room(self._frame, request)
        chat = room if room.settings.mode is Mode.OPEN else self._engine.rooms.get(self._chat_of(room.name))
        now = RoomNow(room, await self._programme.of(room), await self._people(room.name), chat)
        position = room.position
        chat_position = None if chat is None or chat is room else str(chat.position)
        main = await self._main(now, language)
        phase = now.phase
        name = self._name_of(request) if self._name_of else ""
        data = {
            "room": room.name,
            "title": room.settings.title or room.name,
            "position": str(position),
            "chat": None if chat is None else chat.name,
            "chat-position": chat_position,
            "phase": phase.name,
            "starts-at": phase.starts_at.isoformat() if phase.starts_at else None,
            "note": phase.note or None,
            "name": name or None,
            "takes": "yes" if self._name_of else None,
        }
        return self._frame.page(
            request, room.settings.title or room.name, main, script="room.js", styles=("room.css",), data=data,
            texts=said_by_scripts(language), headers=NAMED if name else UNNAMED,
        )  # fmt: skip

    def _chat_of(self, room: str) -> str:
        return self._frame.appearance.chats.get(room, "")

    async def _main(self, now: RoomNow, language: str) -> Markup:
        texts = TEXTS[language]
        room, chat = now.room, now.chat
        chatting = chat is room
        said = Markup("" if chatting else exchanges(await first_view(room), texts))
        talk = Markup("") if chatting else _filled(_TALK, texts, said=said, hidden=_hidden(said != ""))
        silent = room.position.seq == 0 if chatting else said == ""
        more = _filled(_MORE, texts, address=quote(room.name, safe=""), language=language, hidden=_hidden(silent))
        return _filled(
            _MAIN,
            texts,
            wide=Markup("" if chat or room.settings.mode is Mode.MODERATED else " alone"),
            title=room.settings.title or room.name,
            people=counted(language, texts["people"], max(1, now.people)),
            slate=slate(now.phase, language),
            talk=talk,
            transcript_above=more if now.phase.name == "after" else Markup(""),
            transcript_below=Markup("") if now.phase.name == "after" else more,
            side=await self._side(now, texts),
            dock=self._dock(now, texts),
        )

    def _dock(self, now: RoomNow, texts: Texts) -> Markup:
        """Where what is beside the talk on a desktop is far below it: the way there."""
        links = []
        if self._name_of and now.room.settings.mode is Mode.MODERATED:
            links.append(_link("take-part", texts["ask_title"]))
        if now.chat is not None and now.chat is not now.room:
            links.append(_link("chat", texts["chat_title"]))
        return Markup(f'<nav class="dock" aria-label="{texts["enter_title"]}">{"".join(links)}</nav>' if links else "")

    async def _side(self, now: RoomNow, texts: Texts) -> Markup:
        parts = []
        moderated = now.room.settings.mode is Mode.MODERATED
        # Also after the event, where the script hides them: staff may take it back that it is over.
        if self._name_of and (moderated or now.chat):
            parts.append(_filled(_ENTER, texts))
        if self._name_of and moderated:
            ahead = now.phase.name == "before"
            parts.append(_filled(_ASK, texts, ask_note=texts["ask_ahead" if ahead else "ask_why"]))
        if now.chat is not None:
            said = Markup(lines(await first_view(now.chat), texts))
            parts.append(_filled(_CHAT, texts, chat=now.chat.name, said=said))
        return Markup(f'<aside class="side">\n{"".join(parts)}\n</aside>' if parts else "")


def _link(place: str, text: str) -> str:
    return filled('<a href="#{place}">{text}</a>', {}, place=place, text=text)


def no_such_room(frame: Frame, request: Request) -> Response:
    """What is shown where there is none."""
    return way_back(frame, request, "no_room")


def way_back(frame: Frame, request: Request, missing: str, headers: Iterable[tuple[str, str]] = ()) -> Response:
    """The page in place of what is not there: the text called `missing`, and the way to the rooms."""
    language = language_for(request)
    texts = TEXTS[language]
    main = _filled(
        '<h1>{said}</h1>\n<p><a href="/?lang={language}">{all_rooms}</a></p>', texts, said=texts[missing],
        language=language,
    )  # fmt: skip
    return frame.page(request, texts[missing], main, status=404, headers=headers)


async def first_view(room: Room) -> list[Any]:
    """The newest entries of a room."""
    return await room.read(max(room.position.seq - FIRST_VIEW, room.extent.oldest - 1, 0), FIRST_VIEW)


def slate(phase: Phase, language: str) -> Markup:
    """What stands above the talk while nothing is said: before, in an incident, and after."""
    texts = TEXTS[language]
    title, note = texts["slate"].get(phase.name, ""), phase.note or texts["slate_text"].get(phase.name, "")
    if phase.name == "before" and phase.starts_at:
        due = phase.starts_at <= datetime.now(UTC)
        title = texts["slate"]["due" if due else "before_at"].replace("{when}", day_and_time(language, phase.starts_at))
    return _filled(_SLATE, texts, hidden=_hidden(phase.name == "live"), slate_title=title, slate_note=note)


def _filled(template: str, texts: Texts, **values: Any) -> Markup:
    return Markup(filled(template, texts, **values))


def _hidden(hidden: bool) -> Markup:
    return Markup(" hidden" if hidden else "")
