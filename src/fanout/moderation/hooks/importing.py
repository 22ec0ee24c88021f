"""From a name or a file to a class, with an error that says what could not be imported and why."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import re
import sys
from difflib import get_close_matches
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from fanout.errors import ConfigurationError
from fanout.plugins.interface import HOOKS

_PLACE = re.compile(r"(?P<module>[^\W\d]\w*(?:\.[^\W\d]\w*)*):(?P<name>[^\W\d]\w*)")


def class_called(place: str, label: str) -> type:
    """The class at `module:Class`. Modules of the directory that one is in are found too, after all others.

    Raises:
        ConfigurationError: Under `label`: it is not written so, does not import, or is no class.
    """
    match = _PLACE.fullmatch(place)
    if match is None:
        raise ConfigurationError(label, f"the place of a class is written module:Class; not {place!r:.80}.")
    if os.getcwd() not in sys.path and "" not in sys.path:
        sys.path.append(os.getcwd())
    module = import_module(match["module"], label)
    kind = getattr(module, match["name"], None)
    if not isinstance(kind, type):
        classes = [name for name, value in vars(module).items() if isinstance(value, type)]
        near = get_close_matches(match["name"], classes, n=1)
        hint = f" Is it {near[0]}?" if near else ""
        raise ConfigurationError(label, f"{match['module']} has no class {match['name']}.{hint}")
    return kind


def import_module(name: str, label: str) -> ModuleType:
    """The module of that name.

    Raises:
        ConfigurationError: Under `label`.
    """
    try:
        return importlib.import_module(name)
    except (Exception, SystemExit) as error:
        _refuse(label, error)


def import_file(path: Path) -> ModuleType:
    """The module that a file holds.

    Raises:
        ConfigurationError: It does not import; names the file.
    """
    spec = importlib.util.spec_from_file_location(f"fanout_plugin_folder_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[spec.name]
        _refuse(f"plugin {path}", error)
    return module


def _refuse(label: str, error: BaseException) -> NoReturn:
    what = " ".join(str(error).split()) or "no more is known"
    raise ConfigurationError(label, f"it does not import: {type(error).__name__}: {what}.") from error


def classes_in(module: ModuleType) -> list[type]:
    """The classes that a module defines to be plug-ins: those with a name or a hook, in the order of the file."""
    return [
        value
        for name, value in vars(module).items()
        if inspect.isclass(value)
        and value.__module__ == module.__name__
        and not name.startswith("_")
        and not getattr(value, "_is_protocol", False)
        and (isinstance(getattr(value, "name", None), str) or any(hasattr(value, hook) for hook in HOOKS))
    ]
