"""Publishing over plain HTTP: one kept-alive connection, and a repetition that can't publish twice.

Every publication carries an `Idempotency-Key`. When the connection breaks before the answer, nobody knows whether the
message went out; the same request is then sent again with the same key, and the server answers with what it did the
first time.
"""

from __future__ import annotations

import random
import ssl
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import h11
import msgspec
import trio

from fanout import errors
from fanout.client.comeback import TEMPORARY_STATUS
from fanout.client.connection import innermost, open_stream
from fanout.client.target import Target
from fanout.core.limits import MAX_KEY_CHARACTERS
from fanout.core.position import Position
from fanout.core.reconnect import backoff_seconds
from fanout.core.room import room_name

ANSWER_SECONDS: Final = 15.0
"""How long one attempt may take, connecting included: a commit takes milliseconds, a busy disk seconds."""

ATTEMPTS: Final = 6
"""How often one publication is tried: with waits of up to 0.5, 1, 2, 4 and 8 s it bridges a restart of the server."""

MAX_ANSWER_BYTES: Final = 256 * 1024
"""Longest answer that is read: a hundred positions are 8 KiB."""

_ERROR_BY_STATUS: Final[dict[int, type[errors.FanoutError]]] = {
    400: errors.InvalidInput,
    401: errors.NotAllowed,
    403: errors.NotAllowed,
    404: errors.RoomNotFound,
    409: errors.KeyReused,
    413: errors.InvalidInput,
    422: errors.InvalidInput,
    503: errors.LogUnavailable,
}


class Unreachable(errors.FanoutError):
    """No attempt brought an answer; whether the message was published is not known. `key` makes a later try safe."""

    code = "unreachable"

    def __init__(self, detail: str, key: str) -> None:
        super().__init__(detail)
        self.key = key


@dataclass(frozen=True, slots=True)
class Receipt:
    """A message is durable, under this id and at this position."""

    id: str
    position: Position


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    retry_after: float | None


class Publisher:
    """Publishes to any room of one server; made by `open_publisher`. One publication at a time; others wait."""

    def __init__(self, target: Target, token: str | None, context: ssl.SSLContext | None) -> None:
        self._target, self._token, self._context = target, token, context
        self._stream: trio.abc.Stream | None = None
        self._http = h11.Connection(h11.CLIENT)
        self._turn = trio.Lock()

    async def publish(
        self,
        room: str,
        text: str,
        *,
        kind: str | None = None,
        re: str | None = None,
        data: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> Receipt:
        """Publish one message; returns when it is durable. The errors are those of `publish_all`."""
        said = {"text": text, "kind": kind, "re": re, "data": data}
        (receipt,) = await self._post(room, {name: value for name, value in said.items() if value is not None}, key)
        return receipt

    async def publish_all(
        self, room: str, messages: Sequence[Mapping[str, Any]], *, key: str | None = None
    ) -> list[Receipt]:
        """Publish all of these objects (`text`, `kind`?, `re`?, `data`?) or none, one after the other.

        Args:
            key: The idempotency key, if there is one from an earlier try; else a fresh one is drawn.

        Raises:
            InvalidInput, NotAllowed, RoomNotFound, KeyReused: The server says why, with its code. LogUnavailable: It
            could not commit, each time. Unreachable: Nobody answered.
        Cancellation: whether it was published is not known then; the same key makes another try harmless.
        """
        return await self._post(room, list(messages), key)

    async def _post(self, room: str, content: object, key: str | None) -> list[Receipt]:
        room_name(room)
        key = key or str(uuid.uuid4())
        if not (key.isascii() and key.isprintable() and len(key) <= MAX_KEY_CHARACTERS):
            raise errors.InvalidInput(f"A key is up to {MAX_KEY_CHARACTERS} plain ASCII characters.", code="bad_key")
        body = msgspec.json.encode(content)
        async with self._turn:
            for attempt in range(1, ATTEMPTS + 1):
                failure: errors.FanoutError
                wait = backoff_seconds(attempt, random.random())
                try:
                    with trio.fail_after(ANSWER_SECONDS):
                        answer = await self._exchange(self._target.messages_path(room), body, key)
                except (OSError, trio.BrokenResourceError, trio.TooSlowError, h11.RemoteProtocolError) as error:
                    failure = Unreachable(f"{self._target.authority} did not answer: {innermost(error)}.", key)
                else:
                    if answer.status not in TEMPORARY_STATUS:
                        return _receipts(answer)
                    failure = _failure(answer)
                    wait = max(wait, answer.retry_after or 0)
                if attempt < ATTEMPTS:
                    await trio.sleep(wait)
            raise failure

    async def _exchange(self, path: str, body: bytes, key: str) -> _Answer:
        """One request and its answer, on the connection that is there or on a new one. A connection on which anything
        goes wrong, a cancellation included, is not used again."""
        try:
            if self._stream is None:
                self._stream = await open_stream(self._target, self._context)
                self._http = h11.Connection(h11.CLIENT)
            headers = [
                ("Host", self._target.authority),
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(body))),
                ("Idempotency-Key", key),
            ]
            if self._token:
                headers.append(("Authorization", f"Bearer {self._token}"))
            parts = (h11.Request(method="POST", target=path, headers=headers), h11.Data(data=body), h11.EndOfMessage())
            await self._stream.send_all(b"".join(self._http.send(part) or b"" for part in parts))
            answer = await self._answer(self._stream)
        except BaseException:
            await self.aclose()
            raise
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        else:
            await self.aclose()
        return answer

    async def _answer(self, stream: trio.abc.Stream) -> _Answer:
        status, retry_after, body = 0, None, b""
        while True:
            event = self._http.next_event()
            if event is h11.NEED_DATA:
                self._http.receive_data(bytes(await stream.receive_some()))
            elif isinstance(event, h11.Response):
                status = event.status_code
                written = dict(event.headers).get(b"retry-after", b"")
                retry_after = float(written) if written.isdigit() and len(written) < 4 else None
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > MAX_ANSWER_BYTES:
                    raise h11.RemoteProtocolError("the answer is endless")
            elif isinstance(event, h11.EndOfMessage):
                return _Answer(status, body, retry_after)
            elif isinstance(event, h11.ConnectionClosed):
                raise h11.RemoteProtocolError("the connection was closed before an answer")

    async def aclose(self) -> None:
        """Let go of the connection; the next publication opens another."""
        stream, self._stream = self._stream, None
        if stream is not None:
            await trio.aclose_forcefully(stream)


@asynccontextmanager
async def open_publisher(
    url: str, *, token: str | None = None, ssl_context: ssl.SSLContext | None = None
) -> AsyncIterator[Publisher]:
    """A publisher to the server at `url`. Nothing is connected before the first publication.

    Raises:
        InvalidInput: `bad_url`.
    """
    publisher = Publisher(Target.parse(url), token, ssl_context)
    try:
        yield publisher
    finally:
        await publisher.aclose()


def _receipts(answer: _Answer) -> list[Receipt]:
    if answer.status not in (200, 201):
        raise _failure(answer)
    try:
        content = msgspec.json.decode(answer.body)
        given = content if isinstance(content, list) else [content]
        return [Receipt(str(each["id"]), Position.parse(each["position"])) for each in given]
    except (msgspec.DecodeError, KeyError, TypeError, errors.InvalidInput) as error:
        raise errors.FanoutError(f"The server's answer is not one of ours: {error!r}.", code="not_understood") from None


def _failure(answer: _Answer) -> errors.FanoutError:
    """The error that an answer stands for, with the server's own code and words (RFC 9457) where it has some."""
    code, detail = None, f"The server answered {answer.status}."
    try:
        problem = msgspec.json.decode(answer.body)
        code, detail = str(problem["code"]), str(problem["detail"])
    except (msgspec.DecodeError, KeyError, TypeError):
        code = None
    return _ERROR_BY_STATUS.get(answer.status, errors.FanoutError)(detail, code=code)
