"""What one chunk of bytes from a server says to a listener, parsed once however many listeners receive it.

The server sends the same bytes to everybody with the same cursor, so a chunk that was seen before costs one look-up.
That is what lets one core play twenty thousand listeners.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

OP_CONTINUATION, OP_TEXT, OP_BINARY, OP_CLOSE, OP_PING, OP_PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
"""Opcodes (RFC 6455 §5.2)."""

MAX_FRAME_BYTES: Final = 1 << 20
"""Longest frame that is believed: several times the longest message, escaped. Beyond: the server is out of step."""

CACHED_CHUNKS: Final = 4096
"""Chunks remembered: twenty rooms, a few hundred messages a second, and listeners that lag by some seconds."""

_WALL_CLOCK_FROM: Final = 10**18
"""Nanoseconds above this are since 1970 (2001 and later), and come as text, for JSON's numbers end at 2**53; below,
they are of the monotonic clock (31 years of uptime)."""


SENT_IN_TEXT: Final = re.compile(r"\[at (\d{1,19})\]$")
"""When a line was sent that could carry no data, as a visitor's or a scribe's can't: at the end of its text."""


class OutOfStep(Exception):
    """The bytes are not frames that a server may send."""


class Heard(msgspec.Struct, rename={"first": "from", "last": "to"}):
    """Any object that the server says; only the fields that a simulated listener looks at."""

    type: str
    room: str = ""
    position: str = ""
    data: Any = None
    text: str = ""
    ref: str = ""
    state: str = ""
    first: str = ""
    last: str = ""
    reason: str = ""
    rooms: dict[str, dict[str, Any]] = {}
    heartbeat_s: float = 25.0
    code: int | str = 0
    detail: str = ""
    reconnect: bool | None = None
    after_ms: int | None = None


@dataclass(slots=True, eq=False)
class Run:
    """Entries of one room that follow one another without a hole. `sent_ns` are the publishers' own times, in
    nanoseconds of this machine's monotonic clock; `heard` counts the listeners since the tally last looked."""

    room: str
    epoch: str
    first: int
    last: int
    sent_ns: list[int] = field(default_factory=list)
    heard: int = 0


@dataclass(frozen=True, slots=True)
class Control:
    """A ping, pong or close frame."""

    opcode: int
    payload: bytes


Event = Run | Heard | Control


@dataclass(slots=True, eq=False)
class Reading:
    """The events of a chunk, and how many of its bytes they took; the rest is the beginning of a frame."""

    events: list[Event]
    used: int


_decode: Final = msgspec.json.Decoder(Heard).decode


class Readings:
    """Parses chunks, and remembers those that were whole frames."""

    def __init__(self) -> None:
        self._known: dict[bytes, Reading] = {}
        self._wall_minus_monotonic_ns = time.time_ns() - time.monotonic_ns()

    def read(self, chunk: bytes) -> Reading:
        """What `chunk`, which begins with a frame, says.

        Raises:
            OutOfStep: It is no sequence of frames.
        """
        return self._read(chunk, self._parse)

    def _read(self, chunk: bytes, parse: Callable[[bytes], Reading]) -> Reading:
        known = self._known.get(chunk)
        if known is not None:
            return known
        reading = parse(chunk)
        if reading.used == len(chunk):
            if len(self._known) >= CACHED_CHUNKS:
                self._known.clear()
            self._known[chunk] = reading
        return reading

    def read_stream(self, chunk: bytes) -> Reading:
        """What `chunk`, which begins with an event of an event stream, says.

        Raises:
            OutOfStep: Data are no object of the protocol.
        """
        return self._read(chunk, self._parse_stream)

    def _parse_stream(self, chunk: bytes) -> Reading:
        events: list[Event] = []
        at = 0
        while (end := chunk.find(b"\n\n", at)) >= 0:
            for line in chunk[at:end].split(b"\n"):
                if line.startswith(b"data: "):
                    self._add(events, line[6:])
            at = end + 2
        return Reading(events, at)

    def _parse(self, chunk: bytes) -> Reading:
        events: list[Event] = []
        at = 0
        while (frame := read_frame(chunk, at)) is not None:
            opcode, payload, at = frame
            if opcode >= OP_CLOSE:
                events.append(Control(opcode, payload))
                continue
            self._add(events, payload)
        return Reading(events, at)

    def _add(self, events: list[Event], payload: bytes) -> None:
        try:
            heard = _decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise OutOfStep(f"not an object of the protocol: {error}") from None
        if heard.type in ("message", "retraction"):
            self._add_entry(events, heard)
        else:
            events.append(heard)

    def _add_entry(self, events: list[Event], heard: Heard) -> None:
        epoch, _, number = heard.position.partition(":")
        if not number.isdigit():
            raise OutOfStep(f"no position: {heard.position!r}")
        seq = int(number)
        previous = events[-1] if events else None
        run: Run
        if (
            isinstance(previous, Run)
            and (previous.room, previous.epoch) == (heard.room, epoch)
            and seq == previous.last + 1
        ):
            run = previous
            run.last = seq
        else:
            run = Run(heard.room, epoch, seq, seq)
            events.append(run)
        sent_ns = heard.data.get("sent_ns") if isinstance(heard.data, dict) else None
        if sent_ns is None and (marked := SENT_IN_TEXT.search(heard.text)):
            sent_ns = int(marked[1])
        if isinstance(sent_ns, str) and sent_ns.isdigit() and len(sent_ns) < 20:
            sent_ns = int(sent_ns)
        if isinstance(sent_ns, int):
            run.sent_ns.append(sent_ns - self._wall_minus_monotonic_ns if sent_ns > _WALL_CLOCK_FROM else sent_ns)


def read_frame(chunk: bytes, at: int) -> tuple[int, bytes, int] | None:
    """The frame that begins at `at`: opcode, payload, and where the next one begins. None: it is not whole yet.

    Raises:
        OutOfStep: Masked, fragmented, reserved bits, or too long. Our server's messages are each one frame.
    """
    if len(chunk) < at + 2:
        return None
    first, length = chunk[at], chunk[at + 1]
    if not first & 0x80 or first & 0x70 or length & 0x80:
        raise OutOfStep(f"a frame that our server never sends begins with {first:02x} {length:02x}")
    begin = at + 2
    if length >= 126:
        size = 2 if length == 126 else 8
        if len(chunk) < begin + size:
            return None
        length = int.from_bytes(chunk[begin : begin + size], "big")
        begin += size
    if length > MAX_FRAME_BYTES:
        raise OutOfStep(f"a frame of {length} bytes")
    end = begin + length
    return (first & 0x0F, chunk[begin:end], end) if end <= len(chunk) else None


def masked_frame(opcode: int, payload: bytes, mask: bytes) -> bytes:
    """A frame from a client (RFC 6455 §5.3): a pong, a close, or a command of at most 65,535 bytes."""
    size = len(payload)
    covered = int.from_bytes(payload, "big") ^ int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    length = bytes((0x80 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return bytes((0x80 | opcode,)) + length + mask + covered.to_bytes(size, "big")
