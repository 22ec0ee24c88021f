"""From a file, the environment and the command line to one `Config`: the later wins, and every error names its key.

A setting is called `drain_seconds` in the TOML file, `FANOUT_DRAIN_SECONDS` in the environment and `--drain-seconds`
on the command line. Nothing is ignored: an unknown name, wherever it stands, is an error, because a misspelt limit
that is silently not set shows itself on the evening of the event.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final, get_type_hints

import msgspec

from fanout.core.room import room_name
from fanout.errors import ConfigurationError, InvalidInput
from fanout.server.settings import Config, RoomConfig, accepted

PREFIX: Final = "FANOUT_"

NOT_THE_SERVERS: Final = frozenset({"FANOUT_CONFIG", "FANOUT_URL", "FANOUT_TOKEN"})
"""Variables of ours that are no settings: where the file is, and what `publish` and `listen` take."""

_KEYS: Final = tuple(config_field.name for config_field in msgspec.structs.fields(Config))


@dataclass(frozen=True, slots=True)
class Setting:
    """One value as it was found. `label` is the name under which the operator wrote it."""

    key: str
    value: object
    label: str


def read_config(file: Path | None, environ: Mapping[str, str], flags: Mapping[str, object]) -> Config:
    """The settings from all three places, checked.

    Args:
        file: A TOML file; without one, the one that `FANOUT_CONFIG` names, if any.
        environ: The environment; only names that begin with `FANOUT_` are looked at.
        flags: What the command line gave, by the settings' names; a flag that was not given is not in it.

    Raises:
        ConfigurationError: The first thing wrong: its name, what it accepts, and what it is.
    """
    if file is None and environ.get("FANOUT_CONFIG"):
        file = Path(environ["FANOUT_CONFIG"])
    found: dict[str, Setting] = {}
    for layer in (
        _from_file(file) if file is not None else {},
        _from_environment(environ),
        {key: Setting(key, value, "--" + key.replace("_", "-")) for key, value in flags.items()},
    ):
        _lay_over(found, layer)
    config = Config(**{key: _checked(setting) for key, setting in found.items()})
    _check_together(config)
    return config


def _from_file(path: Path) -> dict[str, Setting]:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError("config", f"{path} can't be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError("config", f"{path} is not valid TOML: {error}.") from None
    for key in table:
        _known(key, key, str(path))
    if isinstance(words := table.get("plugins"), list) and all(isinstance(word, str) for word in words):
        table["plugins"] = plugins_from_words(words)  # the short form, of those that need no settings
    return {key: Setting(key, value, key) for key, value in table.items()}


def _from_environment(environ: Mapping[str, str]) -> dict[str, Setting]:
    layer: dict[str, Setting] = {}
    for name, written in sorted(environ.items()):
        if not name.startswith(PREFIX) or name in NOT_THE_SERVERS:
            continue
        key = name.removeprefix(PREFIX).lower()
        _known(key, name, "the environment")
        value: object = written
        if key == "rooms":
            value = rooms_from_words(_words(written), name)
        elif key == "plugins":
            value = plugins_from_words(_words(written))
        elif key in ("public_keys", "protected_names"):
            value = _words(written)
        layer[key] = Setting(key, value, name)
    return layer


def _words(written: str) -> list[str]:
    return [word.strip() for word in written.split(",") if word.strip()]


def rooms_from_words(words: list[str], label: str) -> dict[str, dict[str, str]]:
    """`["stage:stage", "lobby"]` as tables of settings, for a flag or a variable called `label`."""
    rooms: dict[str, dict[str, str]] = {}
    for word in words:
        name, colon, mode = word.partition(":")
        if colon and mode not in ("stage", "moderated", "open"):
            raise ConfigurationError(
                label, f"NAME or NAME:MODE, the mode {accepted(RoomConfig, 'mode')}; not {word!r}."
            )
        rooms[name] = {"mode": mode} if colon else {}
    return rooms


def plugins_from_words(words: list[str]) -> dict[str, dict[str, object]]:
    """`["words", "module:Class"]` as tables without a setting."""
    return {word: {} for word in words}


def _known(key: str, label: str, place: str) -> None:
    if key in _KEYS:
        return
    near = get_close_matches(key, _KEYS, n=1)
    hint = f" Is it {near[0]}?" if near else f" The settings are: {', '.join(_KEYS)}."
    raise ConfigurationError(label, f"there is no such setting (in {place}).{hint}")


def _lay_over(found: dict[str, Setting], layer: dict[str, Setting]) -> None:
    """A later place wins. Rooms and plug-ins add up; who chooses a directory or an address anew no longer means what
    hid it."""
    for chosen, undone in (("data", "memory"), ("host", "unix"), ("port", "unix")):
        if chosen in layer and undone not in layer:
            found.pop(undone, None)
    for key, setting in layer.items():
        value = setting.value
        if (
            key in ("rooms", "plugins")
            and key in found
            and isinstance(value, dict)
            and isinstance(found[key].value, dict)
        ):
            value = _joined(found[key].value, value)
        found[key] = Setting(key, value, setting.label)


def _joined(tables: Any, more: Mapping[str, object]) -> dict[str, object]:
    joined = dict(tables)
    for name, table in more.items():
        before = joined.get(name)
        joined[name] = {**before, **table} if isinstance(before, dict) and isinstance(table, dict) else table
    return joined


def _checked(setting: Setting) -> Any:
    if setting.key == "rooms":
        return _checked_rooms(setting)
    return _converted(Config, setting.key, setting.value, setting.label)


def _converted(struct: type[msgspec.Struct], key: str, value: object, label: str) -> Any:
    wanted = get_type_hints(struct, include_extras=True)[key]
    try:
        if value == "" or (isinstance(value, list | tuple) and "" in value):
            raise msgspec.ValidationError
        return msgspec.convert(value, wanted, strict=False, dec_hook=_path)
    except msgspec.ValidationError:
        shown = "" if key == "secret" else f"; not {value!r}"
        raise ConfigurationError(label, f"{accepted(struct, key)}{shown}.") from None


def _path(kind: type, value: object) -> Path:
    if kind is Path and isinstance(value, str):
        return Path(value)
    if isinstance(value, Path):
        return value
    raise ValueError("not a path")


def _checked_rooms(setting: Setting) -> dict[str, RoomConfig]:
    if not isinstance(setting.value, dict):
        raise ConfigurationError(setting.label, f"{accepted(Config, 'rooms')}.")
    rooms = {}
    for name, table in setting.value.items():
        label = f"{setting.label}.{name}" if setting.label == "rooms" else setting.label
        try:
            room_name(name)
        except InvalidInput as error:
            raise ConfigurationError(label, error.detail) from None
        if not isinstance(table, dict):
            raise ConfigurationError(label, f"a table with {', '.join(RoomConfig.__struct_fields__)}.")
        for key in table:
            if key not in RoomConfig.__struct_fields__:
                raise ConfigurationError(
                    f"{label}.{key}", f"no setting of a room; these are: {', '.join(RoomConfig.__struct_fields__)}."
                )
        rooms[name] = RoomConfig(
            **{key: _converted(RoomConfig, key, value, f"{label}.{key}") for key, value in table.items()}
        )
    return rooms


def _check_together(config: Config) -> None:
    """What no setting shows alone."""
    if (config.tls_cert is None) != (config.tls_key is None):
        given, missing = ("tls_cert", "tls_key") if config.tls_key is None else ("tls_key", "tls_cert")
        raise ConfigurationError(missing, f"{accepted(Config, missing)}; needed because {given} is set.")
    if config.unix is not None and config.tls_cert is not None:
        raise ConfigurationError("unix", "a Unix socket speaks plain HTTP, to a proxy beside it; leave tls_cert out.")
