"""What was said in a room, as markup: the first view of pages, and all of it for who has no script.

The scripts write the same elements (`talk.js`); a test compares them.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from fanout.core.message import Entry, Message, iso_time
from fanout.moderation.transcript.content import Exchange, Line, View, exchanges_of
from fanout.web.language import Texts, clock, moment


def exchanges(entries: Iterable[Entry], texts: Texts) -> str:
    """The exchanges of these entries, the newest first."""
    found = exchanges_of([entry for entry in entries if not _unseen(entry)], View.PUBLIC)
    return "".join(_exchange(one, texts) for one in reversed(found))


def lines(entries: Iterable[Entry], texts: Texts) -> str:
    """The messages of a chat, oldest first; each stands alone."""
    found = exchanges_of([entry for entry in entries if not _unseen(entry)], View.PUBLIC)
    return "".join(_exchange(Exchange(None, line), texts) for one in found for line in (one.lead, *one.replies))


def _unseen(entry: Entry) -> bool:
    return isinstance(entry, Message) and not entry.text and not entry.retracted


def _exchange(exchange: Exchange, texts: Texts) -> str:
    all_lines = (exchange.lead, *exchange.replies)
    said = "".join(_said(line, before, texts) for before, line in zip((None, *all_lines), all_lines, strict=False))
    return f'<li class="exchange" data-id="{escape(exchange.lead.id)}">{said}</li>\n'


def _said(line: Line, before: Line | None, texts: Texts) -> str:
    kind: Any = texts["kinds"].get(line.kind, "")
    by = f'<strong dir="auto">{escape(line.author.name)}</strong>' if line.author.name else ""
    what = f'<span class="kind">{escape(kind)}</span>' if kind else ""
    corrected = f'<span class="corrected">{escape(texts["corrected"])}</span>' if line.corrected_at else ""
    time = f'<time datetime="{iso_time(line.at)}">{clock(moment(line.at))}</time>'
    # An answer that goes on where the same person's stops needs no second name.
    same = before is not None and before.kind == line.kind == "answer" and before.author.name == line.author.name
    gone = line.retracted_at is not None
    text = texts["retracted"] if gone else line.text
    name = f"said{' gone' if gone else ''}{' same' if same else ''}"
    return (
        f'<article class="{name}" data-id="{escape(line.id)}" data-kind="{escape(line.kind)}">'
        f'<p class="by">{by}{what}{corrected}{time}</p><p class="text" dir="auto">{escape(text)}</p></article>'
    )
