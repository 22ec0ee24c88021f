"""One simulated listener without its socket: it opens, follows its rooms, checks every position, and resumes.

Bytes in, bytes out. It believes nothing: it is the witness of what the server promises, so it counts what a kind client
would hide.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

from fanout.client.comeback import CUT, NO_STATUS, Comeback, Ending, Stopped
from fanout.client.crowd.opening import Refused, make_key, opening_request, read_opening
from fanout.client.crowd.reading import (
    OP_CLOSE,
    OP_PING,
    Control,
    Event,
    Heard,
    OutOfStep,
    Reading,
    Readings,
    Run,
    masked_frame,
)
from fanout.client.crowd.tally import Tally
from fanout.client.target import Target, Wish
from fanout.core.closing import CloseCode
from fanout.core.position import Position
from fanout.errors import InvalidInput

MASK: Final = b"fanO"
"""One mask for all: masking guards proxies against chosen plaintext (RFC 6455 §10.3), and nothing here is chosen."""

REMEMBERED_HOLES: Final = 1000
"""Positions remembered as missing, so that one that still comes is called disordered and not repeated."""


class Track:
    """How far one listener is in one room. `seq` is -1 before anything is known."""

    __slots__ = ("epoch", "holes", "seq")

    def __init__(self) -> None:
        self.epoch, self.seq = "", -1
        self.holes: set[int] = set()


class Listener:
    """One listener of some rooms. It may be connected again and again; what it had decides what it asks for.

    Args:
        last: How many messages to have replayed at the very first connection.
    """

    __slots__ = (
        "_answer", "_bye", "_comeback", "_key", "_last", "_live_since_ns", "_opened", "_readings", "_rest", "_target",
        "_token", "heard_at", "live", "silence_seconds", "tally", "tracks",
    )  # fmt: skip

    def __init__(
        self,
        target: Target,
        rooms: Iterable[str],
        tally: Tally,
        readings: Readings,
        *,
        token: str | None = None,
        last: int = 0,
    ) -> None:
        self._target, self._token, self._last = target, token, last
        self.tally, self._readings = tally, readings
        self.tracks = {room: Track() for room in rooms}
        self._comeback = Comeback()
        self._opened = 0
        self.silence_seconds = 60.0
        self._begin()

    def _begin(self) -> None:
        self._key, self._answer, self._rest = make_key(), b"", b""
        self._bye: Heard | None = None
        self._live_since_ns = 0
        self.live = False
        self.heard_at = time.monotonic()

    @property
    def has_been_here(self) -> bool:
        """Whether it has been welcomed at all, so that the next connection is a return."""
        return self._opened > 0

    @property
    def returning(self) -> bool:
        """Whether the present connection is a return."""
        return self._opened > 1

    def opening(self) -> bytes:
        """Start a new connection: the bytes to send first."""
        self._begin()
        wishes = [
            Wish(room, Position(track.epoch, track.seq) if track.seq >= 0 else None, self._last or None)
            for room, track in self.tracks.items()
        ]
        if any(wish.after for wish in wishes):
            wishes = [Wish(wish.room, wish.after) for wish in wishes]
        return opening_request(self._target, wishes, key=self._key, token=self._token)

    def receive(self, chunk: bytes, now: float) -> bytes:
        """Take what arrived, at `now` seconds of the monotonic clock; return what to send back, mostly nothing.

        Raises:
            Ended: The connection is over, because the server said so or because it makes no sense.
        """
        self.heard_at = now
        if self._key:
            self._answer += chunk
            try:
                used = self._read_answer(self._answer)
            except Refused as refused:
                self.tally.counts.refused += 1
                raise Ended(refused.ending) from None
            if not used:
                return b""
            chunk, self._key, self._answer = self._answer[used:], b"", b""
        if self._rest:
            chunk = self._rest + chunk
        if not chunk:
            return b""
        try:
            reading = self._parse(chunk)
            self._rest = chunk[reading.used :]
            reply = self._take_in(reading.events)
        except (OutOfStep, InvalidInput) as error:
            self.tally.counts.out_of_step += 1
            raise Ended(Ending(CUT, f"out of step: {error}")) from None
        return reply

    def _read_answer(self, answer: bytes) -> int:
        """How many bytes of `answer` are the head of a connection that stands; 0 while it is incomplete.

        Raises:
            Refused: It is another answer.
        """
        return read_opening(answer, self._key)

    def _parse(self, chunk: bytes) -> Reading:
        """What was received after that."""
        return self._readings.read(chunk)

    def _take_in(self, events: Iterable[Event]) -> bytes:
        reply = b""
        for event in events:
            if type(event) is Run:
                self._take(event)
            elif type(event) is Control:
                reply += self._control(event)
            elif type(event) is Heard:
                self._hear(event)
        return reply

    def _take(self, run: Run) -> None:
        tally = self.tally
        track = self.tracks.get(run.room)
        if track is None:
            raise OutOfStep(f"a message of {run.room!r}, which was not asked for")
        count = run.last - run.first + 1
        if run.first != track.seq + 1 or run.epoch != track.epoch:
            count = self._judge(track, run)
            if not count:
                return
        track.seq = run.last
        tally.counts.delivered += count
        if run.sent_ns and run.sent_ns[0] < self._live_since_ns:
            tally.counts.caught_up += count
        else:
            tally.deliver(run)

    def _judge(self, track: Track, run: Run) -> int:
        """How many of the run are new, when it is not simply the next; every fault is counted."""
        counts = self.tally.counts
        if track.seq < 0 or run.epoch != track.epoch:
            if track.seq >= 0:
                counts.lost += run.last  # another stream, and no gap that said so
            track.epoch, track.holes = run.epoch, set()
            return run.last - run.first + 1
        if run.first > track.seq + 1:
            counts.lost += run.first - track.seq - 1
            track.holes.update(range(track.seq + 1, min(run.first, track.seq + 1 + REMEMBERED_HOLES)))
            return run.last - run.first + 1
        for seq in range(run.first, min(run.last, track.seq) + 1):
            if seq in track.holes:
                track.holes.discard(seq)
                counts.lost -= 1
                counts.disordered += 1
                counts.delivered += 1
            else:
                counts.repeated += 1
        return max(0, run.last - track.seq)

    def _hear(self, heard: Heard) -> None:
        if heard.type == "welcome":
            self._welcomed(heard)
        elif heard.type == "gap":
            self._gap(heard)
        elif heard.type == "bye":
            self._bye = heard
        elif heard.type in ("submission", "error"):
            self.tally.answers.append(heard)

    def _welcomed(self, heard: Heard) -> None:
        self.silence_seconds = 2 * heard.heartbeat_s
        self._stands()
        for room, stands in heard.rooms.items():
            track = self.tracks.get(room)
            if track is not None and track.seq < 0 and stands.get("recovery") == "live":
                position = Position.parse(str(stands.get("position")))
                track.epoch, track.seq = position.epoch, position.seq

    def _stands(self) -> None:
        self.live = True
        self._live_since_ns = time.monotonic_ns()
        self._comeback.succeeded()
        if self._opened:
            self.tally.counts.resumed += 1
        else:
            self.tally.counts.connected += 1
        self._opened += 1

    def _gap(self, heard: Heard) -> None:
        track = self.tracks.get(heard.room)
        first, last = Position.parse(heard.first), Position.parse(heard.last)
        if track is None:
            raise OutOfStep(f"a gap of {heard.room!r}, which was not asked for")
        self.tally.counts.gaps += 1
        self.tally.counts.announced += last.seq - first.seq + 1
        if last.epoch == track.epoch and heard.reason != "epoch" and first.seq > track.seq + 1 and track.seq >= 0:
            self.tally.counts.lost += first.seq - track.seq - 1
        if last.epoch != track.epoch or heard.reason == "epoch" or last.seq > track.seq:
            track.epoch, track.seq = last.epoch, last.seq

    def _control(self, control: Control) -> bytes:
        if control.opcode == OP_PING:
            return masked_frame(0xA, control.payload, MASK)
        if control.opcode == OP_CLOSE:
            code = int.from_bytes(control.payload[:2], "big") if len(control.payload) >= 2 else NO_STATUS
            reason = control.payload[2:].decode("utf-8", "replace")
            bye = self._bye
            if bye is None:
                raise Ended(Ending(code, reason))
            raise Ended(Ending(code, bye.reason or reason, bye.after_ms, bye.reconnect))
        return b""

    def attentive_from(self, now_ns: int) -> None:
        """It did not read for a while: what was sent before now says nothing of the server's latency."""
        self._live_since_ns = now_ns

    def closing(self) -> bytes:
        """A close frame of ours, for an orderly end."""
        return masked_frame(OP_CLOSE, CloseCode.NORMAL.to_bytes(2, "big"), MASK)

    def wait_seconds(self, ending: Ending, chance: float) -> float | None:
        """How long to wait before `opening` again, after this ending; None: not at all. Counts it."""
        self.tally.ended(f"{ending.status or ending.close_code} {ending.reason}".strip())
        if self.live:
            self.tally.counts.cut += 1
        self.live = False
        if self._bye is not None and ending.close_code == CUT:
            ending = Ending(CUT, self._bye.reason, self._bye.after_ms, self._bye.reconnect)
        try:
            return self._comeback.wait_seconds(ending, chance)
        except Stopped:
            self.tally.counts.stopped += 1
            return None


class Ended(Exception):
    """A listener's connection is over."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending)
        self.ending = ending


def count_behind(listeners: Iterable[Listener]) -> int:
    """Positions that somebody has had and a connected listener of the same room has not: nothing is in flight any
    more when this is asked."""
    live = [listener for listener in listeners if listener.live]
    heads: dict[tuple[str, str], int] = {}
    for listener in live:
        for room, track in listener.tracks.items():
            heads[room, track.epoch] = max(heads.get((room, track.epoch), 0), track.seq)
    return sum(heads[room, track.epoch] - max(track.seq, 0) for one in live for room, track in one.tracks.items())
