"""Which plug-ins there are: installed ones, those in a folder, those named on the command line, and what the
configuration says of each. Whatever can't be loaded stops the start with a sentence that says what, where and why."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from fanout.errors import ConfigurationError, FanoutError
from fanout.moderation.hooks.importing import class_called, classes_in, import_file, import_module
from fanout.moderation.hooks.plugin import SETTINGS, Plugin, as_plugin

GROUP: Final = "fanout.plugins"
"""The group of entry points in which installed plug-ins are found, by the name of the plug-in."""

BUILT_IN: Final = ("flood", "links", "near-duplicates", "rate", "webhook", "words")
"""The plug-ins that fanout brings; `near-duplicates` is the class of that name in `fanout.plugins.near_duplicates`."""

TABLE_KEYS: Final = ("class", "enabled", "options", *SETTINGS)
"""What a table `[plugins.NAME]` may hold."""


@dataclass(frozen=True, slots=True)
class Found:
    """A class that is to be a plug-in. `name`, if given, goes before its own."""

    kind: type
    origin: str
    name: str = ""
    table: Mapping[str, Any] = field(default_factory=dict)

    @property
    def called(self) -> str:
        return self.name or str(getattr(self.kind, "name", ""))


def load_plugins(
    wanted: Sequence[str] = (),
    *,
    tables: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    folder: Path | None = None,
    installed: bool = True,
) -> list[Plugin]:
    """Find, import, make and look over every plug-in.

    Args:
        wanted: `module:Class`, or the name of an installed or built-in plug-in.
        tables: By the plug-in's name, as in the TOML file: `class` ("module:Class"), `enabled`, `options` (what its
            class is made with), and `deadline`, `concurrency`, `on_failure`, `order`, `shadow`, `rooms`. A table whose
            name is that of a built-in plug-in loads it.
        folder: Every file in it that ends in `.py`, unless its name begins with `_`, holds one plug-in or several.
        installed: Whether what other packages offer as entry points is loaded too.

    Raises:
        ConfigurationError: Which plug-in, file or table, and what is wrong with it.
    """
    checked = {name: _checked_table(name, table) for name, table in tables.items()}
    offers = {offer.name: offer for offer in entry_points(group=GROUP)}
    found: list[Found] = []
    if installed:
        wished = [name for name in sorted(offers) if checked.get(name, {}).get("enabled", True)]
        found += [_offered(offers[name]) for name in wished]
    if folder is not None:
        found += _in_folder(folder)
    found += [_named(word, offers) for word in wanted]
    found = _without_repeats(found)
    for name, table in checked.items():
        found = _with_table(found, name, table, offers)
    return [_made(each) for each in found if each.table.get("enabled", True)]


def _checked_table(name: str, table: object) -> Mapping[str, Any]:
    label = f"plugins.{name}"
    if not isinstance(table, Mapping):
        raise ConfigurationError(label, f"a table with {', '.join(TABLE_KEYS)}.")
    for key in table:
        if key not in TABLE_KEYS:
            near = get_close_matches(str(key), TABLE_KEYS, n=1)
            hint = f"is it {near[0]}?" if near else f"these are: {', '.join(TABLE_KEYS)}."
            raise ConfigurationError(f"{label}.{key}", f"no setting of a plug-in; {hint}")
    for key, kind, accepts in (
        ("class", str, 'the place of its class: "module:Class"'),
        ("enabled", bool, "true or false"),
        ("options", Mapping, "a table: what its class is made with"),
    ):
        if key in table and not isinstance(table[key], kind):
            raise ConfigurationError(f"{label}.{key}", f"{accepts}; not {table[key]!r:.80}.")
    return table


def _offered(offer: EntryPoint) -> Found:
    package = f" of {offer.dist.name}" if offer.dist is not None else ""
    origin = f"entry point{package}"
    kind = class_called(offer.value, f"plugin {offer.name} ({origin})")
    called = getattr(kind, "name", None)
    if called != offer.name:
        raise ConfigurationError(
            f"plugin {offer.name} ({origin})", f"its class is called {called!r:.80}; an entry point has the same name."
        )
    return Found(kind, origin)


def _in_folder(folder: Path) -> list[Found]:
    try:
        files = sorted(
            path for path in folder.iterdir() if path.suffix == ".py" and not path.name.startswith(("_", "."))
        )
    except OSError as error:
        raise ConfigurationError("plugin_folder", f"{folder} can't be read: {error.strerror}.") from None
    found = []
    for path in files:
        kinds = classes_in(import_file(path))
        if not kinds:
            raise ConfigurationError(f"plugin {path}", "it holds no plug-in: a class with a name and a hook.")
        found += [Found(kind, str(path)) for kind in kinds]
    return found


def _named(word: str, offers: Mapping[str, EntryPoint], label: str = "") -> Found:
    """What a word on the command line stands for."""
    label = label or f"plugin {word}"
    if ":" in word:
        return Found(class_called(word, label), word)
    if word in offers:
        return _offered(offers[word])
    if word in BUILT_IN:
        place = f"fanout.plugins.{word.replace('-', '_')}"
        kinds = classes_in(import_module(place, label))
        kind = next((kind for kind in kinds if getattr(kind, "name", "") == word), None)
        if kind is None:
            raise ConfigurationError(label, f"{place} has no class of this name; this installation is not whole.")
        return Found(kind, "built in")
    known = sorted({*BUILT_IN, *offers})
    near = get_close_matches(word, known, n=1)
    hint = f"is it {near[0]}?" if near else f"it is module:Class, or one of: {', '.join(known)}."
    raise ConfigurationError(label, f"no plug-in has this name; {hint}")


def _without_repeats(found: Sequence[Found]) -> list[Found]:
    """One that is installed and named on the command line too is one."""
    by_class: dict[type, Found] = {}
    for each in found:
        by_class.setdefault(each.kind, each)
    return list(by_class.values())


def _with_table(
    found: list[Found], name: str, table: Mapping[str, Any], offers: Mapping[str, EntryPoint]
) -> list[Found]:
    """The same with this table applied to the plug-in that it is about, which it may bring in."""
    here = next((index for index, each in enumerate(found) if each.called == name), None)
    if "class" in table:
        kind = class_called(table["class"], f"plugins.{name}.class")
        if here is None or found[here].kind is not kind:
            return [*found, Found(kind, f"plugins.{name}", name, table)]
    if here is None:
        if not table.get("enabled", True):
            return found
        return [*found, replace(_named(name, offers, f"plugins.{name}"), table=table)]
    return [*found[:here], replace(found[here], table=table), *found[here + 1 :]]


def _made(found: Found) -> Plugin:
    label = f"plugin {found.called or found.kind.__name__} ({found.origin})"
    options = found.table.get("options", {})
    try:
        inspect.signature(found.kind).bind(**options)
    except (TypeError, ValueError) as error:
        raise ConfigurationError(label, f"options: {error}; its class takes {_takes(found.kind)}.") from None
    try:
        thing = found.kind(**options)
    except FanoutError as error:
        raise ConfigurationError(label, error.detail) from error
    except Exception as error:
        raise ConfigurationError(label, f"it can't be made: {type(error).__name__}: {error}.") from error
    settings = {key: value for key, value in found.table.items() if key in SETTINGS}
    return as_plugin(thing, origin=found.origin, name=found.name, table=settings)


def _takes(kind: type) -> str:
    try:
        names = [name for name in inspect.signature(kind).parameters if name not in ("args", "kwargs")]
    except ValueError:
        names = []
    return ", ".join(names) or "no options"
