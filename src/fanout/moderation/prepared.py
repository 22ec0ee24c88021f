"""Answers written ahead to questions that are likely to come, and found by a few letters when they do."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from unicodedata import category, normalize

import trio

from fanout.core.audit import AuditDraft
from fanout.core.principal import Action, Principal
from fanout.core.room import room_name
from fanout.core.say import Say, checked
from fanout.core.submitted_text import fault_in, is_visible
from fanout.errors import InvalidInput, RecordNotFound
from fanout.moderation.people import signature
from fanout.moderation.ports import Document, Kind, Store

MAX_PREPARED_ANSWERS: Final = 1000
"""Prepared answers of one room: an evening takes fifty. Every search looks through all. Beyond:
`too_many_prepared_answers`."""

MAX_PREPARED_TITLE_CHARACTERS: Final = 200
"""Characters of a title: the question as one expects it."""

MAX_SEARCH_CHARACTERS: Final = 200
"""Characters of a search; more are cut off."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)
_WORD = re.compile(r"[^\W_]+")
_LIGATURES: Final = str.maketrans({"œ": "oe", "æ": "ae"})


@dataclass(frozen=True, slots=True)
class PreparedAnswer:
    """One answer written ahead. `at` is in milliseconds since 1970, UTC: when it was last written."""

    room: str
    id: str
    title: str
    text: str
    by: str
    at: int


class PreparedAnswers:
    """The prepared answers of all rooms. `load` comes first.

    Args:
        clock: Milliseconds since 1970, UTC.
    """

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock
        self._answers: defaultdict[str, dict[str, PreparedAnswer]] = defaultdict(dict)
        self._words: dict[tuple[str, str], frozenset[str]] = {}
        self._changing = trio.Lock()

    async def load(self) -> None:
        """Take up what the store has.

        Raises:
            StoreUnavailable: It can't be read now.
        """
        for document in await self._store.documents(Kind.PREPARED_ANSWER):
            if document.body is not None:
                self._take(PreparedAnswer(room=document.room, id=document.id, **document.body))

    async def save(self, principal: Principal, room: str, id: str, text: str, *, title: str = "") -> PreparedAnswer:
        """Keep an answer under this id, in place of the one that was there; return once it is durable.

        Raises:
            NotAllowed: This role or token may not.
            InvalidInput: `bad_id`, `bad_title`, `title_too_long`, `too_many_prepared_answers`, `bad_room_name`, or what
                `fanout.core.say.checked` says of a text.
            StoreUnavailable: Nothing was changed.
        Cancellation: once the store has begun, it is kept.
        """
        principal.check(Action.PREPARE, room_name(room))
        answer = PreparedAnswer(room, _id(id), _title(title), _text(text), signature(principal), self._clock())
        async with self._changing:
            if id not in self._answers[room] and len(self._answers[room]) >= MAX_PREPARED_ANSWERS:
                raise InvalidInput(
                    f"A room has at most {MAX_PREPARED_ANSWERS} prepared answers.", code="too_many_prepared_answers"
                )
            body = {"title": answer.title, "text": answer.text, "by": answer.by, "at": answer.at}
            await self._keep(
                Document(Kind.PREPARED_ANSWER, room, id, body), self._audited(principal, "prepare", room, id)
            )
            self._take(answer)
        return answer

    async def delete(self, principal: Principal, room: str, id: str) -> None:
        """Throw an answer away; return once that is durable.

        Raises:
            NotAllowed: This role or token may not.
            RecordNotFound: `prepared_answer_not_found`.
            StoreUnavailable: It is still there.
        Cancellation: as `save`.
        """
        principal.check(Action.PREPARE, room)
        async with self._changing:
            self._found(room, id)
            document = Document(Kind.PREPARED_ANSWER, room, id, None)
            await self._keep(document, self._audited(principal, "drop_prepared", room, id))
            del self._answers[room][id], self._words[room, id]

    def get(self, principal: Principal, room: str, id: str) -> PreparedAnswer:
        """The answer of that id.

        Raises:
            NotAllowed: This role or token does not see the stage.
            RecordNotFound: `prepared_answer_not_found`.
        """
        principal.check(Action.SEE_STAGE, room)
        return self._found(room, id)

    def search(self, principal: Principal, room: str, words: str = "") -> list[PreparedAnswer]:
        """Answers with all of these words, or words that begin so, in title or text; case and accents aside.

        By id; without words, all of the room.

        Raises:
            NotAllowed: This role or token does not see the stage.
        """
        principal.check(Action.SEE_STAGE, room)
        wanted = _folded(words[:MAX_SEARCH_CHARACTERS])
        answers = self._answers.get(room, {})
        return [
            answers[id]
            for id in sorted(answers)
            if all(any(word.startswith(begin) for word in self._words[room, id]) for begin in wanted)
        ]

    def _found(self, room: str, id: str) -> PreparedAnswer:
        answer = self._answers.get(room, {}).get(id)
        if answer is None:
            raise RecordNotFound("There is no prepared answer of that id.", code="prepared_answer_not_found")
        return answer

    def _take(self, answer: PreparedAnswer) -> None:
        self._answers[answer.room][answer.id] = answer
        self._words[answer.room, answer.id] = _folded(f"{answer.title} {answer.text}")

    async def _keep(self, document: Document, audit: AuditDraft) -> None:
        with trio.CancelScope(shield=True):  # or the store might have it and memory not
            await self._store.put([document], [audit])

    def _audited(self, principal: Principal, action: str, room: str, id: str) -> AuditDraft:
        return AuditDraft(self._clock(), signature(principal), action, room=room, subject=id)


def _folded(text: str) -> frozenset[str]:
    bare = "".join(letter for letter in normalize("NFKD", text) if category(letter) != "Mn")
    return frozenset(_WORD.findall(bare.casefold().translate(_LIGATURES)))


def _id(written: str) -> str:
    if not isinstance(written, str) or not _ID.fullmatch(written):
        raise InvalidInput("A prepared answer's id has 1 to 32 letters, digits, hyphens or underscores.", code="bad_id")
    return written


def _title(written: str) -> str:
    title = " ".join(written.split()) if isinstance(written, str) else None
    if title is None or (fault := fault_in(title)):
        raise InvalidInput(f"title has {fault}." if title else "title is a string.", code="bad_title")
    if len(title) > MAX_PREPARED_TITLE_CHARACTERS:
        raise InvalidInput(f"A title has at most {MAX_PREPARED_TITLE_CHARACTERS} characters.", code="title_too_long")
    return title


def _text(written: str) -> str:
    checked([Say(written)])
    if not is_visible(written):
        raise InvalidInput("text is empty.", code="text_empty")
    return written
