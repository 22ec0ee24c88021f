"""What somebody wants to publish, before it has a number or an id, and the rules that it must keep.

Every way in (library, HTTP, WebSocket) passes here, so that nothing gets into a room that another way could not carry:
text that is not Unicode, characters that steer a terminal, numbers that a browser rounds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Final

from fanout.core.json_value import json_object
from fanout.core.limits import (
    MAX_BATCH_MESSAGES,
    MAX_KEY_CHARACTERS,
    MAX_KIND_CHARACTERS,
    MAX_NAME_CHARACTERS,
    MAX_TEXT_BYTES,
)
from fanout.core.message import Author
from fanout.errors import InvalidInput

LATEST_AT: Final = 253_402_300_799_999
"""The last millisecond of the year 9999: what RFC 3339 can write (§5.6, four digits for the year)."""

NOBODY: Final = Author()
"""Neither a name nor a role."""

_KIND = re.compile(r"[a-z][a-z0-9_.-]*", re.ASCII)
_ID = re.compile(r"[a-z0-9]{12}", re.ASCII)
_NOT_IN_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters (Unicode category Cc) but for tab and newline, and surrogates, which are no characters at all."""
_NOT_IN_NAME = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""The same, and everything that begins a new line: a name stands in one."""


@dataclass(frozen=True, slots=True)
class Say:
    """One message to be published. `at` is in milliseconds since 1970, UTC; None is the moment of publishing.

    `kind` says what it is to the pages that show it (`message`, `question`, `answer`…); `re` is the id of the message
    that it refers to; `data` a JSON object that goes with it. `id` is what the message will be called by, when somebody
    had to write that down before it is published; that no other message has it is their duty.
    """

    text: str
    author: Author = NOBODY
    kind: str = "message"
    re: str | None = None
    data: Mapping[str, Any] | None = None
    at: int | None = None
    id: str | None = None


def checked(says: Sequence[Say]) -> list[Say]:
    """The same, each with a copy of its data, if all of them may be published.

    Raises:
        InvalidInput: `batch_empty`, `batch_too_long`; for one of them (the detail says which) `bad_text`, `text_empty`,
            `text_too_long`, `bad_name`, `name_too_long`, `bad_role`, `bad_kind`, `bad_re`, `bad_id`, `bad_at`,
            `bad_data`, `data_too_deep`, `data_too_long`.
    """
    if not says:
        raise InvalidInput("A publication has at least one message.", code="batch_empty")
    if len(says) > MAX_BATCH_MESSAGES:
        raise InvalidInput(f"A publication has at most {MAX_BATCH_MESSAGES} messages.", code="batch_too_long")
    if len(says) == 1:
        return [_checked_one(says[0])]
    passed = []
    for number, say in enumerate(says, 1):
        try:
            passed.append(_checked_one(say))
        except InvalidInput as problem:
            raise InvalidInput(f"Message {number} of {len(says)}: {problem.detail}", code=problem.code) from None
    return passed


def _checked_one(say: Say) -> Say:
    _check_text(say.text)
    _check_author(say.author)
    if not isinstance(say.kind, str) or len(say.kind) > MAX_KIND_CHARACTERS or not _KIND.fullmatch(say.kind):
        raise InvalidInput(
            f"kind has 1 to {MAX_KIND_CHARACTERS} lower-case letters, digits, dots, hyphens or underscores and "
            "begins with a letter.",
            code="bad_kind",
        )
    if say.re is not None and not is_message_id(say.re):
        raise InvalidInput("re is the id of a message: 12 lower-case letters and digits.", code="bad_re")
    if say.id is not None and not is_message_id(say.id):
        raise InvalidInput("id is 12 lower-case letters and digits.", code="bad_id")
    if say.at is not None and not (type(say.at) is int and 0 <= say.at <= LATEST_AT):
        raise InvalidInput("at is in whole milliseconds since 1970, up to the year 9999.", code="bad_at")
    if say.data is not None:
        return replace(say, data=json_object(say.data))
    if not say.text or say.text.isspace():
        raise InvalidInput("text is empty, and there is no data either.", code="text_empty")
    return say


def _check_text(text: str) -> None:
    if not isinstance(text, str):
        raise InvalidInput(f"text is a string, not {type(text).__name__}.", code="bad_text")
    # In characters first: nobody should encode a gigabyte to learn that it is too long.
    if len(text) > MAX_TEXT_BYTES or len(text.encode(errors="replace")) > MAX_TEXT_BYTES:
        raise InvalidInput(f"text has at most {MAX_TEXT_BYTES} bytes in UTF-8; this has more.", code="text_too_long")
    if found := _NOT_IN_TEXT.search(text):
        raise InvalidInput(
            f"text has {_character(found[0])} at character {found.start() + 1}; of the control characters only "
            "newline and tab are accepted.",
            code="bad_text",
        )


def _check_author(author: Author) -> None:
    if not isinstance(author.name, str) or not isinstance(author.role, str):
        raise InvalidInput("An author's name and role are strings.", code="bad_name")
    if len(author.name) > MAX_NAME_CHARACTERS:
        raise InvalidInput(f"An author's name has at most {MAX_NAME_CHARACTERS} characters.", code="name_too_long")
    if found := _NOT_IN_NAME.search(author.name):
        raise InvalidInput(
            f"An author's name has {_character(found[0])} at character {found.start() + 1}; it takes no line ends and "
            "no control characters.",
            code="bad_name",
        )
    if author.role and (len(author.role) > MAX_KIND_CHARACTERS or not _KIND.fullmatch(author.role)):
        raise InvalidInput("An author's role is a word in lower-case letters.", code="bad_role")


def _character(character: str) -> str:
    code = ord(character)
    return f"half a character (surrogate U+{code:04X})" if 0xD800 <= code <= 0xDFFF else f"U+{code:04X}"


def is_message_id(written: object) -> bool:
    """Whether this could be the id of a message: nothing else is worth looking up."""
    return isinstance(written, str) and _ID.fullmatch(written) is not None


def idempotency_key(key: str) -> str:
    """The key itself, if it may be one.

    Raises:
        InvalidInput: `bad_key` (empty, or something in it that can't be printed), `key_too_long`.
    """
    if not isinstance(key, str) or not key or not key.isprintable():
        raise InvalidInput("An idempotency key is printable text and not empty.", code="bad_key")
    if len(key) > MAX_KEY_CHARACTERS:
        raise InvalidInput(f"An idempotency key has at most {MAX_KEY_CHARACTERS} characters.", code="key_too_long")
    return key


def fingerprint(says: Sequence[Say]) -> bytes:
    """What tells the same content from other content under a used key: 32 bytes.

    `at` and `id` do not count: whoever tries again does so later, and gets the first one's id. Every part is written
    with its type and length, so that no two contents run together into the same bytes.
    """
    digest = sha256()
    for say in says:
        for part in (say.text, say.author.name, say.author.role, say.kind, say.re, say.data):
            digest.update(_marked(part))
    return digest.digest()


def _marked(value: object) -> bytes:
    if isinstance(value, Mapping):
        members = b"".join(_marked(key) + _marked(value[key]) for key in sorted(value))
        return b"{%d:%b" % (len(members), members)
    if isinstance(value, (list, tuple)):
        items = b"".join(_marked(item) for item in value)
        return b"[%d:%b" % (len(items), items)
    written = value if isinstance(value, str) else repr(value)
    encoded = written.encode()
    return b"%b%d:%b" % (type(value).__name__.encode(), len(encoded), encoded)
