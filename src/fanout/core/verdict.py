"""What a filter says of a submission, and what several of them say together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class VerdictKind(StrEnum):
    """What a filter wants to be done."""

    ACCEPT = "accept"
    """Let it pass without a human's look. In a moderated room it is held all the same."""
    HOLD = "hold"
    """A human should look."""
    REJECT = "reject"
    REPLACE = "replace"
    """Go on with another text."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One filter's word on one submission; made by `accept`, `hold`, `reject` and `replace`.

    Args:
        reason: Why. The author of a rejected submission reads it; of a held one, only staff do.
        text: For `REPLACE`, the text to go on with.
        similar_to: The id of a submission that asks the same: a merge is suggested at the desk.
        rule: Which of the filter's rules fired, for staff; never shown to visitors.
        retry_after_s: With `REJECT`: it is only too early. Nothing is kept; the author may send it again after so many
            seconds.
    """

    kind: VerdictKind
    reason: str = ""
    text: str | None = None
    similar_to: str | None = None
    rule: str = ""
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Opinion:
    """A verdict with the plug-in that gave it. In shadow mode it is written down and not applied."""

    plugin: str
    kind: VerdictKind
    reason: str = ""
    rule: str = ""
    similar_to: str | None = None
    shadow: bool = False
    failure: str = ""
    """Why the plug-in gave no verdict of its own (`timeout`, `error`, `breaker`…): then `kind` is what its
    `on_failure` says."""


def accept() -> Verdict:
    """Nothing against it. In an open room it goes live unless another filter objects."""
    return Verdict(VerdictKind.ACCEPT)


def hold(reason: str = "", *, rule: str = "", similar_to: str | None = None) -> Verdict:
    """A human should look at it; `reason` is for staff."""
    return Verdict(VerdictKind.HOLD, reason, rule=rule, similar_to=similar_to)


def reject(reason: str, *, rule: str = "", retry_after_s: float | None = None) -> Verdict:
    """Refuse it; `reason` is what its author reads. With `retry_after_s` (seconds) it is not kept, and the author is
    told when to send it again."""
    return Verdict(VerdictKind.REJECT, reason, rule=rule, retry_after_s=retry_after_s)


def replace(text: str, *, rule: str = "") -> Verdict:
    """Go on with `text` in place of what was sent; the original is kept for staff."""
    return Verdict(VerdictKind.REPLACE, text=text, rule=rule)


def strongest(opinions: Sequence[Opinion]) -> Opinion | None:
    """The opinion that decides: the first rejection, else the first hold, else None; shadows don't count."""
    for kind in (VerdictKind.REJECT, VerdictKind.HOLD):
        for opinion in opinions:
            if opinion.kind is kind and not opinion.shadow:
                return opinion
    return None
