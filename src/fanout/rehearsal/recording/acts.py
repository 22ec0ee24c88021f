"""A recording's file: JSON lines, so that anybody can read what is in it. A head, the acts in order, and an end.

There are lengths in place of texts, and numbers in place of people. Times are in milliseconds since the first act.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta, Struct

from fanout.core.limits import MAX_KIND_CHARACTERS, MAX_TEXT_BYTES
from fanout.core.submission import Source, Step
from fanout.errors import ConfigurationError

VERSION: Final = 1

At = Annotated[int, Meta(ge=0, le=10**13)]
Room = Annotated[int, Meta(ge=0, le=10_000)]
Number = Annotated[int, Meta(ge=0, le=2**53)]
Size = Annotated[int, Meta(ge=0, le=MAX_TEXT_BYTES)]
Word = Annotated[str, Meta(max_length=MAX_KIND_CHARACTERS)]


class Shape(Struct, array_like=True, frozen=True):
    """What a text is like: how many characters of each length in UTF-8, and how many links."""

    one: Size = 0
    two: Size = 0
    three: Size = 0
    four: Size = 0
    links: Size = 0


class Say(Struct, array_like=True, tag="say"):
    """Staff publish. `data`: the bytes of the object that came along. `message` is its number, where something later
    names it; `re` is the number of the one that it names."""

    at: At
    room: Room
    kind: Word
    role: Word
    text: Shape
    data: Size = 0
    message: Number = 0
    re: Number = 0


class Ask(Struct, array_like=True, tag="ask"):
    """Somebody sends something. Two with the same `words` said the same; person 0 is somebody of whom nothing is known
    any more. `name`: the bytes of the name. `submission` and `message` are numbers, where something later names it."""

    at: At
    room: Room
    source: Source
    person: Number
    name: Size
    text: Shape
    words: Number
    submission: Number = 0
    message: Number = 0


class Decide(Struct, array_like=True, tag="decide"):
    """A step of a human's with a submission; `role` is `visitor` where its author takes it back. `text`: of an edit."""

    at: At
    submission: Number
    action: Step
    role: Word
    text: Shape = Shape()
    into: Number = 0
    message: Number = 0


class Line(Struct, array_like=True, tag="line"):
    """A line of an answer goes on the air."""

    at: At
    submission: Number
    role: Word
    text: Shape
    message: Number = 0


class TakeBack(Struct, array_like=True, tag="take back"):
    """A message is taken off the air."""

    at: At
    room: Room
    message: Number


class End(Struct, array_like=True, tag="end"):
    """The last line: so it shows when some are missing. `people` is above the number of every person; `ended` is the
    last act's own time, in milliseconds since 1970, UTC: later than `at` says where silences were shortened."""

    at: At
    ended: Number
    acts: Number
    people: Number


Act: TypeAlias = Say | Ask | Decide | Line | TakeBack


class Head(Struct, frozen=True):
    """The first line. `began` is the first act's time, in milliseconds since 1970, UTC."""

    fanout_recording: int
    began: int
    rooms: tuple[str, ...]
    open: tuple[str, ...] = ()


_encode: Final = msgspec.json.Encoder().encode
_read_head: Final = msgspec.json.Decoder(Head).decode
_read_act: Final = msgspec.json.Decoder(Act | End).decode


def written(line: Head | Act | End) -> bytes:
    """One line of the file."""
    return _encode(line) + b"\n"


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that is there, with its head and its end."""

    path: Path
    head: Head

    def acts(self) -> Iterator[Act | End]:
        """Every act in order, and the end; a line at a time, so it may be as long as it likes.

        Raises:
            ConfigurationError: The file is damaged; says at which line.
        """
        before = number = 0
        with self.path.open("rb") as lines:
            next(lines)
            for number, line in enumerate(lines, start=2):
                try:
                    act = _read_act(line)
                except (msgspec.DecodeError, UnicodeDecodeError) as error:
                    raise _damaged(self.path, f"line {number}: {error}") from None
                if act.at < before:
                    raise _damaged(self.path, f"line {number} is earlier than the one before it")
                if isinstance(act, Ask) and act.source is Source.IMPORT:
                    raise _damaged(self.path, f"line {number}: what was imported is handed in, source api")
                if isinstance(act, Say | Ask | TakeBack) and act.room >= len(self.head.rooms):
                    raise _damaged(self.path, f"line {number}: there is no room {act.room}")
                before = act.at
                yield act
                if isinstance(act, End):
                    if act.acts != number - 2:
                        raise _damaged(self.path, f"it has {number - 2:,} acts, and ends with the count {act.acts:,}")
                    return
        raise _damaged(self.path, f"it breaks off after line {number}")


def open_recording(path: Path) -> Recording:
    """A recording, its first line checked.

    Raises:
        ConfigurationError: It is not there, or is none of ours.
    """
    try:
        with path.open("rb") as lines:
            first = lines.readline(1 << 20)
    except OSError as error:
        raise ConfigurationError("replay.file", f"{path} can't be read: {error.strerror}.") from None
    try:
        head = _read_head(first)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ConfigurationError("replay.file", f"{path} is no recording. `fanout record` makes one.") from None
    if head.fanout_recording != VERSION:
        raise ConfigurationError(
            "replay.file", f"{path} is a recording of form {head.fanout_recording}; this fanout reads form {VERSION}."
        )
    return Recording(path, head)


def _damaged(path: Path, what: str) -> ConfigurationError:
    return ConfigurationError("replay.file", f"{path} is damaged: {what}. Make it anew with `fanout record`.")
