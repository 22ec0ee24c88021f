"""HTTP as a member of staff or a gateway speaks it: one kept connection, and patience while the server is away."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any, Final

from fanout.client.target import Target

ONE_TRY_SECONDS: Final = 15.0
"""How long one answer may take before the connection is given up."""

BETWEEN_TRIES_SECONDS: Final = 0.2


def code_of(status: int, answer: Any) -> str:
    """What a refusal is called: by the problem that it brings, or else by its status."""
    return str(answer.get("code", status) if isinstance(answer, dict) else status)


class Away(Exception):
    """The server did not answer for as long as we had patience."""


class Caller:
    """Makes calls over one connection at a time. Of one thread."""

    def __init__(self, target: Target, token: str | None, source: str | None = None) -> None:
        self._target, self._token, self._source = target, token, source
        self._line: http.client.HTTPConnection | None = None
        self.tried = 0
        """How often the last call was made; more than once: an earlier one may have been heard."""
        self.put_off = False
        """Whether the last call was answered with 503 at least once."""

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        patience: float = 60.0,
        key: str | None = None,
        token: str | None = None,
    ) -> tuple[int, Any]:
        """The status and the JSON of the answer. Broken connections and 503 are tried again. `token`: of whoever calls
        this once, in place of the caller's own.

        Raises:
            Away: For `patience` seconds there was no other answer.
        """
        headers = {"Content-Type": "application/json"}
        if token or self._token:
            headers["Authorization"] = f"Bearer {token or self._token}"
        if key:
            headers["Idempotency-Key"] = key
        sent = None if body is None else json.dumps(body).encode()
        end, why = time.monotonic() + patience, "no answer"
        self.tried, self.put_off = 0, False
        while True:
            self.tried += 1
            try:
                line = self._connection()
                line.request(method, self._target.prefix + path, sent, headers)
                answer = line.getresponse()
                content = answer.read()
                if answer.status != 503:
                    return answer.status, json.loads(content) if content else None
                why, self.put_off = "503", True
            except (OSError, http.client.HTTPException, ValueError) as error:
                self.close()
                why = f"{type(error).__name__}: {error}"
            if time.monotonic() > end:
                raise Away(f"{method} {path}: {why}")
            time.sleep(BETWEEN_TRIES_SECONDS)

    def fetch(self, path: str) -> tuple[int, bytes]:
        """The status of a page or a file, and what is in it; 0 when there was no answer. It is not tried again."""
        try:
            line = self._connection()
            line.request("GET", self._target.prefix + path)
            answer = line.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            return 0, b""

    def _connection(self) -> http.client.HTTPConnection:
        if self._line is None:
            kind = http.client.HTTPSConnection if self._target.secure else http.client.HTTPConnection
            self._line = kind(
                self._target.host,
                self._target.port,
                timeout=ONE_TRY_SECONDS,
                source_address=(self._source, 0) if self._source else None,
            )
        return self._line

    def close(self) -> None:
        """Let go of the connection."""
        if self._line is not None:
            self._line.close()
            self._line = None
