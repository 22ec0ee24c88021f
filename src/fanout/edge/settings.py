"""What an operator may set at the edge; each number says why it is what it is."""

from __future__ import annotations

from dataclasses import dataclass

from fanout.core.limits import EVENT_STREAM_COMMENT_SECONDS, HEARTBEAT_SECONDS, SILENCE_SECONDS, STALL_SECONDS

SLICE_SECONDS = 0.001
"""How long the hub works before it lets the rest of the program have a turn. Publishing and HTTP wait this long at most
for each of their steps; shorter slices cost the fan-out more in scheduling than they give."""

LONGEST_SLICE_SECONDS = 0.008
"""How long the fan-out works at most, once no news has come for a moment."""

QUIET_SECONDS = 0.02
"""Without news for this long nobody is publishing one message after the other, and slices may grow."""

NOT_SENT_BYTES = 16 * 1024
"""TCP_NOTSENT_LOWAT: bytes the kernel holds for a listener beyond what is on its way. Without it 500 stalled listeners
held 401 MB of kernel memory, with 16 KiB 20 MB (benchmarks/rows/stalled_readers.py)."""

SEND_BUFFER_BYTES = 64 * 1024
"""SO_SNDBUF of a listener's socket: the kernel's whole share for one that stops reading."""

USER_TIMEOUT_MS = 60_000
"""TCP_USER_TIMEOUT: a peer that acknowledges nothing for this long is gone (RFC 5482)."""


@dataclass(frozen=True, slots=True)
class EdgeSettings:
    """Limits and times of one edge.

    Args:
        max_listeners: Listeners let in, in all. The server derives it from the descriptor limit.
        max_per_address: Listeners from one address. High: offices, schools and mobile carriers share one.
        max_arriving: Connections beyond `max_listeners` that may be on their way in or out, so that the refused can be
            told why.
        max_visiting: Connections in ordinary HTTP at once; beyond, accepting pauses and the backlog waits.
        handshake_seconds: From accept to a whole request head, TLS included.
        trust_proxy: Take the client's address from the last entry of X-Forwarded-For.
        first_number: From where this edge counts its connections, so that no two edges have a listener of one id.
        full_retry_seconds: The window over which the refused are asked to spread their return.
    """

    max_listeners: int = 19_400
    max_per_address: int = 19_400
    max_arriving: int = 250
    max_visiting: int = 250
    handshake_seconds: int = 10
    trust_proxy: bool = False
    full_retry_seconds: float = 30.0
    first_number: int = 0
    heartbeat_seconds: int = HEARTBEAT_SECONDS
    comment_seconds: int = EVENT_STREAM_COMMENT_SECONDS
    silence_seconds: int = SILENCE_SECONDS
    stall_seconds: int = STALL_SECONDS
