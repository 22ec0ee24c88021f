"""Remembers what request heads asked for, so that a crowd that comes from one page is parsed once.

At doors-open thousands of browsers send the same head but for its key. Parsing it is most of what a handshake costs us;
looking it up is a tenth of that. What is remembered is exactly what the parser said of the same bytes.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from fanout.wire.join import KEY_CHARACTERS, HubRequest, accept_of

KEY_FIELD: Final = b"\r\nSec-WebSocket-Key: "
"""As every browser writes it; any other spelling is simply not remembered."""

MAX_HEADS: Final = 256
"""Different heads remembered; the oldest goes first. An evening's visitors have a few dozen kinds of browser."""

MAX_HEAD_BYTES: Final = 2048
"""Largest head remembered: with `MAX_HEADS` half a megabyte at the most."""


class RepeatedHeads:
    """What WebSocket heads without a token or a cookie asked for, by their bytes without the key."""

    def __init__(self) -> None:
        self._known: dict[bytes, HubRequest] = {}

    def recall(self, head: bytes) -> HubRequest | None:
        """What this asks for, if it is a whole head, and the same but for its key was remembered; None if not."""
        if len(head) > MAX_HEAD_BYTES:
            return None
        begin = head.find(KEY_FIELD) + len(KEY_FIELD)
        end = begin + KEY_CHARACTERS
        known = self._known.get(head[:begin] + head[end:])
        if known is None:
            return None
        accept = accept_of(head[begin:end])
        return None if accept is None else replace(known, accept=accept)

    def remember(self, head: bytes, request: HubRequest) -> None:
        """Keep what the parser said, if it may be kept: nothing that could be anybody's secret."""
        begin = head.find(KEY_FIELD) + len(KEY_FIELD)
        end = begin + KEY_CHARACTERS
        # The key must be the whole value, or a longer value could be taken for it later.
        if accept_of(head[begin:end]) is None or head[end : end + 2] != b"\r\n":
            return
        if len(head) > MAX_HEAD_BYTES or request.token is not None or request.problem is not None:
            return
        lower = head.lower()
        if b"\r\ncookie:" in lower or b"\r\nauthorization:" in lower:
            return
        if len(self._known) >= MAX_HEADS:
            del self._known[next(iter(self._known))]
        self._known[head[:begin] + head[end:]] = request
