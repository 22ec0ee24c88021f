"""What a client tells of itself while it runs: its state, and the two ways in which a command can fail."""

from __future__ import annotations

from dataclasses import dataclass

import trio

from fanout.client.comeback import Stopped
from fanout.errors import FanoutError
from fanout.wire.replies import Error, Notice, Presence, Published, Submission, Typing, Welcome


@dataclass(frozen=True, slots=True)
class Connecting:
    """An attempt is under way: the first, or the next after `Waiting`."""


@dataclass(frozen=True, slots=True)
class Live:
    """Welcomed by the server, which calls this connection `listener`."""

    listener: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """The connection ended for this `reason`; the next attempt is in `seconds`."""

    seconds: float
    reason: str


@dataclass(frozen=True, slots=True)
class Finished:
    """There will be no further attempt. `error` is None when it was our own wish."""

    error: Stopped | None = None


State = Connecting | Live | Waiting | Finished
News = State | Presence | Typing | Submission | Notice | Error


class CommandRefused(FanoutError):
    """The server refused a publication, a submission or a subscription; `code` is the server's.

    Args:
        after_s: When another try makes sense, in seconds; None where the server did not say.
    """

    code = "refused"

    def __init__(self, detail: str, *, code: str | None = None, after_s: float | None = None) -> None:
        super().__init__(detail, code=code)
        self.after_s = after_s


class NotConfirmed(FanoutError):
    """The connection broke before the server had answered: the message may be published or not.

    Where that matters, publish over HTTP (`fanout.client.publisher`): its key makes a repetition harmless. A submission
    may be repeated with the same `ref` by somebody with an identity.
    """

    code = "not_confirmed"


class Answer:
    """What a command waits for."""

    def __init__(self) -> None:
        self.value: Published | Submission | Welcome | FanoutError | None = None
        self.arrived = trio.Event()

    def set(self, value: Published | Submission | Welcome | FanoutError) -> None:
        self.value = value
        self.arrived.set()

    async def wait(self) -> Published | Submission | Welcome:
        await self.arrived.wait()
        assert self.value is not None
        if isinstance(self.value, FanoutError):
            raise self.value
        return self.value
