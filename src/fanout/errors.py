"""Every error that fanout raises on purpose, and who is at fault.

FanoutError                 has a stable `code` and a `detail` fit to be shown
├── InvalidInput            the caller's: a value that is not accepted (HTTP 400, or 413 and 422 by its code)
├── ProtocolViolation       the client's: the conversation can't go on (carries the WebSocket close code)
├── NotAllowed              the caller's: a token is missing, wrong, or its role may not do this (HTTP 401, 403)
├── RoomNotFound            the caller's: no such room (HTTP 404, close code 4004)
├── MessageNotFound         the caller's: no such message in this room (HTTP 404)
├── SubmissionNotFound      the caller's: no such submission (HTTP 404)
├── RecordNotFound          the caller's: no such ban, prepared answer or line of an answer (HTTP 404)
├── SubmissionRefused       the visitor's: it will not be taken; says why, in words for them (HTTP 422)
├── TooSoon                 the visitor's: not now; says when (HTTP 429)
├── Banned                  the visitor's: sent away for a time or for good (HTTP 403, close code 4003)
├── Conflict                nobody's: the world moved on (HTTP 409)
│   ├── EpochChanged        the position belongs to another stream
│   ├── KeyReused           an idempotency key came back with other content
│   └── TransitionRefused   the submission has been decided on meanwhile, or somebody else holds it; says who
├── ConfigurationError      the operator's: names the key and what it accepts (exit code 2)
├── LogUnavailable          the world's: a disk is full, a database locked (HTTP 503); carries __cause__
├── StoreUnavailable        the world's: the desk's records can't be written or read (HTTP 503); carries __cause__
├── EngineAway              the world's: a worker's connection to the engine's process is lost; it comes back (HTTP 503)
├── EngineClosed            normal life: the engine is shutting down
└── ListenerOvertaken       normal life: a listener was too slow for a lossless room; says where to resume
"""

from __future__ import annotations


class FanoutError(Exception):
    """The root. `code` is stable and meant for programs; `detail` is a sentence for people."""

    code = "error"

    def __init__(self, detail: str, *, code: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        if code is not None:
            self.code = code


class InvalidInput(FanoutError):
    """A value that is not accepted. `detail` says which, and what is."""

    code = "invalid"


class ProtocolViolation(FanoutError):
    """A client broke the protocol so that its connection must end with `close_code` (RFC 6455 §7.4, or 4009)."""

    code = "protocol_error"

    def __init__(self, detail: str, *, close_code: int, code: str | None = None) -> None:
        super().__init__(detail, code=code)
        self.close_code = close_code


class NotAllowed(FanoutError):
    """No token (`token_missing`), one that does not hold (`token_refused`), or a role that may not (`role_refused`)."""

    code = "role_refused"


class RoomNotFound(FanoutError):
    """There is no room of that name."""

    code = "room_not_found"


class MessageNotFound(FanoutError):
    """There is no message of that id in the room."""

    code = "message_not_found"


class SubmissionNotFound(FanoutError):
    """There is no submission of that id."""

    code = "submission_not_found"


class RecordNotFound(FanoutError):
    """There is no ban (`ban_not_found`), prepared answer (`prepared_answer_not_found`) or line of an answer
    (`line_not_found`) of that id."""

    code = "record_not_found"


class SubmissionRefused(FanoutError):
    """A visitor's message is not taken. `detail` is the reason that the visitor may see."""

    code = "rejected"


class TooSoon(FanoutError):
    """A visitor sends faster than is wanted. `after_s`: seconds to wait."""

    code = "rate_limited"

    def __init__(self, detail: str, *, after_s: float) -> None:
        super().__init__(detail)
        self.after_s = after_s


class Banned(FanoutError):
    """This visitor was sent away. `detail` is the reason that they may see."""

    code = "banned"


class Conflict(FanoutError):
    """What was asked for does not fit the present state; asking again unchanged will not help."""

    code = "conflict"


class EpochChanged(Conflict):
    """The position belongs to another stream than the one the room has now."""

    code = "epoch_changed"


class KeyReused(Conflict):
    """An idempotency key was used before, with other content."""

    code = "idempotency_key_reused"


class TransitionRefused(Conflict):
    """A step does not lead on from the submission's state (`already_decided`, `nothing_to_undo`), is another's to undo
    (`not_your_step`), or somebody else has it in hand (`leased`). The detail says who."""

    code = "already_decided"


class ConfigurationError(FanoutError):
    """A setting can't be used. `key` names it; `detail` says what it accepts."""

    code = "configuration"

    def __init__(self, key: str, detail: str) -> None:
        super().__init__(f"{key}: {detail}")
        self.key = key


class LogUnavailable(FanoutError):
    """The log could not commit: nothing was published. Worth another try with the same idempotency key."""

    code = "log_unavailable"


class StoreUnavailable(FanoutError):
    """The desk's records could not be written or read: nothing was changed. Worth another try."""

    code = "store_unavailable"


class EngineAway(FanoutError):
    """The process that holds the engine does not answer: it is being started again. What was under way may have been
    done."""

    code = "engine_away"

    def __init__(self, detail: str = "The engine is being started again; try in a moment.") -> None:
        super().__init__(detail)


class EngineClosed(FanoutError):
    """The engine is shutting down and takes nothing new."""

    code = "closed"


class ListenerOvertaken(FanoutError):
    """A listener of a lossless room fell out of its ring. Listen again with `after=resume_after`: the log has the
    rest."""

    code = "too_slow"

    def __init__(self, detail: str, *, resume_after: str) -> None:
        super().__init__(detail)
        self.resume_after = resume_after
