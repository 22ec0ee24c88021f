"""A plug-in as the server holds it: an object of some class, looked over before the first visitor meets it.

Whatever could only show itself on the evening is refused here: a hook whose name is misspelt would never be called, and
a deadline that is no number would fail with the first submission.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, Final

from fanout.core.room import room_name
from fanout.errors import ConfigurationError, InvalidInput
from fanout.plugins.interface import HOOKS

MAX_DEADLINE_SECONDS: Final = 60.0
"""Nobody waits longer for a word on their question."""

MAX_CONCURRENCY: Final = 1000
"""Calls of one hook at a time; each may hold a connection to a service elsewhere."""

MAX_PLUGINS: Final = 100
"""Each is a label of the metrics, several times over."""

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?", re.ASCII)

_HOOK_LIKE: Final = ("admit_", "listener_", "message_", "on_", "review_", "room_", "submission_", "visitor_")
"""A method whose name begins so was meant as a hook."""


class OnFailure(StrEnum):
    """What stands for an answer that did not come."""

    HOLD = "hold"
    """A human looks at it. A visitor is asked to try again."""
    ACCEPT = "accept"
    """As if the plug-in had nothing against it."""
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Plugin:
    """One plug-in, ready to be called.

    Args:
        origin: Where it was found, for people: an entry point, a file, a name in the configuration.
        hooks: The names of the hooks that it has.
        deadline: Seconds that a call may take, the wait for its turn included.
        concurrency: Calls of one hook at a time.
        order: Filters and providers with lower numbers come first; those with the same, as they were named.
        shadow: Its verdicts are written down and not applied.
        rooms: Where it is called; empty is everywhere.
    """

    name: str
    object: Any
    origin: str
    hooks: tuple[str, ...]
    deadline: float = 1.0
    concurrency: int = 8
    on_failure: OnFailure = OnFailure.HOLD
    order: int = 100
    shadow: bool = False
    rooms: frozenset[str] = frozenset()


def as_plugin(thing: object, *, origin: str = "", name: str = "", table: Mapping[str, object] | None = None) -> Plugin:
    """Look over an object and make a plug-in of it.

    Args:
        origin: Where it was found, for errors and for `fanout plugins`.
        name: What it is called here, in place of its own name.
        table: Settings that go before what its class declares.

    Raises:
        ConfigurationError: It can't be one: says which plug-in, what is wrong, and what is accepted.
    """
    label = f"plugin {name or getattr(thing, 'name', None) or type(thing).__name__}"
    if origin:
        label += f" ({origin})"
    name = _checked_name(name or getattr(thing, "name", None), label)
    hooks = _hooks_of(thing, label)
    declared = {key: getattr(thing, key) for key in _CHECKS if hasattr(thing, key)}
    _check_spelling(thing, label)
    settings = {key: _CHECKS[key](value, f"{label}: {key}") for key, value in (declared | dict(table or {})).items()}
    return Plugin(name=name, object=thing, origin=origin, hooks=hooks, **settings)


def _checked_name(name: object, label: str) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        said = "it has no name" if name is None else f"its name is {name!r:.80}"
        raise ConfigurationError(
            label, f'{said}; a name is 1 to 40 small letters, digits and hyphens: name = "no-shouting".'
        )
    return name


def _hooks_of(thing: object, label: str) -> tuple[str, ...]:
    for attribute in dir(type(thing)):
        if attribute.startswith("_") or attribute in HOOKS or not callable(getattr(type(thing), attribute)):
            continue
        near = get_close_matches(attribute, HOOKS, n=1, cutoff=0.8)
        if near or attribute.startswith(_HOOK_LIKE):
            hint = f"is it {near[0]}?" if near else f"the hooks are: {', '.join(HOOKS)}."
            raise ConfigurationError(label, f"there is no hook called {attribute}; {hint}")
    hooks = tuple(hook for hook in HOOKS if hasattr(thing, hook))
    if not hooks:
        raise ConfigurationError(label, f"it has no hook; the hooks are: {', '.join(HOOKS)}.")
    for hook in hooks:
        _check_hook(getattr(thing, hook), hook, label)
    return hooks


def _check_hook(method: object, hook: str, label: str) -> None:
    wanted = [key for key in inspect.signature(getattr(HOOKS[hook].protocol, hook)).parameters if key != "self"]
    shown = f"async def {hook}(self, {', '.join(wanted)})"
    if not inspect.iscoroutinefunction(method):
        raise ConfigurationError(label, f"{hook} is not an async method; it is written: {shown}.")
    try:
        inspect.signature(method).bind(*wanted)
    except TypeError:
        raise ConfigurationError(label, f"{hook} does not take what it is called with: {shown}.") from None


def _check_spelling(thing: object, label: str) -> None:
    """A misspelt `on_failure` would silently not be set."""
    for attribute, value in vars(type(thing)).items():
        if attribute.startswith("_") or attribute in _CHECKS or callable(value):
            continue
        if near := get_close_matches(attribute, ("deadline", "concurrency", "on_failure"), n=1, cutoff=0.8):
            raise ConfigurationError(label, f"there is no setting called {attribute}; is it {near[0]}?")


def _deadline(value: object, label: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= MAX_DEADLINE_SECONDS:
        raise ConfigurationError(label, f"seconds above 0, at most {MAX_DEADLINE_SECONDS:g}; not {value!r:.80}.")
    return float(value)


def _concurrency(value: object, label: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_CONCURRENCY:
        raise ConfigurationError(label, f"a whole number from 1 to {MAX_CONCURRENCY}; not {value!r:.80}.")
    return value


def _on_failure(value: object, label: str) -> OnFailure:
    if not isinstance(value, str) or value not in list(OnFailure):
        raise ConfigurationError(label, f"one of {', '.join(OnFailure)}; not {value!r:.80}.")
    return OnFailure(value)


def _order(value: object, label: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigurationError(label, f"a whole number; not {value!r:.80}.")
    return value


def _shadow(value: object, label: str) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError(label, f"true or false; not {value!r:.80}.")
    return value


def _rooms(value: object, label: str) -> frozenset[str]:
    if isinstance(value, str) or not isinstance(value, list | tuple | set | frozenset):
        raise ConfigurationError(label, f"a list of names of rooms; not {value!r:.80}.")
    try:
        return frozenset(room_name(room) for room in value)
    except InvalidInput as error:
        raise ConfigurationError(label, error.detail) from None


_CHECKS: Final[Mapping[str, Any]] = {
    "deadline": _deadline,
    "concurrency": _concurrency,
    "on_failure": _on_failure,
    "order": _order,
    "shadow": _shadow,
    "rooms": _rooms,
}
"""What a class may declare and a table set, and what checks it."""

SETTINGS: Final = tuple(_CHECKS)
