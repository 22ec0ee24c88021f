"""The lines of all answers, in memory and in the store, and the way of those that are final onto the air, in order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, Final

import trio

from fanout.core.answer_line import AnswerLine
from fanout.core.audit import AuditDraft
from fanout.core.message import Author, Message
from fanout.engine.engine import Engine
from fanout.moderation.ports import Document, Kind, Store

_KEYS: Final = "lines"
"""Whose keys they are on air: so no `Idempotency-Key` that somebody chooses stands in the way of an answer."""


class AnswerLines:
    """Every line, by the question or message that it belongs to. A line is final in the store before it is published,
    and is published under a key of its own: so it goes on air once, whatever happens in between.

    `load` comes first. Changes are made under `changing(room)`, which also keeps the order on air that of the calls.
    """

    def __init__(self, engine: Engine, store: Store) -> None:
        self._engine = engine
        self._store = store
        self._lines: dict[str, AnswerLine] = {}
        self._of: defaultdict[str, dict[str, None]] = defaultdict(dict)
        """The keys of a question's lines or a message's corrections, in the order of their making."""
        self._due: defaultdict[str, dict[str, None]] = defaultdict(dict)
        """By room, the keys of what is final and not known to be on air, in the order of the decisions."""
        self._locks: defaultdict[str, trio.Lock] = defaultdict(trio.Lock)

    async def load(self) -> None:
        """Take up what the store has."""
        lines = [
            _line(document.room, document.body)
            for document in await self._store.documents(Kind.ANSWER_LINE)
            if document.body is not None
        ]
        for line in lines:
            self._take(line)
        for line in sorted(lines, key=lambda line: line.at):
            if line.final and line.message is None:
                self._due[line.room][line.key] = None

    def changing(self, room: str) -> trio.Lock:
        """Held by whoever changes lines of this room: the first to ask is the first on air."""
        return self._locks[room]

    def get(self, key: str) -> AnswerLine | None:
        """The line of that key."""
        return self._lines.get(key)

    def of(self, submission: str) -> list[AnswerLine]:
        """The lines of a question's answer, in the order of their making."""
        return [self._lines[key] for key in self._of.get(submission, ())]

    def due(self, room: str) -> list[AnswerLine]:
        """What is final and not known to be on air, in the order of the decisions."""
        return [self._lines[key] for key in self._due[room]]

    @property
    def rooms_due(self) -> list[str]:
        """The rooms in which something is."""
        return [room for room, keys in self._due.items() if keys]

    async def keep(self, line: AnswerLine, audit: AuditDraft | None = None) -> None:
        """Keep a line as it stands now; durable when it returns. Not cancelled halfway.

        Raises:
            StoreUnavailable: Nothing was changed.
        """
        with trio.CancelScope(shield=True):  # or the store might have it and memory not
            await self._store.put([_document(line)], [audit] if audit is not None else [])
        self._take(line)
        if line.final and line.message is None:
            self._due[line.room][line.key] = None

    async def drop(self, line: AnswerLine) -> None:
        """Keep a draft no longer; durable when it returns. Not cancelled halfway.

        Raises:
            StoreUnavailable: Nothing was changed.
        """
        with trio.CancelScope(shield=True):
            await self._store.put([Document(Kind.ANSWER_LINE, line.room, line.key, None)])
        del self._lines[line.key], self._of[line.submission][line.key]

    async def publish(self, line: AnswerLine) -> Message:
        """Put a line on air, or find the message that it became when it was.

        Raises:
            LogUnavailable: It stays due.
            EngineClosed, RoomNotFound: So too.
        """
        author = Author(line.name, line.role)
        room = self._engine.room(line.room)
        return await room.publish(line.text, author=author, kind=line.kind, re=line.re, key=line.key, keys_of=_KEYS)

    async def aired(self, line: AnswerLine, message: Message) -> AnswerLine:
        """Keep that a line is on air; return it as it stands then.

        Raises:
            StoreUnavailable: It stays due.
        """
        await self.keep(replace(line, message=message.id))
        self._due[line.room].pop(line.key, None)
        return self._lines[line.key]

    def _take(self, line: AnswerLine) -> None:
        self._lines[line.key] = line
        self._of[line.submission or line.re][line.key] = None


def _document(line: AnswerLine) -> Document:
    return Document(Kind.ANSWER_LINE, line.room, line.key, asdict(line))


def _line(room: str, body: Mapping[str, Any]) -> AnswerLine:
    return AnswerLine(**{**body, "room": room})
