"""Asks a service elsewhere: each submission goes to one address, signed, and the answer is the verdict.

The service gets `{"id", "room", "source", "name", "text", "at"}`; who the author is under a pseudonym, or where they
are, is not told. It answers 200 with `{"verdict": "accept"|"hold"|"reject"|"replace"}`, a `"reason"` (needed for
`reject`) and, for `replace`, a `"text"`. Whatever else comes is a failure: then `on_failure` of the plug-in decides.
How to check the signature: `fanout.plugins.webhook_signature`.
"""

from __future__ import annotations

import importlib
import ipaddress
import json
import os
import secrets
import time
from pathlib import Path
from types import ModuleType
from typing import Any, Final
from urllib.parse import urlsplit

import trio

from fanout.plugins import ConfigurationError, RoomView, Submission, Verdict, accept, hold, reject, replace
from fanout.plugins.options import check_text, refused
from fanout.plugins.webhook_signature import (
    DELIVERY_HEADER,
    LEAST_SECRET_BYTES,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    sign,
)

NAME: Final = "webhook"

MAX_ANSWER_BYTES: Final = 65_536
"""Bytes of an answer: it is a word, a reason and at most a text."""

MAX_SECRET_BYTES: Final = 4096
"""Bytes of the file with the secret: another file was meant if it is longer."""

_MAX_REASON_CHARACTERS: Final = 500


class BadAnswer(Exception):
    """The service did not answer as it should; the message says how, and never what."""


class Webhook:
    """Options:

    Args:
        url: Where to ask, `https:`; `http:` only on this machine (`127.0.0.1`, `[::1]`, `localhost`).
        secret_env: The name of the environment variable that has the secret, or
        secret_file: the path of the file that has it. At least 16 bytes; white space around it does not count.
    Raises:
        ConfigurationError: An option that can't be used, or httpx is not installed (`fanout-live[webhook]`).
    """

    name = NAME
    deadline = 2.0
    concurrency = 32
    on_failure = "hold"
    order = 150  # after what is free

    def __init__(self, *, url: str, secret_env: str = "", secret_file: str = "") -> None:
        self._url = _checked_url(check_text(NAME, "url", url))
        self._secret = _secret(secret_env, secret_file)
        httpx = _httpx()
        self._client: Any = httpx.AsyncClient(
            follow_redirects=False,
            trust_env=False,  # a proxy of the environment would read what visitors write
            timeout=None,  # the deadline of the plug-in ends it
            limits=httpx.Limits(max_connections=64, max_keepalive_connections=32),
            headers={"User-Agent": "fanout-webhook", "Accept": "application/json", "Accept-Encoding": "identity"},
        )

    async def review_submission(self, submission: Submission, room: RoomView) -> Verdict | None:
        """What the service says.

        Raises:
            BadAnswer: It did not answer 200 with a verdict in JSON of at most 64 KiB.
            httpx.HTTPError: It could not be reached.
        """
        body = _body(submission)
        timestamp, delivery = str(int(time.time())), secrets.token_hex(16)
        headers = {
            "Content-Type": "application/json",
            DELIVERY_HEADER: delivery,
            TIMESTAMP_HEADER: timestamp,
            SIGNATURE_HEADER: sign(self._secret, timestamp, delivery, body),
        }
        async with self._client.stream("POST", self._url, content=body, headers=headers) as response:
            if response.status_code != 200:
                raise BadAnswer(f"the service answered {response.status_code}")
            if response.headers.get("content-encoding", "identity") != "identity":
                raise BadAnswer("the answer is compressed, and nobody asked for that")
            answer = bytearray()
            with trio.CancelScope() as enough:  # left by `break`, httpx would keep half-read generators
                async for part in response.aiter_raw():
                    answer += part
                    if len(answer) > MAX_ANSWER_BYTES:
                        enough.cancel()
        if len(answer) > MAX_ANSWER_BYTES:
            raise BadAnswer(f"the answer has more than {MAX_ANSWER_BYTES} bytes")
        return _verdict(bytes(answer))


def _body(submission: Submission) -> bytes:
    told = {
        "id": submission.id,
        "room": submission.room,
        "source": submission.source.value,
        "name": submission.name,
        "text": submission.text,
        "at": submission.at,
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def _verdict(answer: bytes) -> Verdict:
    try:
        said = json.loads(answer)
    except (ValueError, RecursionError):
        raise BadAnswer("the answer is no JSON") from None
    if not isinstance(said, dict):
        raise BadAnswer("the answer is no JSON object")
    reason = said.get("reason", "")
    if not isinstance(reason, str) or len(reason) > _MAX_REASON_CHARACTERS:
        raise BadAnswer(f"reason is a text of at most {_MAX_REASON_CHARACTERS} characters")
    match said.get("verdict"):
        case "accept":
            return accept()
        case "hold":
            return hold(reason, rule="service")
        case "reject" if reason.strip():
            return reject(reason, rule="service")
        case "reject":
            raise BadAnswer("a rejection needs a reason")
        case "replace" if isinstance(said.get("text"), str):
            return replace(said["text"], rule="service")
        case "replace":
            raise BadAnswer("a replacement needs a text")
    raise BadAnswer("verdict is none of accept, hold, reject, replace")


def _checked_url(url: str) -> str:
    accepts = "is an https URL without user, password and fragment; http only to this machine."
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise refused(NAME, "url", accepts) from None
    clean = url.isascii() and url.isprintable() and not set(url) & set(" \\#") and "@" not in parts.netloc
    if not clean or not host or not (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))):
        raise refused(NAME, "url", accepts)
    return url


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _secret(variable: str, path: str) -> bytes:
    if bool(variable) == bool(path):
        raise refused(NAME, "secret_env", "or secret_file says where the secret is; one of the two.")
    if variable:
        option = "secret_env"
        found = os.environ.get(check_text(NAME, option, variable), "").encode(errors="surrogateescape")
    else:
        option = "secret_file"
        try:
            with Path(check_text(NAME, option, path)).open("rb") as file:
                found = file.read(MAX_SECRET_BYTES + 1)
        except (OSError, ValueError) as error:
            raise refused(NAME, option, f"can't be read: {type(error).__name__}.") from None
    secret = found.strip()
    if not LEAST_SECRET_BYTES <= len(secret) <= MAX_SECRET_BYTES:
        raise refused(NAME, option, f"leads to a secret of {LEAST_SECRET_BYTES} to {MAX_SECRET_BYTES} bytes.")
    return secret


def _httpx() -> ModuleType:
    try:
        return importlib.import_module("httpx")
    except ImportError:
        raise ConfigurationError(f"plugins.{NAME}", "needs httpx: pip install 'fanout-live[webhook]'.") from None
