"""One socket of the hub: what is known of it, and the bytes that wait because it could not take them."""

from __future__ import annotations

import socket
from collections import deque
from enum import IntEnum

from fanout.core.admission import TokenBucket
from fanout.core.principal import VISITOR, Principal
from fanout.edge.audience import Subscription
from fanout.wire.commands import Publish, Submit, Subscribe, Unsubscribe
from fanout.wire.frames import FrameReader
from fanout.wire.rendered import Format
from fanout.wire.replies import Submission

NOTHING = memoryview(b"")

CONTROL_FRAMES = 256
"""Replies, pings and the like that may wait for one full socket. Beyond, nothing more is read from it until they are
gone."""


class Stage(IntEnum):
    """Where a connection is in its life."""

    SECURING = 0
    """TLS handshake."""
    ARRIVING = 1
    """Its request head is not whole yet."""
    LISTENING = 2
    """A WebSocket or event-stream listener."""
    LEAVING = 3
    """The last bytes are on their way; then it is closed."""
    WAITING = 4
    """Its request is whole, and a plug-in is asked whether to let it in, or the room is not followed yet."""


class Connection:
    """A socket of the hub. The hub alone changes it; there are tens of thousands, so it has slots and nothing it can do
    without.

    Args:
        number: Counts up over the life of the process; part of the listener's id.
        subscriptions: Its places in rooms, at most one a room.
        inbound: What has come and can't be used yet: bytes of a head, or a reader with half a frame.
        owed: The rest of a frame that the socket took a part of. It goes out before anything else may.
        control: Whole frames that go next, before any message: replies, pings, the goodbye.
        heard_at: The hub's second in which the last byte came from it.
        extra: What few have: see `Extra`.
    """

    __slots__ = (
        "address",
        "control",
        "extra",
        "fd",
        "format",
        "heard_at",
        "inbound",
        "number",
        "owed",
        "principal",
        "sock",
        "stage",
        "subscriptions",
    )

    def __init__(self, sock: socket.socket, number: int, address: str, stage: Stage, now: int) -> None:
        self.sock = sock
        self.fd = sock.fileno()
        self.number = number
        self.address = address
        self.stage = stage
        self.format = Format.JSON
        self.principal: Principal = VISITOR
        self.subscriptions: tuple[Subscription, ...] = ()
        self.inbound: bytes | FrameReader | None = None
        self.owed: memoryview = NOTHING
        self.control: deque[bytes] | None = None
        self.heard_at = now
        self.extra: Extra | None = None

    @property
    def blocked(self) -> bool:
        """Whether something waits for the socket to take bytes again."""
        return self.control is not None

    @property
    def takes_more(self) -> bool:
        """Whether it listens, and nothing waits for its socket."""
        return self.stage is Stage.LISTENING and self.control is None

    @property
    def is_websocket(self) -> bool:
        return self.format is not Format.EVENTS

    def subscription(self, room: str) -> Subscription | None:
        """Its place in the room, if it has one."""
        for subscription in self.subscriptions:
            if subscription.audience.view.name == room:
                return subscription
        return None

    def keep(self, data: bytes) -> None:
        """Set bytes aside that can't be used yet."""
        self.inbound = self.inbound + data if isinstance(self.inbound, bytes) else data

    def more(self) -> Extra:
        """The rarely used part, made on first use."""
        if self.extra is None:
            self.extra = Extra()
        return self.extra


class Extra:
    """What only talking connections have: the rate of their commands, and what has to wait for the log or the desk.

    Args:
        waiting: Publications and submissions that have not been handed up yet; `handing_up`, whether one is.
        submissions: The `ref` of each submission that came by this connection, by its id; the newest of them.
        postponed: Steps into rooms and out of them, behind one into a room that the edge does not follow yet.
        unplaced: While a submission is on its way: news of others, or of this one, by id.
    """

    __slots__ = ("bucket", "handing_up", "postponed", "refused", "submissions", "unplaced", "waiting")

    def __init__(self) -> None:
        self.bucket: TokenBucket | None = None
        self.refused = 0
        self.waiting: deque[Publish | Submit] = deque()
        self.handing_up = False
        self.postponed: deque[Subscribe | Unsubscribe] = deque()
        self.submissions: dict[str, str | None] = {}
        self.unplaced: dict[str, Submission] | None = None
