"""Makes a recording of an event: everything that was said, asked and decided, and nothing that was in it.

What plug-ins and rooms decided is left out: a server decides on it anew. So are bans, rules, drafts, who listened, and
whatever was refused at once, which no log has.
"""

from __future__ import annotations

import hashlib
import heapq
import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, Final

import msgspec

from fanout.core.message import Entry, Message, Retraction
from fanout.core.principal import Role
from fanout.core.room import Mode, RoomSettings
from fanout.core.submission import Source, Step
from fanout.errors import ConfigurationError
from fanout.rehearsal.recording.acts import (
    VERSION,
    Act,
    Ask,
    Decide,
    End,
    Head,
    Line,
    Say,
    Shape,
    TakeBack,
    written,
)
from fanout.rehearsal.recording.made_up import DATA_MARK_BYTES, MARK_BYTES, shape_of
from fanout.rehearsal.recording.sources import Noted, Sources

PLAYED: Final = frozenset(step.value for step in Step) - {Step.ANSWER, Step.RETRACT}
"""Steps of the desk. What these two do is in the log: lines, and retractions."""

PURGED: Final = Shape(80)
"""In place of a text that a purge took: an SMS of half the usual length, for nobody knows any more."""

_ROLES: Final = frozenset(Role)

_ROLE: Final = re.compile(rf"(?:^|.* \()({'|'.join(Role)})\)?", re.DOTALL)
"""At the end of a signature (`fanout.moderation.people.signed`)."""

TELLS_EVERY: Final = 50_000
"""Rows between two lines of progress: a second or two."""


@dataclass(slots=True)
class Recorded:
    """What became of it. `began` is in milliseconds since 1970, UTC; `counts` by kind of act; `asked` by room."""

    rooms: list[RoomSettings]
    began: int = 0
    seconds: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    writers: set[int] = field(default_factory=set)
    unknown: int = 0
    """Who wrote on the web; and how often it was somebody of whom nothing is known."""
    purged: int = 0
    left_out: int = 0
    timed: int = 0
    """Acts whose text is long enough to carry a time (and so to be timed) to those who listen."""
    silent: float = 0.0
    """The longest silence, in seconds."""
    silence: float = 0.0
    """Seconds that were cut out of silences."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What of it is wanted: from `since` to before `until` (milliseconds since 1970, UTC), and no silence longer than
    so many seconds."""

    since: int = 0
    until: int = 2**62
    longest_silence: float = float("inf")


class Recorder:
    """Makes the acts of one directory."""

    def __init__(self, sources: Sources, choice: Choice, tell: Callable[[str], None]) -> None:
        self._sources, self._choice, self._tell = sources, choice, tell
        self.done = Recorded(list(sources.rooms.values()))
        self._room = {name: number for number, name in enumerate(sources.rooms)}
        self._key = secrets.token_bytes(32)  # forgotten with us: nobody can try out what was said
        self._named = sources.named_messages()
        self._answers = sources.answered_by()
        self._decided = set(self._answers.values())
        for noted in sources.decisions():
            self._decided |= {noted.submission, noted.detail.get("into", noted.submission)}
        self._submissions: set[int] = set()
        self._messages: set[int] = set()

    def write(self, output: BinaryIO) -> Recorded:
        """Write the recording.

        Raises:
            ConfigurationError: There is nothing to be recorded.
        """
        done, at = self.done, 0
        for act in self._shortened(self._chosen()):
            if not done.counts:
                done.began = act.at
                opened = tuple(room.name for room in done.rooms if room.mode is Mode.OPEN)
                output.write(written(Head(VERSION, done.began, tuple(self._room), opened)))
            at = act.at = max(at, act.at - done.began)  # a damaged index may turn them around
            output.write(written(act))
            self._count(act)
        if not done.counts:
            raise ConfigurationError("DATA", "nothing was said, asked or decided there in that time.")
        done.seconds = at / 1000
        ended = done.began + at + int(done.silence * 1000)
        output.write(written(End(at, ended, done.counts.total(), self._sources.people())))
        return done

    def _count(self, act: Act) -> None:
        done, kind = self.done, type(act).__name__.lower()
        if isinstance(act, Decide):
            kind = act.action.value
        elif isinstance(act, Ask):
            room = done.rooms[act.room]
            done.asked[room.name] += 1
            kind = "chat" if room.mode is Mode.OPEN else act.source.value
            if act.source is Source.WEB:
                done.writers |= {act.person} - {0}
                done.unknown += not act.person
        done.counts[kind] += 1
        if isinstance(act, Say) and act.data > DATA_MARK_BYTES:
            done.timed += 1
        elif isinstance(act, Say | Line | Ask) and (kind == "chat" or not isinstance(act, Ask)):
            done.timed += act.text.one > MARK_BYTES

    def _chosen(self) -> Iterator[Act]:
        told, total = 0, self._sources.count()
        streams = (self._asks(), self._decisions(), self._log())
        early: dict[int, list[Decide | Line]] = {}
        for number, act in enumerate(heapq.merge(*streams, key=lambda act: act.at)):
            if number - told >= TELLS_EVERY:
                told = number
                self._tell(f"  {number:,} acts of about {total:,} rows")
            if not self._choice.since <= act.at < self._choice.until:
                continue
            if isinstance(act, Decide | Line) and act.submission not in self._submissions:
                # An SMS has the time of its gateway, whose clock may be ahead of ours.
                early.setdefault(act.submission, []).append(act)
                continue
            if isinstance(act, TakeBack) and act.message not in self._messages:
                self.done.left_out += 1
                continue
            at = act.at  # whoever gets it may move it
            yield self._remembered(act)
            if isinstance(act, Ask):
                for waiting in early.pop(act.submission, ()):
                    waiting.at = at
                    yield self._remembered(waiting)
        self.done.left_out += sum(map(len, early.values()))

    def _remembered(self, act: Act) -> Act:
        """The same, known from now on to what refers to it."""
        if isinstance(act, Ask) and act.submission:
            self._submissions.add(act.submission)
        if isinstance(act, Say) and act.re not in self._messages:
            act.re = 0
        if not isinstance(act, TakeBack) and act.message:
            self._messages.add(act.message)
        return act

    def _shortened(self, acts: Iterable[Act]) -> Iterator[Act]:
        before, shift, longest = None, 0, self._choice.longest_silence * 1000
        for act in acts:
            silence = act.at - (act.at if before is None else before)
            self.done.silent = max(self.done.silent, silence / 1000)
            if silence > longest:
                shift += silence - int(longest)
            before = act.at
            act.at -= shift
            yield act
            self.done.silence = shift / 1000

    # --- each kind ----------------------------------------------------------------------------------------------------

    def _asks(self) -> Iterator[Ask]:
        for submission, person in self._sources.submissions():
            if submission.room not in self._room:
                continue
            text = submission.text if submission.original is None else submission.original
            shape = shape_of(text)
            if not text and not submission.person and not submission.source_id:
                shape = PURGED
                self.done.purged += 1
            source = Source.API if submission.source is Source.IMPORT else submission.source
            number = submission.number if submission.id in self._decided else 0
            is_open = self._sources.rooms[submission.room].mode is Mode.OPEN
            message = self._message(submission.room, submission.message) if is_open else 0
            yield Ask(
                submission.at, self._room[submission.room], source, person, len(submission.name.encode()), shape,
                self._words(text or submission.id), number, message,
            )  # fmt: skip

    def _words(self, text: str) -> int:
        """The same number for the same text, from which nobody finds the text again."""
        return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6, key=self._key).digest(), "big")

    def _message(self, room: str, named: str | None) -> int:
        """The number of a message that something refers to; 0 of any other."""
        return self._sources.message_number(room, named) if named and named in self._named else 0

    def _decisions(self) -> Iterator[Decide]:
        latest = 0
        for noted in self._sources.decisions():
            latest = max(latest, noted.at)  # a clock may be put back
            if noted.action in PLAYED and (decided := self._decision(noted, latest)) is not None:
                yield decided

    def _decision(self, noted: Noted, at: int) -> Decide | None:
        submission = self._sources.submission(noted.submission)
        step, found = Step(noted.action), _ROLE.fullmatch(noted.by)
        role = Role.VISITOR.value if step is Step.WITHDRAW else found[1] if found else ""
        if submission is None or not role:
            return None
        into = self._sources.submission(noted.detail.get("into", "")) if step is Step.MERGE else None
        message = noted.detail.get("message") if step is Step.AIR else None
        return Decide(
            at, submission.number, step, role, shape_of(submission.text) if step is Step.EDIT else Shape(),
            into.number if into is not None else 0,
            self._message(submission.room, message),
        )  # fmt: skip

    def _log(self) -> Iterator[Act]:
        latest = 0
        for number, size, entry in self._sources.entries():
            latest = max(latest, entry.at)
            act = self._of_entry(number, size, entry, latest)
            if act is not None:
                yield act

    def _of_entry(self, number: int, size: int, entry: Entry, at: int) -> Act | None:
        if isinstance(entry, Retraction):
            return TakeBack(at, self._room[entry.room], self._message(entry.room, entry.target))
        if self._sources.was_submitted(entry):
            return None  # it is asked, and somebody decides to air it
        named = number if entry.id in self._named else 0
        text, data = _sizes(entry, size)
        role = entry.author.role if entry.author.role in _ROLES else ""  # in the library it may be any word
        answered = self._answers.get(entry.id)
        submission = self._sources.submission(answered) if answered else None
        if submission is not None:
            return Line(at, submission.number, role, text, named)
        said = (at, self._room[entry.room], entry.kind, role, text, data, named)
        return Say(*said, self._message(entry.room, entry.re))


def _sizes(message: Message, size: int) -> tuple[Shape, int]:
    """The shape of its text, and the bytes of its data. Of what was taken back only the bytes of all are known."""
    if message.retracted:
        return Shape(max(1, size - len('["","",null]'))), 0
    return shape_of(message.text), 0 if message.data is None else len(msgspec.json.encode(message.data))
