"""What visitors see of an answer before it is on air: who is typing, or the text too, as the room's rule says.

It is kept nowhere, and ends before the line is published: what is told afterwards can't be older than what is on air.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Final

import trio

from fanout.core.answer_line import AnswerLine
from fanout.core.room import reached_from
from fanout.core.submission import State
from fanout.core.typed_lines import REPEATED_AFTER_SECONDS, Shown, TypedLine, Typing, typed_text
from fanout.engine.engine import Engine
from fanout.moderation.changes import Change
from fanout.moderation.rules import RoomRules, Rules

Typed = Callable[[str, tuple[TypedLine, ...]], None]
"""In this room this is being typed now, and nothing else."""

LOOK_SECONDS: Final = 1.0
"""Between two looks for what nobody types at any more."""

ON_AIR: Final = frozenset({State.AIRED, State.ANSWERED})


class LiveTyping:
    """Hears of drafts and tells the rooms that they reach. `run` has to run, or what is left lying stays."""

    def __init__(self, engine: Engine, rules: Rules) -> None:
        self._engine = engine
        self._rules = rules
        self._rooms: defaultdict[str, Typing] = defaultdict(Typing)
        """By the room of the question."""
        self._hearing: list[Typed] = []

    def shown(self, line: AnswerLine) -> Shown:
        """What visitors see of this draft."""
        return self._rules.of(line.room).typing if line.re and not line.final else Shown.NOTHING

    def watch(self, hear: Typed) -> Callable[[], None]:
        """Have `hear` called whenever it is something else that is typed in a room, and now and then when it is not;
        return what ends that. It is called in the event loop; it must be quick and must not raise."""
        self._hearing.append(hear)
        return lambda: self._hearing.remove(hear)

    def drafted(self, line: AnswerLine) -> None:
        """A line stands so: a draft, an empty one that was taken back, or one that is final."""
        if not line.submission:
            return
        shown = self.shown(line)
        if shown is Shown.NOTHING or not line.text:
            if self._rooms[line.room].end(line.submission, line.id):
                self._tell(line.room)
            return
        text = typed_text(line.text) if shown is Shown.TEXT else None
        typed = TypedLine(line.re, line.name, line.role, text)
        if self._rooms[line.room].write(line.submission, line.id, typed, trio.current_time()):
            self._tell(line.room)

    def changed(self, change: Change) -> None:
        """A question may be off the air."""
        question = change.submission
        if (
            question.state not in ON_AIR
            and question.room in self._rooms
            and self._rooms[question.room].end(question.id)
        ):
            self._tell(question.room)

    def ruled(self, room: str, rules: RoomRules) -> None:
        """A room has other rules: what is typed next is shown as they say."""
        if self._rooms.pop(room, None):
            self._tell(room)

    async def run(self) -> None:
        """Forget what nobody types at any more, and repeat the rest, for ever."""
        repeated = trio.current_time()
        while True:
            await trio.sleep(LOOK_SECONDS)
            now = trio.current_time()
            repeat = now - repeated >= REPEATED_AFTER_SECONDS
            if repeat:
                repeated = now
            for room, typing in list(self._rooms.items()):
                if typing.forget(now) or repeat:
                    self._tell(room)
                if not typing.lines:
                    del self._rooms[room]

    def _tell(self, source: str) -> None:
        """Tell every room in which what is answered here is heard, all that is typed for it."""
        settings = {name: room.settings for name, room in self._engine.rooms.items()}
        reached = {room: reached_from(room, settings) for room in {source, *self._rooms}}
        for target in reached[source]:
            lines = tuple(
                line for room, typing in self._rooms.items() if target in reached[room] for line in typing.lines
            )
            for hear in self._hearing:
                hear(target, lines)
