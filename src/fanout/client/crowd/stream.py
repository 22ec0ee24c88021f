"""A simulated listener over an event stream, for where WebSockets don't pass: of one room, and it only listens."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from fanout.client.comeback import CUT, Ending
from fanout.client.crowd.listener import Listener
from fanout.client.crowd.opening import MAX_ANSWER_BYTES, Refused, read_head, refusal
from fanout.client.crowd.reading import Reading
from fanout.core.position import Position


class StreamListener(Listener):
    """As `Listener`, of one room. It comes back as the server's pages do, and not as `EventSource` does by itself."""

    __slots__ = ()

    def opening(self) -> bytes:
        self._begin()
        ((room, track),) = self.tracks.items()
        query = {"last": str(self._last)} if self._last else {}
        if track.seq >= 0:
            query = {"after": str(Position(track.epoch, track.seq))}
        path = f"{self._target.prefix}/v1/rooms/{quote(room, safe='')}/events?{urlencode(query)}"
        authorization = f"Authorization: Bearer {self._token}\r\n" if self._token else ""
        return (
            f"GET {path} HTTP/1.1\r\nHost: {self._target.authority}\r\nAccept: text/event-stream\r\n{authorization}\r\n"
        ).encode("ascii")

    def _read_answer(self, answer: bytes) -> int:
        end = answer.find(b"\r\n\r\n")
        if end < 0:
            if len(answer) > MAX_ANSWER_BYTES:
                raise Refused(Ending(CUT, "an endless answer"))
            return 0
        status, headers = read_head(answer[:end])
        if status != 200 or not headers.get(b"content-type", b"").startswith(b"text/event-stream"):
            raise Refused(refusal(status, headers.get(b"retry-after", b""), answer[end + 4 :]))
        return end + 4

    def _parse(self, chunk: bytes) -> Reading:
        return self._readings.read_stream(chunk)

    def closing(self) -> bytes:
        return b""
