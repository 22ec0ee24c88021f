"""The data directory: made private, and keeper of the secret that signs tokens. (The log in it locks it.)"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import Final

from fanout.errors import ConfigurationError
from fanout.server.settings import MIN_SECRET_CHARACTERS

SECRET_BYTES: Final = 32
"""Random bytes in a secret that we make: 256 bits, as much as the hash of HS256 can use (RFC 7518 §3.2)."""


def secret_of(directory: Path) -> str:
    """The directory's secret; made on first use, whole or not at all, whoever else makes it at the same moment.

    Raises:
        ConfigurationError: It can't be read or made, others than its owner may read it, or it is too short.
    """
    _make(directory)
    path = directory / "secret"
    try:
        if not path.exists():
            _make_secret(path)
    except OSError as error:
        raise _unusable(path, error) from None
    return _read_secret(path)


def check_directory(directory: Path) -> None:
    """Whether a server could keep its data here; makes nothing.

    Raises:
        ConfigurationError: It could not.
    """
    place = next(path for path in (directory.absolute(), *directory.absolute().parents) if path.exists())
    if not place.is_dir():
        raise ConfigurationError("data", f"{place} is not a directory.")
    if not os.access(place, os.W_OK | os.X_OK):
        raise ConfigurationError("data", f"{place} can't be written.")
    if (directory / "secret").exists():
        _read_secret(directory / "secret")


def _read_secret(path: Path) -> str:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        secret = path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise _unusable(path, error) from None
    except UnicodeDecodeError:
        secret, mode = "", 0o600
    if mode & 0o077:
        raise ConfigurationError("data", f"{path} can be read by others (mode {mode:04o}); run: chmod 600 {path}")
    if len(secret) < MIN_SECRET_CHARACTERS:
        raise ConfigurationError("data", f"{path} holds no secret of at least {MIN_SECRET_CHARACTERS} characters.")
    return secret


def _make(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(directory, error) from None


def _make_secret(path: Path) -> None:
    draft = path.with_name(f".secret-{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(SECRET_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # fails if another process was first; then theirs is the one
        except FileExistsError:
            return
    finally:
        draft.unlink()


def _unusable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError("data", f"{path} can't be used: {error.strerror}.")
