"""The head of an HTTP/1.1 request, strictly: one parser for the fast path and for ordinary HTTP (RFC 9110, RFC 9112).

Strict where the RFCs let a server choose: two readers of the same bytes that disagree are how requests are smuggled
(RFC 9112 §11.2), so what is doubtful is refused with a status and a stable code. The one leniency: in a query, the
characters that browsers leave unencoded there (WHATWG URL §1.3) are let through, though RFC 3986 has no place for them.

Of the 113 cases that tests/wire/test_request_head.py has refused here, h11 0.16 lets 50 through (a length beside
chunked, control characters, folding, any Host) and httptools 0.9 39 (two Hosts or none, no version).

Measured with a browser's upgrade of 617 bytes, fourteen fields (CPU time, Python 3.11): the end is found in 1.3 µs,
the head read in 11; with `join.hub_request` and `join.handshake_response` the whole way takes 17.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import unquote_to_bytes

import msgspec

from fanout.errors import InvalidInput

MAX_HEAD_BYTES: Final = 16 * 1024
"""Bytes of a request head, with its line ends. Browsers send 600 and some cookies; common servers take 8 to 16 KiB.
Beyond: 431 `head_too_long`."""

MAX_TARGET_BYTES: Final = 8000
"""Bytes of a request target: what RFC 9112 §3 asks everybody to support. Beyond: 414 `target_too_long`."""

MAX_FIELDS: Final = 100
"""Header lines of one request; a browser sends twenty. Beyond: 431 `too_many_fields`."""

MAX_METHOD_CHARACTERS: Final = 20
"""Letters of a method; the longest registered one has 17. Beyond: 501, as RFC 9112 §3 advises."""

MAX_LENGTH_DIGITS: Final = 15
"""Digits of a Content-Length: a petabyte. Beyond: 400 `bad_content_length`."""


class BadRequest(InvalidInput):
    """A request that is refused before anybody has looked at what it asks for.

    `status` is 400, 414, 426, 431, 501 or 505; `headers` are those that the status requires in its response.
    """

    def __init__(self, detail: str, *, code: str, status: int = 400, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(detail, code=code)
        self.status = status
        self.headers = headers


class RequestHead(msgspec.Struct, frozen=True):
    """A request head in order.

    `path` is percent-decoded once, valid UTF-8 and free of control characters (`*` for the asterisk form, empty for
    CONNECT). `query` is as it came, without the question mark. `minor_version` is 0 or 1. `headers` has lower-case
    names and Latin-1 values without outer white space; its `host` is the target's if the target names one (RFC 9112
    §3.2.2).
    """

    method: str
    target: str
    path: str
    query: str
    minor_version: int
    headers: dict[str, str]


_TCHAR: Final = rb"!#$%&'*+.^_`|~0-9A-Za-z-"
_TOKEN_BYTES: Final = bytes(b for b in range(256) if re.match(rb"[%b]" % _TCHAR, bytes((b,))))
_FIELD_BYTES: Final = bytes((9, *range(0x20, 0x7F), *range(0x80, 0x100)))
"""What may stand in a field line (RFC 9110 §5.5): visible characters, obs-text, space and tab."""

_LEADING_LINE_ENDS = re.compile(rb"(?:\r\n)*+")
_CAN_BEGIN = re.compile(rb"\r?\Z|[%b]++(?:\Z| )" % _TCHAR)
_NEVER_VALID = re.compile(rb"(?<!\r)\n|\r[^\n]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_REQUEST_LINE = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]++) ([!-~]++) HTTP/([0-9])\.([0-9])", re.ASCII)
_ORIGIN_FORM = re.compile(
    r"(/(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*+)(?:\?([A-Za-z0-9._~!$&'()*+,;=:@/?%{}|\\^`\[\]-]*+))?+"
)
_ABSOLUTE_FORM = re.compile(r"(?i:https?)://([^/?#]*+)(.*+)")
_HOST = re.compile(
    r"(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})++(?::[0-9]{0,5})?+"
    r"|\[(?:[0-9A-Fa-f:.]{2,45}|v[0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+)\](?::[0-9]{0,5})?+"
)
_AUTHORITY_FORM = re.compile(r"(?:.+):[0-9]{1,5}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_ONCE: Final = frozenset(
    {
        "authorization",
        "content-length",
        "content-range",
        "content-type",
        "date",
        "expect",
        "from",
        "host",
        "idempotency-key",
        "if-modified-since",
        "if-range",
        "if-unmodified-since",
        "last-event-id",
        "max-forwards",
        "origin",
        "proxy-authorization",
        "range",
        "referer",
        "sec-websocket-key",
        "sec-websocket-version",
        "user-agent",
    }
)
"""Fields that are not lists, so that two lines of one can't be joined (RFC 9110 §5.3, RFC 6455 §11.3)."""


def find_head_end(buffer: bytes | bytearray, start: int = 0) -> int:
    """Where the request head at the beginning of `buffer` ends (after its empty line), or -1 if more must come.

    Args:
        start: How much of the buffer an earlier call has looked at, to save looking again.

    Raises:
        BadRequest: It can never become a valid head: too long, or something stands in it that no head may have.
    """
    begin = 0
    if buffer.startswith(b"\r"):
        match = _LEADING_LINE_ENDS.match(buffer)
        begin = match.end() if match else 0
    end = buffer.find(b"\r\n\r\n", max(begin, start - 3)) + 4
    if end > MAX_HEAD_BYTES or (end < 4 and len(buffer) > MAX_HEAD_BYTES):
        raise _too_long()
    if end >= 4:
        return end
    if not _CAN_BEGIN.match(buffer, begin):
        raise BadRequest("This is not an HTTP request: it does not begin with a method.", code="bad_request_line")
    if _NEVER_VALID.search(buffer, max(begin, start - 1)):
        raise _bad_character()
    return -1


def parse_request_head(head: bytes | bytearray) -> RequestHead:
    """Read a head that ends with its empty line.

    Raises:
        BadRequest: 400, 414, 431, 501 or 505, with a code that says which rule was broken.
    """
    if len(head) > MAX_HEAD_BYTES:
        raise _too_long()
    if head.startswith(b"\r\n"):
        match = _LEADING_LINE_ENDS.match(head)
        head = head[match.end() :] if match else head
    lines = head.decode("latin-1").split("\r\n")
    ends = len(lines) - 1
    # As many CR, and as many LF, as there are pairs of them: then none stands alone. And nothing else was left over.
    if head.translate(None, _FIELD_BYTES) != b"\r\n" * ends:
        raise _bad_character()
    if ends < 2 or lines[-1] or lines[-2]:
        raise BadRequest("A request head ends with an empty line.", code="bad_request_line")
    method, target, minor_version = _request_line(lines[0])
    headers = _fields(lines[1:-2])
    _check_host(headers, minor_version)
    path, query = _target(method, target, headers)
    if "transfer-encoding" in headers or "content-length" in headers:
        _check_framing(headers, minor_version)
    return RequestHead(method, target, path, query, minor_version, headers)


def _request_line(line: str) -> tuple[str, str, int]:
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        raise BadRequest(
            "A request line is a method, one space, a target, one space and HTTP/1.1.", code="bad_request_line"
        )
    method, target, major, minor = match.groups()
    if major != "1":
        raise BadRequest("This server speaks HTTP/1.1.", code="bad_version", status=505)
    if len(target) > MAX_TARGET_BYTES:
        raise BadRequest(f"A target has at most {MAX_TARGET_BYTES} bytes.", code="target_too_long", status=414)
    if len(method) > MAX_METHOD_CHARACTERS:
        raise BadRequest("There is no such method.", code="unknown_method", status=501)
    return method, target, 0 if minor == "0" else 1


def _fields(lines: list[str]) -> dict[str, str]:
    if len(lines) > MAX_FIELDS:
        raise BadRequest(f"A request has at most {MAX_FIELDS} header lines.", code="too_many_fields", status=431)
    split = [line.partition(":") for line in lines]
    headers = {name.lower(): value.strip(" \t") for name, _, value in split}
    if "".join(headers).encode("latin-1").translate(None, _TOKEN_BYTES) or "" in headers:
        raise _bad_field()
    odd = len(headers) < len(lines) or "" in headers.values()  # the rest can't lack a colon or be there twice
    return _joined(split) if odd else headers


def _joined(split: list[tuple[str, str, str]]) -> dict[str, str]:
    """Header lines of which some have the same name: a list goes on, anything else may stand only once."""
    headers: dict[str, str] = {}
    for name, colon, value in split:
        if not colon:
            raise _bad_field()
        name = name.lower()
        value = value.strip(" \t")
        if name in headers:
            if name in _ONCE:
                raise BadRequest(f"{name} may stand only once.", code="repeated_field")
            value = headers[name] + ("; " if name == "cookie" else ", ") + value
        headers[name] = value
    return headers


def _target(method: str, target: str, headers: dict[str, str]) -> tuple[str, str]:
    """The decoded path and the raw query; the host of an absolute target goes into the headers."""
    if method == "CONNECT":
        if not _AUTHORITY_FORM.fullmatch(target) or not _is_host(target):
            raise _bad_target()
        return "", ""
    if target == "*":
        if method != "OPTIONS":
            raise _bad_target()
        return "*", ""
    if not target.startswith("/"):
        match = _ABSOLUTE_FORM.fullmatch(target)
        if match is None or not _is_host(match[1]):
            raise _bad_target()
        headers["host"] = match[1]
        target = match[2] if match[2].startswith("/") else "/" + match[2]
    match = _ORIGIN_FORM.fullmatch(target)
    if match is None:
        raise _bad_target()
    path, query = match[1], match[2] or ""
    if "%" in path:
        try:
            path = unquote_to_bytes(path).decode()
        except UnicodeDecodeError:
            raise BadRequest("The path is not UTF-8.", code="bad_target") from None
        if _CONTROL.search(path):
            raise BadRequest("The path has control characters.", code="bad_target")
    return path, query


def _check_host(headers: dict[str, str], minor_version: int) -> None:
    host = headers.get("host")
    if host is None:
        if minor_version == 1:
            raise BadRequest("HTTP/1.1 requires a Host.", code="bad_host")
    elif not _is_host(host):
        raise BadRequest("Host is a name or address, and perhaps a port.", code="bad_host")


def _check_framing(headers: dict[str, str], minor_version: int) -> None:
    """RFC 9112 §6: one way to say how long the body is, and one that is understood."""
    length = headers.get("content-length")
    coding = headers.get("transfer-encoding")
    if length is not None and not (length.isascii() and length.isdigit() and len(length) <= MAX_LENGTH_DIGITS):
        raise BadRequest(
            f"Content-Length is one number of up to {MAX_LENGTH_DIGITS} digits.", code="bad_content_length"
        )
    if coding is None:
        return
    if length is not None:
        raise BadRequest("Content-Length and Transfer-Encoding exclude each other.", code="length_with_chunked")
    if minor_version == 0:
        raise BadRequest("HTTP/1.0 has no Transfer-Encoding.", code="bad_transfer_encoding")
    codings = [coding.strip(" \t").lower() for coding in coding.split(",")]
    if codings == ["chunked"]:
        return
    if codings[-1] != "chunked" or "chunked" in codings[:-1] or "" in codings:
        raise BadRequest("The last Transfer-Encoding, once, is chunked.", code="bad_transfer_encoding")
    raise BadRequest("chunked is the one Transfer-Encoding here.", code="unknown_transfer_encoding", status=501)


@lru_cache(maxsize=64)  # everybody comes to the same few names
def _is_host(host: str) -> bool:
    return _HOST.fullmatch(host) is not None


def _too_long() -> BadRequest:
    return BadRequest(f"A request head has at most {MAX_HEAD_BYTES} bytes.", code="head_too_long", status=431)


def _bad_character() -> BadRequest:
    return BadRequest("The head has a control character, or a lone CR or LF.", code="bad_character")


def _bad_field() -> BadRequest:
    return BadRequest("A header line is a name, a colon at once, and a value on the same line.", code="bad_field_line")


def _bad_target() -> BadRequest:
    return BadRequest("The target is a path, or a whole http or https address.", code="bad_target")
