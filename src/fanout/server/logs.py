"""Logs: one line an event on stderr, JSON for machines or coloured text for a terminal, and never a secret in it.

Whoever logs writes `structlog.get_logger().info("listener_joined", room=name)`. Libraries that use the standard
library's logging come out in the same form, from warnings up.
"""

from __future__ import annotations

import logging
import re
from collections.abc import MutableMapping
from contextlib import suppress
from functools import partial
from typing import Any, Final, Protocol, TextIO, cast

import structlog

_SECRET_KEYS: Final = frozenset({"authorization", "cookie", "password", "secret", "set_cookie", "set-cookie", "token"})

_SECRET_TEXT: Final = re.compile(
    r"(?P<query>\btoken=)[^&\s\"'#]+"  # a query string that carries a token
    r"|(?P<scheme>\bBearer\s+)[^\s\"',]+"  # an Authorization header
    r"|\beyJ[\w-]+\.[\w-]+\.[\w-]*",  # a JWT wherever it stands: its header begins with {" in base64url
    re.ASCII | re.IGNORECASE,
)

REDACTED: Final = "[redacted]"


class LogStream(Protocol):
    """What of a text file logs are written with."""

    def write(self, text: str, /) -> int: ...

    def flush(self) -> None: ...

    def isatty(self) -> bool: ...


class _Lossy:
    """A stream that ends nobody: what can't be written, on a full disk or to a pipe that nobody reads any more, is left
    out. A log line is worth less than an evening."""

    def __init__(self, stream: LogStream) -> None:
        self._stream = stream

    def write(self, text: str, /) -> int:
        with suppress(OSError):
            return self._stream.write(text)
        return 0

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def redact(_logger: object, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A structlog processor: takes out what could be a secret, by its key or by its looks, at every depth."""
    for key, value in event.items():
        event[key] = REDACTED if key.lower() in _SECRET_KEYS else _clean(value)
    return event


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _SECRET_TEXT.sub(lambda match: (match["query"] or match["scheme"] or "") + REDACTED, value)
    if isinstance(value, bytes):
        return _clean(value.decode("utf-8", "replace"))
    if isinstance(value, dict):
        return redact(None, "", dict(value))
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(item) for item in value]
    if isinstance(value, BaseException):
        return _clean(repr(value))
    return value


def _say_process(
    process: str, _logger: object, _name: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    event.setdefault("process", process)
    return event


def configure_logs(log_format: str | None, stream: LogStream, process: str | None = None) -> None:
    """Send every log of the process to `stream`.

    Args:
        log_format: `json` or `console`; None chooses by whether `stream` is a terminal.
        process: Which of several processes this is, said in every line.
    """
    console = log_format == "console" or (log_format is None and stream.isatty())
    lossy = _Lossy(stream)
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        *([] if process is None else [partial(_say_process, process)]),
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.processors.UnicodeDecoder(),
        redact,
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback)
        if console
        else structlog.processors.JSONRenderer(ensure_ascii=False, default=repr)
    )
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, lossy)),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler[Any](lossy)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(True)


def log_crash(error: BaseException) -> None:
    """Note an error that nobody foresaw, with its traceback, so that it can be found and mended."""
    structlog.get_logger().critical("crashed", exc_info=(type(error), error, error.__traceback__))
