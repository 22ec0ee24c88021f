"""Who is sent away or silenced, where and until when, and the index that answers for each visitor without searching.

Whoever asks gives a person (`visitor:` and a subject, or `phone:` and a keyed hash; empty: unknown), an address
(empty: unknown) and the time. Without bans an answer costs nothing, without address ranges a look into a dict.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

from fanout.core.principal import EVERY_ROOM
from fanout.errors import InvalidInput

WIDEST_IPV4_PREFIX: Final = 16
"""Bits that an IPv4 range fixes at least: 65,536 addresses, what one provider draws from in one town. Wider ones send
away whole networks of people who did nothing. Beyond: `address_range_too_wide`."""

WIDEST_IPV6_PREFIX: Final = 32
"""The same for IPv6: what a registry gives to one provider."""

MAX_TARGET_CHARACTERS: Final = 220
"""A pseudonym's kind and a token's subject (200 characters)."""

_PHONE_HASH = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Effect(StrEnum):
    """What becomes of whoever is banned."""

    BAN = "ban"
    """Connections are closed, and nothing is taken."""
    MUTE = "mute"
    """Nothing is taken; they still listen."""


@dataclass(frozen=True, slots=True)
class Ban:
    """One decision to keep somebody away. Times are in milliseconds since 1970, UTC.

    Args:
        target: As `ban_target` writes it: `visitor:SUBJECT`, `phone:HASH` or `address:RANGE`.
        room: Where it holds; `*` is every room.
        until: When it ends by itself; None: when it is lifted.
        reason: Why, in words that the one concerned may see.
        by: The staff member's name and role.
        within: The rooms that belong to that one, such as its chat: there it holds too.
    """

    id: str
    target: str
    effect: Effect
    room: str
    until: int | None
    reason: str
    by: str
    at: int
    within: tuple[str, ...] = ()

    def holds(self, room: str, now: int) -> bool:
        """Whether it holds in this room at this time."""
        return self.holds_in(room) and (self.until is None or now < self.until)

    def holds_in(self, room: str) -> bool:
        """Whether it is about this room too."""
        return self.room in (EVERY_ROOM, room) or room in self.within

    def matches(self, person: str, address: str, room: str, now: int) -> bool:
        """Whether it keeps away whoever is known by this person or this address."""
        if not self.holds(room, now):
            return False
        kind, _, rest = self.target.partition(":")
        if kind != "address":
            return person == self.target
        where = known_address(address)
        return where is not None and where in ip_network(rest)


def ban_target(written: str) -> str:
    """The target in the one way that it is kept: ranges by their first address, IPv4 inside IPv6 as IPv4.

    Raises:
        InvalidInput: `bad_target`, `address_range_too_wide`.
    """
    if not isinstance(written, str) or len(written) > MAX_TARGET_CHARACTERS:
        raise _bad_target()
    kind, _, rest = written.partition(":")
    if kind == "address":
        return f"address:{_range(rest)}"
    if (kind == "visitor" and rest and rest.isprintable()) or (kind == "phone" and _PHONE_HASH.fullmatch(rest)):
        return written
    raise _bad_target()


def _range(written: str) -> str:
    try:
        network = ip_network(written, strict=False)
    except ValueError:
        raise _bad_target() from None
    if isinstance(network, IPv6Network):
        if network.network_address.scope_id is not None:
            raise _bad_target()
        mapped = network.network_address.ipv4_mapped
        if mapped is not None and network.prefixlen >= 96:
            network = ip_network((mapped, network.prefixlen - 96))
    widest = WIDEST_IPV4_PREFIX if network.version == 4 else WIDEST_IPV6_PREFIX
    if network.prefixlen < widest:
        raise InvalidInput(
            f"An IPv{network.version} range fixes at least {widest} bits (/{widest}); /{network.prefixlen} would send "
            "away too many who did nothing.",
            code="address_range_too_wide",
        )
    return str(network)


def _bad_target() -> InvalidInput:
    return InvalidInput(
        "target is visitor: and a subject, phone: and a hash of 64 hexadecimal digits, or address: and an address or "
        "range such as 192.0.2.0/24 or 2001:db8::/48.",
        code="bad_target",
    )


def known_address(written: str) -> IPv4Address | IPv6Address | None:
    """The address, IPv4 inside IPv6 as IPv4 and without a zone; None for what is none, such as a Unix socket's."""
    try:
        address = ip_address(written.partition("%")[0])
    except ValueError:
        return None
    return address if isinstance(address, IPv4Address) else address.ipv4_mapped or address


def network_of(written: str) -> str:
    """One household or one server: an IPv4 address, or the first half of an IPv6 one; empty for what is no address."""
    address = known_address(written)
    if isinstance(address, IPv6Address):
        return f"{IPv6Address(int(address) >> 64 << 64)}/64"
    return "" if address is None else str(address)


class BanIndex:
    """Bans by what they are looked up by. Those that have ended keep nobody away, and stay until they are removed."""

    __slots__ = ("_bans", "_by_person", "_by_range")

    def __init__(self) -> None:
        self._bans: dict[str, Ban] = {}
        self._by_person: dict[str, dict[str, Ban]] = {}
        self._by_range: dict[tuple[int, int], dict[int, dict[str, Ban]]] = {}
        """IP version and prefix length, then the fixed bits: as many lookups as there are lengths in use."""

    def __len__(self) -> int:
        return len(self._bans)

    def __iter__(self) -> Iterator[Ban]:
        return iter(list(self._bans.values()))

    def get(self, ban_id: str) -> Ban | None:
        """The ban of that id, ended or not."""
        return self._bans.get(ban_id)

    def same(self, target: str, room: str) -> Ban | None:
        """The ban of this very target in this very scope."""
        return next((ban for ban in self._of(target).values() if ban.room == room), None)

    def add(self, ban: Ban) -> None:
        """Take a ban in; it takes the place of one with the same id."""
        self.remove(ban.id)
        self._bans[ban.id] = ban
        kind, _, rest = ban.target.partition(":")
        if kind == "address":
            key, bits = _range_key(rest)
            self._by_range.setdefault(key, {}).setdefault(bits, {})[ban.id] = ban
        else:
            self._by_person.setdefault(ban.target, {})[ban.id] = ban

    def remove(self, ban_id: str) -> None:
        """Forget the ban of that id, if there is one."""
        ban = self._bans.pop(ban_id, None)
        if ban is None:
            return
        kind, _, rest = ban.target.partition(":")
        if kind != "address":
            _drop(self._by_person, ban.target, ban_id)
            return
        key, bits = _range_key(rest)
        _drop(self._by_range[key], bits, ban_id)
        if not self._by_range[key]:
            del self._by_range[key]

    def covering(self, person: str, address: str, room: str, now: int) -> Ban | None:
        """The ban that concerns whoever is known so, if any: a ban before a mute, then the one that lasts longest."""
        if not self._bans:
            return None
        found = list(self._by_person.get(person, {}).values()) if person else []
        if self._by_range and address:
            found += self._of_address(address)
        strongest = None
        for ban in found:
            if ban.holds(room, now) and (strongest is None or _strength(ban) > _strength(strongest)):
                strongest = ban
        return strongest

    def ended(self, now: int) -> list[Ban]:
        """Those that have ended by themselves."""
        return [ban for ban in self._bans.values() if ban.until is not None and ban.until <= now]

    def _of(self, target: str) -> dict[str, Ban]:
        kind, _, rest = target.partition(":")
        if kind != "address":
            return self._by_person.get(target, {})
        key, bits = _range_key(rest)
        return self._by_range.get(key, {}).get(bits, {})

    def _of_address(self, written: str) -> list[Ban]:
        address = known_address(written)
        if address is None:
            return []
        bits = int(address)
        return [
            ban
            for (version, length), ranges in self._by_range.items()
            if version == address.version
            for ban in ranges.get(bits >> (address.max_prefixlen - length), {}).values()
        ]


def _range_key(written: str) -> tuple[tuple[int, int], int]:
    network = ip_network(written)
    bits = int(network.network_address) >> (network.max_prefixlen - network.prefixlen)
    return (network.version, network.prefixlen), bits


def _drop(table: dict[Any, dict[str, Ban]], key: object, ban_id: str) -> None:
    del table[key][ban_id]
    if not table[key]:
        del table[key]


def _strength(ban: Ban) -> tuple[bool, float]:
    return ban.effect is Effect.BAN, float("inf") if ban.until is None else ban.until
