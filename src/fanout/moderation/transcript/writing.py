"""Writing a transcript down: what is in the log and in the store, in the form that is asked for."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from fanout.core.audit import AuditEntry
from fanout.core.limits import MAX_HISTORY_PAGE
from fanout.core.message import Entry
from fanout.engine.room import Room
from fanout.errors import InvalidInput
from fanout.moderation.ports import Query, Store
from fanout.moderation.transcript.content import Record, Stage, View, exchanges_of
from fanout.moderation.transcript.delimited import Delimited
from fanout.moderation.transcript.form import Form
from fanout.moderation.transcript.html_page import HtmlPage
from fanout.moderation.transcript.markdown import Markdown
from fanout.moderation.transcript.objects import Objects
from fanout.moderation.transcript.plain import Plain
from fanout.moderation.transcript.words import LANGUAGES


class TranscriptFormat(StrEnum):
    """The forms there are, each named as its files end."""

    HTML = "html"
    MARKDOWN = "md"
    JSON = "json"
    CSV = "csv"
    TEXT = "txt"

    @property
    def media_type(self) -> str:
        return FORMS[self].media_type

    @property
    def policy(self) -> str:
        return FORMS[self].policy


FORMS: Final[Mapping[TranscriptFormat, type[Form]]] = MappingProxyType(
    {TranscriptFormat(form.suffix): form for form in (HtmlPage, Markdown, Objects, Delimited, Plain)}
)

PAGE_SUBMISSIONS: Final = 500
"""Submissions read at a time for the internal view: some hundred KiB, and other readers get their turn between."""


def transcript_format(written: str) -> TranscriptFormat:
    """The format of that name.

    Raises:
        InvalidInput: `bad_format`.
    """
    try:
        return TranscriptFormat(written)
    except ValueError:
        raise InvalidInput(f"format is one of {', '.join(TranscriptFormat)}.", code="bad_format") from None


def transcript_view(written: str) -> View:
    """The view of that name.

    Raises:
        InvalidInput: `bad_view`.
    """
    try:
        return View(written)
    except ValueError:
        raise InvalidInput(f"view is one of {', '.join(View)}.", code="bad_view") from None


async def public_transcript(room: Room, format: TranscriptFormat, language: str = "en") -> bytes:
    """What was aired in this room until now, as finally corrected; nothing that was taken back and nobody's id.

    The same log gives the same bytes. Raises like `Room.history`; also `InvalidInput` `bad_language`. Cancelling is
    safe.
    """
    form = await _form(room, format, View.PUBLIC, language)
    return "".join([form.opening(), *map(form.exchange, form.stage.exchanges), form.closing()]).encode()


async def internal_transcript(
    room: Room, store: Store, format: TranscriptFormat, language: str = "en"
) -> AsyncGenerator[bytes]:
    """Everything about this room: what was aired, then every submission with its decisions, then the rest of the audit.

    Comes in pieces as it is read. Once nothing changes any more, the same log and store give the same bytes. Raises
    like `public_transcript`, and `StoreUnavailable`. Cancelling is safe.
    """
    form = await _form(room, format, View.INTERNAL, language)
    yield "".join([form.opening(), *map(form.exchange, form.stage.exchanges), form.queue()]).encode()
    by_subject = await _audit(store, room.name)
    query = Query(room=room.name, limit=PAGE_SUBMISSIONS)
    while page := await store.page(query):
        records = [Record(one, tuple(by_subject.pop(one.id, ()))) for one in page]
        yield "".join(map(form.record, records)).encode()
        query = Query(room=room.name, limit=PAGE_SUBMISSIONS, after=page[-1].number)
    rest = sorted((entry for entries in by_subject.values() for entry in entries), key=lambda entry: entry.number)
    yield "".join([form.audit(), *map(form.entry, rest), form.closing()]).encode()


async def _form(room: Room, format: TranscriptFormat, view: View, language: str) -> Form:
    if language not in LANGUAGES:
        raise InvalidInput(f"language is one of {', '.join(LANGUAGES)}.", code="bad_language")
    entries: list[Entry] = []
    cursor = room.extent.oldest - 1
    while page := await room.read(cursor, MAX_HISTORY_PAGE):  # to the very end: what takes back comes after the text
        entries += page
        cursor = page[-1].position.seq
    position = entries[-1].position if entries else room.position
    stage = Stage(room.name, room.settings.title, str(position), view, exchanges_of(entries, view))
    return FORMS[format](stage, language)


async def _audit(store: Store, room: str) -> dict[str, list[AuditEntry]]:
    """What the audit has of this room, by what it was done to."""
    by_subject: dict[str, list[AuditEntry]] = {}
    after = 0
    while page := await store.audit(after):
        for entry in page:
            if entry.draft.room == room:
                by_subject.setdefault(entry.draft.subject, []).append(entry)
        after = page[-1].number
    return by_subject
