"""A real `fanout serve` for tests: started on a free port, stopped at the end, its output kept."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

FANOUT = [sys.executable, "-m", "fanout"]
STARTS_WITHIN = 60.0
SECRET = "a secret for tests, as long as it has to be"


class ServerProcess:
    """One server. `url` once it listens; `log` and `out` hold what it has said so far.

    `workers` is how many processes of their own the listeners get; set by a fixture for all servers of a test.
    """

    workers = 0

    def __init__(self, *arguments: str, folder: Path, env: dict[str, str] | None = None) -> None:
        self.log, self.out = "", ""
        self._ended: set[str] = set()
        self.process = subprocess.Popen(
            [*FANOUT, "serve", *self._workers(arguments), *arguments],
            cwd=folder,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._news = threading.Condition()
        self._readers = [
            threading.Thread(target=self._read, args=(name, pipe), daemon=True)
            for name, pipe in (("out", self.process.stdout), ("log", self.process.stderr))
        ]
        for reader in self._readers:
            reader.start()

    def _workers(self, arguments: tuple[str, ...]) -> tuple[str, ...]:
        return ("--workers", str(self.workers)) if self.workers and "--workers" not in arguments else ()

    def children(self) -> list[int]:
        """The processes that it has started; none for a server that is one process."""
        found = []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
                if int(fields[1]) == self.process.pid:
                    found.append(int(stat.parent.name))
            except OSError:
                continue
        return found

    def _read(self, name: str, pipe) -> None:
        for line in pipe:
            with self._news:
                setattr(self, name, getattr(self, name) + line)
                self._news.notify_all()
        pipe.close()
        with self._news:
            self._ended.add(name)
            self._news.notify_all()

    def says(self, text: str, seconds: float = STARTS_WITHIN) -> ServerProcess:
        """Wait until this stands in what it has said."""
        with self._news:
            found = self._news.wait_for(lambda: text in self.out + self.log or len(self._ended) == 2, seconds)
        assert found, f"it does not say {text!r}:\n{self.log}"
        assert text in self.out + self.log, f"it ended with {self.wait()} instead:\n{self.log}"
        return self

    def listens(self) -> ServerProcess:
        """Wait until it does."""
        return self.says("listening on")

    @property
    def url(self) -> str:
        found = re.search(r"^fanout listening on (\S+)$", self.out, re.MULTILINE)
        assert found, self.out
        return found[1]

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def wait(self, seconds: float = 30.0) -> int:
        """Its exit code, once it has ended and everything that it said is read."""
        code = self.process.wait(seconds)
        for reader in self._readers:
            reader.join(5)
        return code

    def terminate(self, seconds: float = 30.0) -> int:
        """SIGTERM, and its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait(seconds)

    def kill(self) -> None:
        """SIGKILL for every process: no goodbye, nothing flushed."""
        children = self.children()
        self.process.kill()
        for pid in children:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.wait()


def fanout(
    *arguments: str, folder: Path, env: dict[str, str] | None = None, input: str | None = None, seconds: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    return subprocess.run(
        [*FANOUT, *arguments],
        cwd=folder,
        env={**os.environ, **(env or {})},
        input=input,
        stdin=subprocess.DEVNULL if input is None else None,
        capture_output=True,
        text=True,
        timeout=seconds,
    )
