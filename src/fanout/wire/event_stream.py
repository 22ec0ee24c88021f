"""Server-sent events, both ways: what the server writes and what a client reads (WHATWG HTML §9.2)."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from fanout.errors import InvalidInput

MAX_EVENT_BYTES: Final = 1024 * 1024
"""Most bytes that a reader holds of one unfinished event: sixteen times the largest message. Beyond:
`event_too_long`."""

COMMENT: Final = b":\n\n"

_LINE_END = re.compile(rb"\r\n|\r(?!\Z)|\n")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


def event(id: str | None, type: str, data: bytes, *, retry_ms: int | None = None) -> bytes:
    """One event. `id` and `type` hold no line break; `data` holds none either (JSON never does)."""
    head = b"" if id is None else b"id: %b\n" % id.encode()
    if retry_ms is not None:
        head += b"retry: %d\n" % retry_ms
    return b"%bevent: %b\ndata: %b\n\n" % (head, type.encode(), data)


def comment() -> bytes:
    """What keeps a quiet line open: a client drops it (§9.2.6)."""
    return COMMENT


def retry(ms: int) -> bytes:
    """How long the client waits before it reconnects, in milliseconds."""
    return b"retry: %d\n\n" % ms


class Event(msgspec.Struct, frozen=True):
    """What a client was sent. `id` is the last one that the stream has named, also by an earlier event."""

    id: str
    type: str
    data: str


class EventStreamReader:
    """Reads an event stream as §9.2.6 says, in whatever pieces it comes.

    `last_event_id` is what a reconnect sends; `retry_ms` is the wait that the server has asked for, or None.
    """

    def __init__(self) -> None:
        self.last_event_id = ""
        self.retry_ms: int | None = None
        self._buffer = b""
        self._id = ""
        self._type = ""
        self._data: list[str] = []
        self._held = 0
        self._begun = False

    def feed(self, data: bytes) -> list[Event]:
        """The events that are whole now.

        Raises:
            InvalidInput: `event_too_long`.
        """
        self._buffer += data
        if not self._begun:
            if len(self._buffer) < 3 and _BYTE_ORDER_MARK.startswith(self._buffer):
                return []
            self._begun = True
            self._buffer = self._buffer.removeprefix(_BYTE_ORDER_MARK)
        # A carriage return at the very end may be half of a CRLF: it waits for the next byte.
        *lines, self._buffer = _LINE_END.split(self._buffer)
        events: list[Event] = []
        for line in lines:
            if line:
                self._field(line)
            else:
                self._dispatch(events)
        if self._held + len(self._buffer) > MAX_EVENT_BYTES:
            raise InvalidInput(f"One event has more than {MAX_EVENT_BYTES} bytes.", code="event_too_long")
        return events

    def _field(self, line: bytes) -> None:
        name, _, raw = line.partition(b":")
        value = raw.removeprefix(b" ").decode("utf-8", "replace")
        self._held += len(line)
        if name == b"data":
            self._data.append(value)
        elif name == b"event":
            self._type = value
        elif name == b"id" and "\0" not in value:
            self._id = value
        elif name == b"retry" and value.isascii() and value.isdigit() and len(value) < 10:
            self.retry_ms = int(value)

    def _dispatch(self, events: list[Event]) -> None:
        self.last_event_id = self._id
        if self._data:
            events.append(Event(self._id, self._type or "message", "\n".join(self._data)))
        self._type, self._data, self._held = "", [], 0
