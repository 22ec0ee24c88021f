"""Holds or rejects texts with links, also those that are written so that only a human follows them.

A link is an address with a scheme (`https:`, `hxxp:`), one that begins with `www.`, a host under a top-level domain
that is no word (`example.com`), any other host with a path or port (`t.me/x`), and all of them with `[.]`, `(dot)`,
` dot com` or ` point com` for the dot. `M.Dupont`, `3.14`, `etc.fin` and mail addresses are none. The time grows with
the length of the text, whatever it says; one call costs about 15 µs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from fanout.plugins import RoomView, Submission, Verdict, hold, reject
from fanout.plugins.folding import folded
from fanout.plugins.options import check_choice, check_text, check_texts, refused

NAME: Final = "links"

MAX_ALLOWED: Final = 1000
"""Hosts of the allow list."""

MAX_LINKS: Final = 20
"""Links of one text that may go to allowed hosts; a text with more is no question, wherever they go."""

_ACTIONS: Final = ("hold", "reject")

_OWN: Final = """
com org net fr ch eu uk io tv xyz biz info edu gov mil ly gg gl bzh cc ru cn jp nl pl cz hu dk ee ua kz vn app dev
"""
_NO_WORD: Final = frozenset(_OWN.split())
"""Top-level domains that are no word or ending in French or English: after a dot, they make a host."""

_WORDS: Final = """
agency art bio blog cafe click cloud club company design digital email events fun game games gouv group help host icu
jobs life link live lol media mobi moe money museum name news ninja one online page paris party photo photos press pro
quebec rocks sale shop site social space store stream studio support tech tel ticket tickets today top travel video vip
website wiki win work works world wtf zip zone
"""
_DOMAINS: Final = _NO_WORD | frozenset(_WORDS.split())
"""These and every one of two letters make a host if a path or a port follows."""

_DOT = re.compile(r"\s{0,3}+[\[({<]\s{0,3}+(?:\.|dot|point|punkt)\s{0,3}+[\])}>]\s{0,3}+")
_SAID = re.compile(
    r"(?<![\w-])(?!(?:the|this|a|that|le|un|du|au|ce|de|mon|en)\s)[\w-]++"
    r"(?:\s{1,3}+(?:dot|point)\s{1,3}+(?:com|org|net|fr|eu|xyz|info(?=\s{0,3}+/))|\s{1,3}+\.\s?+(?:com|org|net|fr))(?!\w)"
)
_ANY_SCHEME = re.compile(
    r"(?<![a-z])(?:h(?:tt|xx|\*\*)ps?\s?+[:;]|[a-z][a-z+]{1,15}+:(?=\s?+[/\\]))\s?+[/\\]{1,3}+\s?+(\S*+)"
)
_WWW = re.compile(r"(?<![\w.-])www\d?+\s?+\.\s?+([\w-]++(?:\.[\w-]++)*+)")
_HOST = re.compile(r"(?<![\w-])(?<![\w.+-]@)([\w-]++(?:\.[\w-]++)++)\.?+(:\d{2,5}(?!\d)|[/\\?#](?=[\w?#/@~.-]))?+")
_AUTHORITY_ENDS = re.compile(r"[/\\?#]")
_PORT = re.compile(r":\d*+$")


class Links:
    """Options:

    Args:
        action: What becomes of a text with a link: `"hold"` or `"reject"`.
        allow: Hosts to which links may go; those below are included: `example.org` allows `www.example.org`.
        reason: What the author of a rejected text reads.
    Raises:
        ConfigurationError: An option that can't be used.
    """

    name = NAME
    order = 50

    def __init__(
        self, *, action: str = "hold", allow: Sequence[str] = (), reason: str = "Please send it without links."
    ) -> None:
        self._action = check_choice(NAME, "action", action, _ACTIONS)
        self._reason = check_text(NAME, "reason", reason)
        hosts = [host.lower().strip(".") for host in check_texts(NAME, "allow", allow)]
        if len(hosts) > MAX_ALLOWED or not all(re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", host) for host in hosts):
            raise refused(NAME, "allow", f"is a list of at most {MAX_ALLOWED} hosts such as example.org.")
        self._allowed = frozenset(hosts)

    async def review_submission(self, submission: Submission, room: RoomView) -> Verdict | None:
        """Hold or reject if a link goes elsewhere than to the allowed hosts."""
        plain = submission.text.lower()
        text = folded(submission.text)
        for number, (kind, host) in enumerate(_links(text), 1):
            if number > MAX_LINKS or not self._is_allowed(host, text, plain):
                return reject(self._reason, rule=kind) if self._action == "reject" else hold("A link.", rule=kind)
        return None

    def _is_allowed(self, host: str, text: str, plain: str) -> bool:
        """Whether the host or one above is on the list, and is written in letters of its own: the folded text is full
        of Latin ones that were none."""
        if not self._allowed or not host or plain.count(host) != text.count(host):
            return False
        labels = host.split(".")
        return any(".".join(labels[begin:]) in self._allowed for begin in range(max(0, len(labels) - 8), len(labels)))


def _links(text: str) -> Iterator[tuple[str, str]]:
    """How each link in a folded text is written, and its host; the host is empty where it can't be allowed."""
    if "/" in text or "\\" in text:
        for found in _ANY_SCHEME.finditer(text):
            yield "scheme", _host_of(found[1])
    if "www" in text:
        for found in _WWW.finditer(text):
            yield "www", found[1]
    if _DOT.search(text):
        text = _DOT.sub(".", text)
        if any(_hosts(text)):
            yield "dot in brackets", ""
    for host in _hosts(text):
        yield "host", host
    if _SAID.search(text):
        yield "dot in words", ""


def _hosts(text: str) -> Iterator[str]:
    """What is a host by its top-level domain, or by that and what follows."""
    for found in _HOST.finditer(text):
        host, tail = found.groups()
        labels = host.split(".")
        last = labels[-1]
        if (
            not _NO_WORD.isdisjoint(labels[1:])
            or any(label.startswith("xn--") for label in labels)
            or (tail and (last in _DOMAINS or (len(last) == 2 and last.isalpha())))
            or (tail and len(labels) == 4 and all(label.isdigit() for label in labels))
        ):
            yield host


def _host_of(authority: str) -> str:
    """Where an address really goes: not before an `@`, and only as far as a browser reads it."""
    authority = _AUTHORITY_ENDS.split(authority, maxsplit=1)[0]
    return _PORT.sub("", authority.rpartition("@")[2]).strip(".,;!)»\"'")
