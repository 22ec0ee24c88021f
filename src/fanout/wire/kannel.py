"""An SMS as Kannel's smsbox hands it over in a query: bytes in whatever character set the sender's telephone chose.

Frameworks read a query as UTF-8, which destroys an SMS in UCS-2: its text is raw UTF-16BE, percent-encoded. So the
query is taken apart as bytes here. Nothing is refused for what is in the text, since whoever sent it will not hear of
it: what can't be read becomes U+FFFD, and `damaged` says so.
"""

from __future__ import annotations

import calendar
import re
import time
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from fanout.errors import InvalidInput

UCS2_CODING: Final = "2"
"""Kannel's `%c` for 16-bit text; 0 is seven-bit, which smsbox has turned into UTF-8, and 1 is eight-bit data."""

_ENCODINGS: Final = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "iso-8859-1": "iso-8859-1",
    "latin1": "iso-8859-1",
    "iso-8859-15": "iso-8859-15",
    "windows-1252": "cp1252",
    "utf-16be": "utf-16-be",
    "utf-16": "utf-16-be",
    "ucs-2": "utf-16-be",
    "ucs-2be": "utf-16-be",
    "utf-16le": "utf-16-le",
}
"""What `%C` may say, in lower case, and how Python calls it. Anything else is read by `coding` alone: a name from
outside is never handed to a codec registry that also knows compressors."""

_DIGITS = re.compile(r"[0-9]{1,12}", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Sms:
    """One SMS. `sent_at` is in milliseconds since 1970, UTC; None where Kannel did not say.

    `token` and `sender` are never to be written down: neither shows in a representation.
    """

    id: str
    sender: str
    receiver: str
    text: str
    sent_at: int | None
    room: str
    token: str
    damaged: bool

    def __repr__(self) -> str:
        return f"Sms(id={self.id!r}, room={self.room!r}, {len(self.text)} characters)"


def read_sms(query: bytes) -> Sms:
    """The SMS in a raw query, `id=%I&from=%p&to=%P&text=%b&ts=%T&coding=%c&charset=%C`, with `room` and `token`.

    `%a` in the place of `%b` works, but loses one of two blanks that follow each other, and in UCS-2 one of two bytes
    that look so: Kannel 1.4.5 breaks " €" (00 20 20 AC) and everything after it.

    Raises:
        InvalidInput: `sms_id_missing`, `sms_sender_missing`, `sms_room_missing`, `bad_query` (a name that stands twice,
            or a value other than the text that is not UTF-8). Whoever sent it can't mend these: the gateway's `get-url`
            is wrong.
    """
    values = _values(query)
    coding, charset = _words(values, "coding"), _words(values, "charset").lower()
    text, damaged = _text(values.get("text", b""), coding, charset)
    return Sms(
        id=_needed(values, "id", "sms_id_missing", "%I"),
        sender=_needed(values, "from", "sms_sender_missing", "%p"),
        receiver=_words(values, "to"),
        text=text,
        sent_at=_milliseconds(_words(values, "ts")),
        room=_needed(values, "room", "sms_room_missing", "NAME"),
        token=_words(values, "token"),
        damaged=damaged,
    )


def _values(query: bytes) -> dict[str, bytes]:
    values: dict[str, bytes] = {}
    for pair in query.split(b"&"):
        raw_name, _, raw_value = pair.partition(b"=")
        name = unquote_to_bytes(raw_name).decode("ascii", "replace")
        if not name:
            continue
        if name in values:
            raise InvalidInput("Each name stands once in the query.", code="bad_query")
        values[name] = unquote_to_bytes(raw_value.replace(b"+", b" "))
    return values


def _words(values: dict[str, bytes], name: str) -> str:
    try:
        return values.get(name, b"").decode().strip()
    except UnicodeDecodeError:
        raise InvalidInput(f"{name} is not UTF-8.", code="bad_query") from None


def _needed(values: dict[str, bytes], name: str, code: str, escape: str) -> str:
    value = _words(values, name)
    if not value:
        raise InvalidInput(f"{name} is missing: the gateway's get-url has {name}={escape} in it.", code=code)
    if name == "from" and value[0].isdigit() and values["from"][:1] == b" ":
        return f"+{value}"  # a + that the gateway did not encode, and that stands for a blank in a query
    return value


def _text(raw: bytes, coding: str, charset: str) -> tuple[str, bool]:
    """The text, and whether something in it could not be read."""
    encoding = _ENCODINGS.get(charset)
    if encoding is None or (coding == UCS2_CODING and not encoding.startswith("utf-16")):
        encoding = "utf-16-be" if coding == UCS2_CODING else "utf-8"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        return raw.decode(encoding, "replace"), True
    return text.removeprefix("\ufeff"), False


def _milliseconds(written: str) -> int | None:
    """`%T` is seconds since 1970; `%t`, which some gateways are set to, is a date and time in UTC."""
    if _DIGITS.fullmatch(written):
        return int(written) * 1000
    if _DATE.fullmatch(written):
        try:
            return calendar.timegm(time.strptime(written, "%Y-%m-%d %H:%M:%S")) * 1000
        except ValueError:
            return None
    return None
