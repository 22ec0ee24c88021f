"""Questions that were sent before the doors opened, out of a file: CSV or JSON lines, whole or with broken lines.

A line that can't be taken is reported by its number, and the rest goes in. What is in already is not taken twice, so an
import that broke off, or whose broken lines were mended, is simply run again.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import BinaryIO, Final

import msgspec

from fanout.core.limits import KIB
from fanout.core.say import LATEST_AT
from fanout.core.submission import Source
from fanout.core.submitted_text import checked_text
from fanout.engine.room import new_message_id
from fanout.errors import InvalidInput
from fanout.moderation.names import check_name
from fanout.moderation.ports import Arrival, Store

MAX_LINE_BYTES: Final = 64 * KIB
"""One line of a file, or one quoted cell of several: five times the longest text with every character of it escaped. A
longer one is broken."""

MAX_RECORD_LINES: Final = 200
"""Lines over which a quoted cell may go on. Beyond, a quotation mark was left open, and only the line that has it is
lost."""

BATCH: Final = 500
"""Questions in one commit: a hundred or so commits for sixteen thousand, and at most so many are read again."""

MAX_SOURCE_ID_CHARACTERS: Final = 200
"""As for every source."""

COLUMNS: Final = ("text", "name", "source_id", "at")


class FileFormat(StrEnum):
    """How questions stand in a file, by the end of its name."""

    CSV = "csv"
    JSON_LINES = "jsonl"


class _Item(msgspec.Struct):
    """One JSON line; unknown fields are ignored."""

    text: str
    name: str | None = None
    source_id: str | int | None = None
    at: str | int | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One question as the file has it, checked. `at` is in milliseconds since 1970, UTC; None when it does not say."""

    line: int
    text: str
    name: str
    source_id: str
    at: int | None


@dataclass(frozen=True, slots=True)
class Broken:
    """A line that can't be taken, and why."""

    line: int
    what: str


@dataclass(slots=True)
class Imported:
    """How an import went so far: questions taken, those that were there already, lines that could not be taken, and how
    many bytes of the file have been read."""

    taken: int = 0
    repeated: int = 0
    broken: list[Broken] = field(default_factory=list)
    read: int = 0


async def import_questions(
    store: Store,
    room: str,
    file: BinaryIO,
    format: FileFormat,
    *,
    now: int,
    progress: Callable[[Imported], None] = lambda _: None,
) -> Imported:
    """Hand in every question of the file, in its order; they are `received`, and reviewed when the server starts.

    Args:
        now: When a question was sent that does not say so, in milliseconds since 1970, UTC.
        progress: Called after each commit.
    Raises:
        StoreUnavailable: What was committed stays; run it again.
    Cancellation: safe between two commits; run it again.
    """
    done = Imported()
    batch: list[Arrival] = []
    for found in read_questions(file, format):
        if isinstance(found, Broken):
            done.broken.append(found)
            continue
        at = now if found.at is None else found.at
        batch.append(Arrival(new_message_id(), room, Source.IMPORT, found.source_id, "", found.name, found.text, at))
        if len(batch) == BATCH:
            await _commit(store, batch, done)
            done.read = file.tell()
            progress(done)
            batch = []
    await _commit(store, batch, done)
    done.read = file.tell()
    progress(done)
    return done


async def _commit(store: Store, batch: list[Arrival], done: Imported) -> None:
    if batch:
        receipts = await store.receive(batch)
        repeated = sum(receipt.repeated for receipt in receipts)
        done.repeated += repeated
        done.taken += len(receipts) - repeated


def read_questions(file: BinaryIO, format: FileFormat) -> Iterator[Question | Broken]:
    """The questions of a file, and the lines that are none, in order.

    A question without a source id gets one from what it says, and from how many times that was said before in the file:
    so the same file gives the same ids, also when other lines of it were mended.
    """
    said: dict[bytes, int] = {}
    for line, found in _csv_items(file) if format is FileFormat.CSV else _json_items(file):
        try:
            if isinstance(found, str):
                raise InvalidInput(found)
            yield _question(line, found, said)
        except InvalidInput as problem:
            yield Broken(line, problem.detail)


def _question(line: int, item: _Item, said: dict[bytes, int]) -> Question:
    text = checked_text(item.text)
    name = check_name(item.name) if item.name and not item.name.isspace() else ""
    source_id = "" if item.source_id is None else str(item.source_id).strip()
    if len(source_id) > MAX_SOURCE_ID_CHARACTERS or not source_id.isprintable():
        raise InvalidInput(f"source_id has at most {MAX_SOURCE_ID_CHARACTERS} characters that can be printed.")
    at = _time(item.at)
    if not source_id:
        digest = sha256(f"{len(text)}:{text}{len(name)}:{name}{at}".encode()).digest()[:16]
        said[digest] = said.get(digest, 0) + 1
        source_id = f"content:{digest.hex()}:{said[digest]}"
    return Question(line, text, name, source_id, at)


def _time(written: str | int | None) -> int | None:
    if written is None or written == "" or (isinstance(written, str) and written.isspace()):
        return None
    wrong = InvalidInput(
        "at is a time with its zone (2004-06-02T18:30:00Z, 2004-06-02 20:30+02:00) or milliseconds since 1970."
    )
    try:
        if isinstance(written, int) or written.strip().isdecimal():
            at = int(written)
        else:
            time = datetime.fromisoformat(written.strip())
            if time.tzinfo is None:
                raise wrong
            at = round(time.timestamp() * 1000)
    except (ValueError, OverflowError):
        raise wrong from None
    if not 0 <= at <= LATEST_AT:
        raise wrong
    return at


# --- lines of a file -------------------------------------------------------------------------------------------------


def _numbered_lines(file: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Lines without their ends, numbered from 1; None for one that is too long."""
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
            while line and not line.endswith(b"\n"):
                line = file.readline(MAX_LINE_BYTES)
            yield number, None
        else:
            yield number, line.removesuffix(b"\n").removesuffix(b"\r")


def _text(line: bytes | None) -> str:
    if line is None:
        raise InvalidInput(f"It is longer than {MAX_LINE_BYTES // KIB} KiB.")
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"It is not UTF-8 (byte {error.start + 1}). Save the file as UTF-8.") from None


def _json_items(file: BinaryIO) -> Iterator[tuple[int, _Item | str]]:
    decoder = msgspec.json.Decoder(_Item)
    for number, line in _numbered_lines(file):
        if line is not None and not line.strip():
            continue
        try:
            yield number, decoder.decode(_text(line))
        except InvalidInput as problem:
            yield number, problem.detail
        except (msgspec.MsgspecError, RecursionError) as error:
            reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
            yield number, f"It is not an object with text, and name, source_id and at if they are known: {reason}."


def _csv_items(file: BinaryIO) -> Iterator[tuple[int, _Item | str]]:
    columns: tuple[str, ...] = ()
    for number, cells in _csv_records(file):
        if isinstance(cells, str):
            yield number, cells
        elif not columns:
            names = tuple(cell.strip().lower() for cell in cells)
            columns = names if "text" in names else COLUMNS
            if columns is COLUMNS:
                yield number, _csv_item(cells, columns)
        elif any(cell.strip() for cell in cells):
            yield number, _csv_item(cells, columns)


def _csv_item(cells: list[str], columns: tuple[str, ...]) -> _Item | str:
    if len(cells) > len(columns):
        return f"It has {len(cells)} cells, and there are {len(columns)} columns."
    named = dict(zip(columns, cells, strict=False))
    return _Item(named.get("text", ""), named.get("name"), named.get("source_id"), named.get("at"))


def _csv_records(file: BinaryIO) -> Iterator[tuple[int, list[str] | str]]:
    """The cells of each record, with the number of its first line; a sentence for one that is broken.

    A cell in quotation marks may go on over several lines. One whose mark was left open would swallow what follows, so
    when a record of several lines does not come out right, only its first line is broken and the others are read again.
    """
    lines = _numbered_lines(file)
    waiting: deque[tuple[int, bytes | None]] = deque()
    delimiter = ""
    while (first := waiting.popleft() if waiting else next(lines, None)) is not None:
        others: list[tuple[int, bytes | None]] = []
        try:
            text = _text(first[1])
            delimiter = delimiter or _delimiter(text)
            while text.count('"') % 2:
                following = waiting.popleft() if waiting else next(lines, None)
                if following is None:
                    raise InvalidInput("A quotation mark is left open.")
                others.append(following)
                if len(others) > MAX_RECORD_LINES or len(text) > MAX_LINE_BYTES:
                    raise InvalidInput("A quotation mark is left open.")
                text += "\n" + _text(following[1])
            yield first[0], next(csv.reader([text], delimiter=delimiter, strict=True), [])
        except (InvalidInput, csv.Error) as problem:
            yield first[0], _what_is_wrong(problem, several=bool(others))
            waiting.extendleft(reversed(others))


def _what_is_wrong(problem: InvalidInput | csv.Error, *, several: bool) -> str:
    if several:
        return "A quotation mark is left open, or stands where no cell begins or ends."
    return problem.detail if isinstance(problem, InvalidInput) else f"It is not CSV: {problem}."


def _delimiter(first: str) -> str:
    """A semicolon or a tab, where the first line has one and no comma: what spreadsheets write in much of Europe."""
    return next((mark for mark in ";\t" if mark in first and "," not in first), ",")
