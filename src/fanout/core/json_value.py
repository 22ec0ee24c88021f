"""A message's `data`: a JSON object that every format can carry, within bounds, and nobody else's to change.

JSON itself is not here (core knows no encoding): this is about the values. What passes can be written as JSON and as
MessagePack without loss, and read back by a browser with the same numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import Any

from fanout.core.limits import MAX_DATA_BYTES, MAX_DATA_DEPTH, MAX_SEQ
from fanout.errors import InvalidInput


def json_object(value: object) -> dict[str, Any]:
    """A deep copy of `value`, made of dict, list, str, int, float, bool and None.

    Raises:
        InvalidInput: `bad_data` (not an object, or something in it that JSON does not have: the detail says where),
            `data_too_deep`, `data_too_long`.
    """
    if not isinstance(value, Mapping):
        raise _bad("data", f"is a JSON object, not {type(value).__name__}")
    copy, _ = _object(value, "data", 1, MAX_DATA_BYTES)
    return copy


def _copied(value: object, path: str, depth: int, room: int) -> tuple[Any, int]:
    """The copy of one value and how many bytes it takes as compact JSON, of the `room` bytes that are left.

    The room is checked after every member, so the work is bounded by the limit, whatever comes in.
    """
    copy: Any
    size: int
    if value is None or isinstance(value, bool):
        copy, size = value, 5
    elif isinstance(value, str):
        copy, size = _text(value, path)
    elif isinstance(value, int):
        if abs(value) > MAX_SEQ:
            raise _bad(path, f"is an integer beyond ±{MAX_SEQ}, which browsers can't hold exactly; write it as text")
        copy, size = int(value), len(str(int(value)))
    elif isinstance(value, float):
        if not isfinite(value):
            raise _bad(path, "is not a finite number")
        copy, size = float(value), len(repr(float(value)))
    elif isinstance(value, (Mapping, list, tuple)):
        if depth > MAX_DATA_DEPTH:
            raise InvalidInput(f"data is nested more than {MAX_DATA_DEPTH} deep.", code="data_too_deep")
        copy, size = (_object if isinstance(value, Mapping) else _array)(value, path, depth, room)
    else:
        raise _bad(path, f"is of type {type(value).__name__}, which JSON does not have")
    _check_room(size, room)
    return copy, size


def _object(value: Any, path: str, depth: int, room: int) -> tuple[dict[str, Any], int]:
    copy: dict[str, Any] = {}
    size = 2
    for key, member in value.items():
        if not isinstance(key, str):
            raise _bad(path, f"has a key of type {type(key).__name__}; keys are text")
        name, key_size = _text(key, path)
        _check_room(size + key_size + 2, room)
        copy[name], member_size = _copied(member, f"{path}.{name[:40]}", depth + 1, room - size - key_size - 2)
        size += key_size + member_size + 2
    return copy, size


def _array(value: Any, path: str, depth: int, room: int) -> tuple[list[Any], int]:
    copy = []
    size = 2
    for number, member in enumerate(value):
        item, item_size = _copied(member, f"{path}[{number}]", depth + 1, room - size - 1)
        copy.append(item)
        size += item_size + 1
    return copy, size


def _text(value: str, path: str) -> tuple[str, int]:
    """The text and its size in JSON: quotes, and six bytes for a control character (RFC 8259 §7)."""
    if len(value) > MAX_DATA_BYTES:
        _check_room(len(value), MAX_DATA_BYTES)
    try:
        size = len(value.encode()) + 2
    except UnicodeEncodeError:
        raise _bad(path, "holds a lone surrogate, half of a character") from None
    size += sum(5 if character < " " else character in '"\\' for character in value)
    return str(value), size


def _check_room(size: int, room: int) -> None:
    if size > room:
        raise InvalidInput(f"data takes at most {MAX_DATA_BYTES} bytes as JSON; this is more.", code="data_too_long")


def _bad(path: str, problem: str) -> InvalidInput:
    return InvalidInput(f"{path} {problem}.", code="bad_data")
