"""The client's half of the opening handshake (RFC 6455 §4.1), as bytes in and bytes out."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterable
from typing import Final

from fanout.client.comeback import CUT, Ending
from fanout.client.target import Target, Wish

MAX_ANSWER_BYTES: Final = 64 * 1024
"""Longest answer to a handshake that is read, head and problem document together; beyond, the server is no server of
ours."""

_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455 §1.3."""


class Refused(Exception):
    """The handshake was answered with something else than 101. `ending` says whether to come back, and when."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(f"{ending.status}: {ending.reason}")
        self.ending = ending


def make_key() -> bytes:
    """A fresh `Sec-WebSocket-Key`: 16 random bytes in base64."""
    return base64.b64encode(os.urandom(16))


def expected_accept(key: bytes) -> bytes:
    """What a server must answer to this key (RFC 6455 §4.2.2)."""
    return base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())


def opening_request(target: Target, wishes: Iterable[Wish], *, key: bytes, token: str | None = None) -> bytes:
    """The whole request, ready to send."""
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    return (
        f"GET {target.socket_path(wishes)} HTTP/1.1\r\n"
        f"Host: {target.authority}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {key.decode()}\r\nSec-WebSocket-Protocol: fanout.v1.json\r\n{authorization}\r\n"
    ).encode("ascii")


def read_opening(answer: bytes, key: bytes) -> int:
    """How many bytes of `answer` are the head of a good 101; 0 while it is incomplete.

    Raises:
        Refused: It is another answer, and complete enough to say so.
    """
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        if len(answer) > MAX_ANSWER_BYTES:
            raise Refused(Ending(CUT, "an endless answer to the handshake"))
        return 0
    status, headers = read_head(answer[:end])
    if status != 101:
        raise Refused(refusal(status, headers.get(b"retry-after", b""), answer[end + 4 :]))
    if headers.get(b"sec-websocket-accept") != expected_accept(key):
        raise Refused(Ending(CUT, "the server's Sec-WebSocket-Accept is wrong"))
    return end + 4


def read_head(head: bytes) -> tuple[int, dict[bytes, bytes]]:
    """The status and the headers, whose names are in small letters.

    Raises:
        Refused: It is not HTTP.
    """
    status_line, *lines = head.split(b"\r\n")
    words = status_line.split(b" ", 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
        raise Refused(Ending(CUT, "the answer is not HTTP"))
    return int(words[1]), {
        name.lower().strip(): value.strip() for name, _, value in (line.partition(b":") for line in lines)
    }


def refusal(status: int, retry_after: bytes, body: bytes) -> Ending:
    """What an answer other than 101 means. The body may be cut short; a problem document's `detail` is quoted."""
    after_ms = int(retry_after) * 1000 if retry_after.isdigit() and len(retry_after) < 6 else None
    reason = ""
    try:
        problem = json.loads(body)
        reason = str(problem.get("detail") or problem.get("title") or "")
    except (ValueError, AttributeError, RecursionError):
        pass
    return Ending(status=status, reason=reason[:200], after_ms=after_ms)
