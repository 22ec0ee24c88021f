"""What the page of the built-in plug-ins says of each: its options as its class takes and describes them."""

from __future__ import annotations

import importlib.util
import inspect
import re
from pathlib import Path

from fanout.moderation.hooks import Plugin, load_plugins
from fanout.moderation.hooks.loading import BUILT_IN

_ANY_FILE = str(Path(__file__).parents[2] / "LICENSE")
NEEDS = {"webhook": {"url": "https://example.org/review", "secret_file": _ANY_FILE}}
"""Options without which one can't be made."""

_NAMED = re.compile(r"(\w+(?:, \w+)*): (.*)")


def there() -> list[str]:
    """The built-in plug-ins of this version."""
    return [name for name in BUILT_IN if importlib.util.find_spec(f"fanout.plugins.{name.replace('-', '_')}")]


def made(name: str) -> Plugin:
    (plugin,) = load_plugins(tables={name: {"options": NEEDS.get(name, {})}}, installed=False)
    return plugin


def described(kind: type) -> dict[str, str]:
    """What the docstring of a class says of each option."""
    found: dict[str, str] = {}
    names: list[str] = []
    arguments = (inspect.getdoc(kind) or "").partition("Args:\n")[2].partition("Raises:")[0]
    for line in arguments.splitlines():
        start = _NAMED.fullmatch(line.removeprefix("    "))
        if start and not line.startswith("     "):
            names = start[1].split(", ")
            found |= dict.fromkeys(names, start[2])
        elif line.strip():
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
    return found


def options_table(name: str) -> str:
    """Every option of one, its default, and what it is; and how the server calls it."""
    plugin = made(name)
    kind = type(plugin.object)
    said = described(kind)
    rows = ["| option | default | what it is |", "|---|---|---|"]
    for parameter in inspect.signature(kind).parameters.values():
        shown = "" if parameter.default is parameter.empty else f"`{written(parameter.default)}`"
        rows.append(f"| `{parameter.name}` | {shown} | {said[parameter.name].replace('|', chr(92) + '|')} |")
    hooks = ", ".join(f"`{hook}`" for hook in plugin.hooks)
    where = f"Order {plugin.order}, deadline {plugin.deadline:g} s, on failure `{plugin.on_failure}`. Hooks: {hooks}."
    return "\n".join([*rows, "", where])


def written(value: object) -> str:
    """A default as one would write it in the file."""
    match value:
        case None:
            return "none"
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case dict():
            return "{ " + ", ".join(f"{key} = {written(each)}" for key, each in value.items()) + " }" if value else "{}"
        case tuple() | list():
            return f"[{', '.join(map(written, value))}]"
    return str(value)
