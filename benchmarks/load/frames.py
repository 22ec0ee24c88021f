"""Splits what a server sends into messages: WebSocket frames (RFC 6455 §5.2) or server-sent events.

Only what a load client needs: a server's frames are unmasked and, here, never fragmented. Anything else is reported as
a fault of the server instead of being guessed at.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from typing import Final, NamedTuple

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

KEY: Final = base64.b64encode(b"fanout benchmark")
"""The handshake's nonce (RFC 6455 §4.1). Always the same: every socket then expects the same answer."""

ACCEPT: Final = base64.b64encode(hashlib.sha1(KEY + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
"""The only right answer to `KEY`."""

NO_MASK: Final = bytes(4)
"""A masking key of zeros masks nothing, is legal, and costs the client nothing."""


class Split(NamedTuple):
    """What a piece of a stream held."""

    messages: list[bytes]
    """Payloads of data frames, or whole events, in order."""
    controls: list[tuple[int, bytes]]
    """Opcode and payload of control frames, in order."""
    used: int
    """Bytes that were whole; what follows is the beginning of something that has not arrived yet."""


class BrokenStream(Exception):
    """The server sent what no server may send."""


def split_frames(data: bytes) -> Split:
    """Split unmasked WebSocket frames. Raises BrokenStream for masked, fragmented or reserved ones."""
    messages: list[bytes] = []
    controls: list[tuple[int, bytes]] = []
    at, end = 0, len(data)
    while at + 2 <= end:
        opcode, length, start = data[at] & 0x0F, data[at + 1], at + 2
        if data[at] & 0xF0 != 0x80 or length & 0x80:
            raise BrokenStream(f"frame starts with {data[at : at + 2].hex()}: masked, compressed or fragmented")
        if length == 126:
            if start + 2 > end:
                break
            (length,) = struct.unpack_from("!H", data, start)
            start += 2
        elif length == 127:
            if start + 8 > end:
                break
            (length,) = struct.unpack_from("!Q", data, start)
            start += 8
        if start + length > end:
            break
        at = start + length
        if opcode in (TEXT, BINARY):
            messages.append(data[start:at])
        elif opcode in (CLOSE, PING, PONG):
            controls.append((opcode, data[start:at]))
        else:
            raise BrokenStream(f"opcode {opcode:#x} was not expected")
    return Split(messages, controls, at)


def split_events(data: bytes) -> Split:
    """Split server-sent events, which end with an empty line (WHATWG HTML §9.2.6)."""
    *events, rest = data.split(b"\n\n")
    return Split(events, [], len(data) - len(rest))


def client_frame(opcode: int, payload: bytes) -> bytes:
    """Return a whole frame as a client sends it."""
    length = len(payload)
    if length < 126:
        head = bytes((0x80 | opcode, 0x80 | length))
    elif length < 1 << 16:
        head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, length)
    else:
        head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, length)
    return head + NO_MASK + payload


def server_frame(payload: bytes) -> bytes:
    """Return a text frame as a server sends it: what the floor's prepared buffer holds."""
    length = len(payload)
    return bytes((0x81, length)) + payload if length < 126 else struct.pack("!BBH", 0x81, 126, length) + payload


def websocket_request(path: str, host: str, headers: str = "") -> bytes:
    """Return the opening handshake (RFC 6455 §4.1)."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {KEY.decode()}\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
    ).encode()


def event_stream_request(path: str, host: str) -> bytes:
    """Return the request for a stream of server-sent events."""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n\r\n".encode()


def refusal(head: bytes, *, events: bool) -> str:
    """Say why a response head does not open a stream, or return an empty string when it does."""
    status = head.split(b"\r\n", 1)[0]
    if not status.startswith(b"HTTP/1.1 200" if events else b"HTTP/1.1 101"):
        return status.decode("latin-1")
    if not events and ACCEPT not in head:
        return "the handshake's Sec-WebSocket-Accept is wrong"
    return ""
