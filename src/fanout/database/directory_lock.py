"""One process a data directory: two would number the same rooms twice."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path
from typing import Final

from fanout.errors import ConfigurationError

LOCK_NAME: Final = "fanout.lock"


class DirectoryLock:
    """Holds `directory` (made with mode 0700 when it is not there) until `release`, or until the process is gone.

    It is flock(2) on a file in the directory: the kernel lets go of it when the process dies, however it dies, so there
    is never a stale lock to clear away. The number in the file is there only to be named in the error.

    Args:
        name: Of the file. Each kind of data that can be open alone has one of its own.

    Raises:
        ConfigurationError: Somebody else holds it, or the directory can't be written.
    """

    def __init__(self, directory: Path, name: str = LOCK_NAME) -> None:
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            self._descriptor = os.open(directory / name, flags, 0o600)
        except OSError as error:
            raise ConfigurationError(
                "data", f"{directory} can't be used ({error.strerror}); it must be a directory that fanout may write."
            ) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._descriptor, 20, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            if not isinstance(error, BlockingIOError):
                raise ConfigurationError("data", f"{directory} can't be locked ({error.strerror}).") from error
            who = f"process {holder}" if holder.isdigit() else "another process"
            raise ConfigurationError(
                "data", f"{directory} is in use by {who}. Stop it first, or give this one a directory of its own."
            ) from None
        with contextlib.suppress(OSError):  # on a full disk the lock holds all the same, only nameless
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, b"%d\n" % os.getpid(), 0)

    def release(self) -> None:
        """Let go; the file stays, since removing it would open a race. Call it once."""
        os.close(self._descriptor)
