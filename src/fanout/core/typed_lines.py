"""What is being typed, as listeners see it: not on air and in no log, only the newest state, and soon forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

TYPING_SENDS_PER_SECOND: Final = 10_000
"""What telling it may cost one edge: at 5.6 µs a listener (CPU time, Python 3.11) a twentieth of a core. With more
listeners they are told less often, so that typing never weighs on messages."""

MAX_TYPED_LINES: Final = 4
"""Lines of one room that are shown at a time: a guest and scribes, who seldom type together."""

MAX_TYPED_CHARACTERS: Final = 500
"""Of a longer line the end is shown: it is what is being written."""

FORGOTTEN_AFTER_SECONDS: Final = 20.0
"""Without a keystroke: whoever typed thinks of something else, or their machine is gone."""

REPEATED_AFTER_SECONDS: Final = 10.0
"""What stays as it is is told again, for those who have come since; a client forgets what it has not heard for 30 s."""


class Shown(StrEnum):
    """What listeners of a room see while an answer is typed."""

    NOTHING = "nothing"
    WHO = "who"
    """That somebody is typing, and who."""
    TEXT = "text"
    """Also what they have typed so far."""


@dataclass(frozen=True, slots=True)
class TypedLine:
    """A line that is being typed. `re` is the id of the question's message; `text` None: only who is typing."""

    re: str
    name: str
    role: str
    text: str | None = None


def typed_text(text: str) -> str:
    """As much of a line as is shown while it is typed."""
    return text if len(text) <= MAX_TYPED_CHARACTERS else "…" + text[1 - MAX_TYPED_CHARACTERS :]


def typing_interval_seconds(told: int) -> float:
    """The least time between two rounds of an edge, the first of which told so many listeners."""
    return max(1.0, told / TYPING_SENDS_PER_SECOND)


class Typing:
    """What is being typed in one room. A line is known by its question and its id; times are in seconds."""

    __slots__ = ("_lines", "_written")

    def __init__(self) -> None:
        self._lines: dict[tuple[str, str], TypedLine] = {}
        self._written: dict[tuple[str, str], float] = {}

    @property
    def lines(self) -> tuple[TypedLine, ...]:
        """In the order in which they were begun."""
        return tuple(self._lines.values())

    def write(self, question: str, line: str, typed: TypedLine, now: float) -> bool:
        """It stands so now. Whether that is anything new to those who see it."""
        key = (question, line)
        before = self._lines.get(key)
        self._lines[key] = typed
        self._written[key] = now
        if len(self._lines) > MAX_TYPED_LINES:
            self._drop(min(self._written, key=self._written.__getitem__))
        return typed != before

    def end(self, question: str, line: str | None = None) -> bool:
        """This line is typed no more (None: no line of the question is). Whether one was."""
        return self._drop(*(key for key in self._lines if key[0] == question and line in (None, key[1])))

    def forget(self, now: float) -> bool:
        """Drop what nobody has typed at for a while. Whether there was anything."""
        return self._drop(*(key for key, at in self._written.items() if now - at >= FORGOTTEN_AFTER_SECONDS))

    def _drop(self, *keys: tuple[str, str]) -> bool:
        for key in keys:
            del self._lines[key], self._written[key]
        return bool(keys)


class TypingNews:
    """What an edge has yet to tell a room's listeners: the newest state, whatever there was between."""

    __slots__ = ("_news", "_seen")

    def __init__(self) -> None:
        self._news: tuple[TypedLine, ...] | None = None
        self._seen = False

    def hear(self, lines: tuple[TypedLine, ...]) -> None:
        """This is being typed now."""
        self._news = lines

    @property
    def heard(self) -> bool:
        """Whether there is something that was not taken: what was taken before is old."""
        return self._news is not None

    def take(self) -> tuple[TypedLine, ...] | None:
        """What is to be told, once; None where there is nothing, or where nobody has seen what is gone again."""
        news, self._news = self._news, None
        if news is None or not (news or self._seen):
            return None
        self._seen = bool(news)
        return news
