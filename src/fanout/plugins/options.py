"""Checks of a plug-in's options: what can't be used is refused at the start, by the plug-in's and the option's name."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from fanout.plugins import ConfigurationError

MAX_OPTION_CHARACTERS = 1000
"""Characters of one text in the options: a reason or a word, not a document."""


def refused(plugin: str, option: str, accepts: str) -> ConfigurationError:
    """The error to raise."""
    return ConfigurationError(f"plugins.{plugin}.{option}", accepts)


def check_text(plugin: str, option: str, value: object) -> str:
    """The value, if it is a text that is not empty."""
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_OPTION_CHARACTERS:
        raise refused(plugin, option, f"is a text of 1 to {MAX_OPTION_CHARACTERS} characters.")
    return value


def check_texts(plugin: str, option: str, value: object) -> Sequence[str]:
    """The value, if it is a list of texts. A single text is refused: it would be taken for a list of its letters."""
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        raise refused(plugin, option, "is a list of texts.")
    return [check_text(plugin, option, each) for each in value]


def check_choice(plugin: str, option: str, value: object, choices: Collection[str]) -> str:
    """The value, if it is one of these."""
    if not isinstance(value, str) or value not in choices:
        raise refused(plugin, option, f"is one of {', '.join(choices)}; not {value!r}.")
    return value


def check_number(plugin: str, option: str, value: object, least: float, most: float) -> float:
    """The value, if it is a number from `least` to `most`, both included."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise refused(plugin, option, f"is a number from {least:g} to {most:g}; not {value!r:.80}.")
    return float(value)


def check_whole(plugin: str, option: str, value: object, least: int, most: int) -> int:
    """The value, if it is a whole number from `least` to `most`, both included."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise refused(plugin, option, f"is a whole number from {least} to {most}; not {value!r:.80}.")
    return value
