"""What hooks may answer: an answer of another shape is a failure of the plug-in, never of the submission."""

from __future__ import annotations

from typing import Any, Final

from fanout.core.limits import MAX_NAME_CHARACTERS
from fanout.core.submitted_text import checked_text
from fanout.core.verdict import Verdict, VerdictKind
from fanout.errors import InvalidInput
from fanout.plugins.interface import Admit, Refuse

MAX_REASON_CHARACTERS: Final = 500
"""Characters of a reason: two sentences for the author of a question. It is kept with the submission."""

MAX_RULE_CHARACTERS: Final = 100
"""Characters of a rule's name."""

MAX_RETRY_SECONDS: Final = 86_400.0
"""Longest wait that may be asked of somebody: a day."""


def verdict_fault(answer: Any) -> str:
    """What is wrong with a filter's answer; empty: nothing."""
    if answer is None:
        return ""
    if not isinstance(answer, Verdict):
        return f"a verdict or None is expected, not {type(answer).__name__}"
    given: Any = answer  # nobody has checked its fields yet
    if not isinstance(given.kind, VerdictKind):
        return "kind is no VerdictKind"
    if not _is_text(given.reason, MAX_REASON_CHARACTERS):
        return f"reason is text of at most {MAX_REASON_CHARACTERS} characters"
    if not _is_text(given.rule, MAX_RULE_CHARACTERS):
        return f"rule is text of at most {MAX_RULE_CHARACTERS} characters"
    if given.similar_to is not None and not _is_text(given.similar_to, MAX_RULE_CHARACTERS):
        return "similar_to is the id of a submission"
    if given.kind is VerdictKind.REJECT and not given.reason:
        return "a rejection needs a reason"
    if given.kind is VerdictKind.REPLACE:
        try:
            checked_text(given.text)
        except InvalidInput as error:
            return f"the text to go on with is not accepted ({error.code})"
    return _retry_fault(given.retry_after_s)


def admission_fault(answer: Any) -> str:
    """What is wrong with an answer to `admit_visitor`; empty: nothing."""
    if answer is None:
        return ""
    if isinstance(answer, Admit):
        fine = answer.name is None or (_is_text(answer.name, MAX_NAME_CHARACTERS) and answer.name.strip())
        return "" if fine else f"a name has 1 to {MAX_NAME_CHARACTERS} characters"
    if isinstance(answer, Refuse):
        if not _is_text(answer.reason, MAX_REASON_CHARACTERS):
            return f"reason is text of at most {MAX_REASON_CHARACTERS} characters"
        return _retry_fault(answer.retry_after_s)
    return f"admit(), refuse() or None is expected, not {type(answer).__name__}"


def _is_text(value: Any, most: int) -> bool:
    """Whether it is a string of that length at most, which can be written as UTF-8."""
    return isinstance(value, str) and len(value) <= most and not any("\ud800" <= each <= "\udfff" for each in value)


def _retry_fault(seconds: Any) -> str:
    if seconds is None:
        return ""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= MAX_RETRY_SECONDS:
        return f"retry_after_s is seconds from 0 to {MAX_RETRY_SECONDS:g}"
    return ""
