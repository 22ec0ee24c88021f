"""Under which names people are known: visitors by a subject, senders of SMS by a hash that only this event can make."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from typing import Final

from fanout.core.principal import Principal
from fanout.errors import InvalidInput
from fanout.moderation.ports import Store

MAX_PHONE_CHARACTERS: Final = 64
"""A telephone number as it comes in, with blanks and punctuation; its digits are at most fifteen (ITU-T E.164 §6.1)."""

_PUNCTUATION = re.compile(r"[\s().\-/\u2010-\u2015]+")
_INTERNATIONAL = re.compile(r"(?:\+|00)([1-9][0-9]{3,14})", re.ASCII)
_NATIONAL = re.compile(r"0([1-9][0-9]{3,13})", re.ASCII)
_SHORT = re.compile(r"[0-9]{3,15}", re.ASCII)
_COUNTRY = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)


def visitor(subject: str) -> str:
    """The person behind a visitor's token; empty when it has no subject."""
    return f"visitor:{subject}" if subject else ""


def signature(principal: Principal) -> str:
    """How a staff member is named in decisions and in the audit: `Ann (moderator)`, or the role alone."""
    return signed(principal.name, principal.role)


def signed(name: str, role: str) -> str:
    """The same, of the two parts."""
    return f"{name} ({role})" if name else str(role)


def normal_number(written: str, country: str = "") -> str:
    """A telephone number in one way of writing: `+` and digits, or the digits of a short number.

    Args:
        country: The country code (`33`) that a national number (`06…`) belongs to. Without one, it is kept as digits:
            then the same telephone in both ways of writing counts as two.
    Raises:
        InvalidInput: `bad_phone`.
    """
    digits = _PUNCTUATION.sub("", written) if isinstance(written, str) and len(written) <= MAX_PHONE_CHARACTERS else ""
    if found := _INTERNATIONAL.fullmatch(digits):
        return f"+{found[1]}"
    if country and (found := _NATIONAL.fullmatch(digits)):
        return f"+{country}{found[1]}"
    if country and digits.startswith(country) and len(digits) > 9 and _SHORT.fullmatch(digits):
        return f"+{digits}"
    if _SHORT.fullmatch(digits):
        return digits
    raise InvalidInput(
        "A telephone number has 3 to 15 digits, with + or 00 before those of another country.", code="bad_phone"
    )


class People:
    """Gives each sender of SMS a pseudonym: the number's HMAC-SHA256 by the event's key, so the same in every room of a
    store. The number itself is not kept.

    Without the key nobody can try all numbers out, which without one takes minutes; once a purge has destroyed it, not
    even the house can.

    Args:
        country: As in `normal_number`.
    Raises:
        InvalidInput: `bad_country`.
    """

    def __init__(self, store: Store, country: str = "") -> None:
        if country and not _COUNTRY.fullmatch(country):
            raise InvalidInput("A country code has 1 to 3 digits and no + before them: 33.", code="bad_country")
        self._store = store
        self._country = country

    async def phones(self, numbers: Iterable[str]) -> list[str]:
        """The people behind telephone numbers, as this event knows them: `phone:` and 64 hexadecimal digits each.
        Nobody (empty) where it is no telephone but a name, as advertisers have them.

        Raises:
            StoreUnavailable: The key can't be read now.
        Cancellation: safe.
        """
        key = await self._store.phone_key()
        return [self._phone(key, number) for number in numbers]

    def _phone(self, key: bytes, number: str) -> str:
        try:
            written = normal_number(number, self._country)
        except InvalidInput:
            return ""
        return f"phone:{hmac.digest(key, written.encode(), 'sha256').hex()}"
