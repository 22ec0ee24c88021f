"""What a rehearsal is played against: a server of its own, which may be killed, or somebody's that runs already."""

from __future__ import annotations

import os
import resource
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from prometheus_client.parser import text_string_to_metric_families

from fanout.client.target import Target
from fanout.core.principal import EVERY_ROOM, Role
from fanout.errors import ConfigurationError, FanoutError
from fanout.rehearsal.load.calls import Away, Caller
from fanout.rehearsal.slow_plugin import SIGN
from fanout.server.credentials import tokens_of
from fanout.server.settings import Config

STARTS_SECONDS: Final = 60.0
"""How long a server may take until it answers; on a busy machine Python alone takes seconds."""

STOPS_SECONDS: Final = 5.0
MISTAKE: Final = 2
"""With this code a server of ours ends whose settings or plug-ins are wrong."""

TOKENS_LAST_SECONDS: Final = 24 * 3600

GONE_SECONDS: Final = 15.0
"""A server that runs has refused connections for so long: it is not just starting again."""

LAST_LINES_BYTES: Final = 100_000
"""Of the log of a server of ours, what is kept when it has died."""


class Unreachable(FanoutError):
    """There is nobody to rehearse against: exit code 4."""

    code = "unreachable"


class House:
    """A server, and tokens for everybody who works there."""

    own = False

    def __init__(self, url: str, config: Config) -> None:
        self.url, self.target = url, Target.parse(url)
        self.secret = (config.secret, str(config.data))
        """What makes tokens: the secret itself, or the directory where it is."""
        self._refuses_since: float | None = None
        self._issue = issue = tokens_of(config).issue
        self.tokens: dict[str, str] = {
            str(role): issue(role, [EVERY_ROOM], name=str(role).capitalize(), ttl=TOKENS_LAST_SECONDS)
            for role in Role if role is not Role.VISITOR
        }  # fmt: skip

    def identities(self, count: int) -> list[str]:
        """Tokens of so many visitors, as browsers keep them from an earlier visit: they can't all be asked for now, for
        an address is given only some at once."""
        return [
            self._issue(Role.VISITOR, [EVERY_ROOM], subject=secrets.token_hex(16), ttl=TOKENS_LAST_SECONDS)
            for _ in range(count)
        ]

    def call(self, role: str, method: str, path: str, body: object = None, patience: float = STARTS_SECONDS) -> Any:
        """The answer to one call.

        Raises:
            Unreachable: There was none, or a refusal.
        """
        caller = Caller(self.target, self.tokens[role])
        try:
            status, answer = caller.call(method, path, body, patience=patience)
        except Away as away:
            raise Unreachable(f"{self.url} does not answer: {away}") from None
        finally:
            caller.close()
        if status >= 400:
            detail = answer.get("detail", answer) if isinstance(answer, dict) else answer
            raise Unreachable(f"{self.url} refuses {method} {path} with {status}: {detail}")
        return answer

    def metrics(self, *names: str) -> list[float]:
        """The sum of what it counts under each of these names; 0 where it shows nobody its metrics."""
        caller = Caller(self.target, None)
        status, text = caller.fetch("/metrics")
        caller.close()
        families = text_string_to_metric_families(text.decode()) if status == 200 else ()
        samples = [sample for family in families for sample in family.samples]
        return [sum(sample.value for sample in samples if sample.name == name) for name in names]

    def make_rooms(self, rooms: Mapping[str, Mapping[str, Any]]) -> None:
        """Make or change them, in this order.

        Raises:
            Unreachable: It can't be done.
        """
        for name, settings in rooms.items():
            self.call("operator", "PUT", f"/v1/rooms/{quote(name)}", settings, patience=3.0)

    def memory(self) -> dict[str, int]:
        """Bytes that each of its processes has in memory; nothing of a server that is not ours."""
        return {}

    def fault(self, kind: str) -> bool:
        """Do this to the server; returns whether it could be done."""
        return False

    def gone(self) -> str | None:
        """Why it will not come back; None as long as it may."""
        now = time.monotonic()
        try:
            socket.create_connection((self.target.host, self.target.port), GONE_SECONDS).close()
        except OSError as error:
            self._refuses_since = self._refuses_since or now
            if time.monotonic() - self._refuses_since >= GONE_SECONDS:
                return f"{self.url} has taken no connection for {GONE_SECONDS:g} s: {error}"
        else:
            self._refuses_since = None
        return None

    def last_lines(self) -> str:
        """The end of its log, as far as it is ours."""
        return ""

    def close(self) -> None:
        """Let it be."""


class OwnServer(House):
    """`fanout serve` in a directory of its own, which goes with it."""

    own = True

    def __init__(self, workers: int, plugins: tuple[str, ...] = ()) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="fanout-rehearsal-")
        self.data = Path(self._folder.name) / "data"
        self._workers, self._plugins = workers, plugins
        self._secret = secrets.token_urlsafe(32)
        self._sign = Path(self._folder.name) / "slow"
        self._process: subprocess.Popen[str] | None = None
        self._log = self.data.parent / "server.log"
        self._dies_on_purpose = False
        try:
            url = self._start(0)
        except BaseException:
            self.close()
            raise
        super().__init__(url, Config(secret=self._secret))

    def _start(self, port: int) -> str:
        command = [sys.executable, "-m", "fanout", "serve", "--port", str(port), "--data", str(self.data)]
        command += ["--workers", str(self._workers)] if self._workers else []
        command += [part for plugin in self._plugins for part in ("--plugin", plugin)]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FANOUT_")}
        with self._log.open("ab") as stderr:
            self._process = subprocess.Popen(  # noqa: S603  # our own command, our own arguments
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env={**kept, "FANOUT_SECRET": self._secret, SIGN: str(self._sign), "TMPDIR": self._folder.name},
                text=True,
                start_new_session=True,
            )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        if "listening on " not in said:
            last = self.last_lines().strip().splitlines()[-3:]
            why = f"the server did not start: {' '.join(last)}"
            with suppress(subprocess.TimeoutExpired):
                if self._process.wait(STOPS_SECONDS) == MISTAKE:
                    raise ConfigurationError("rehearse", why)
            raise Unreachable(why)
        return said.split("listening on ")[1].strip()

    def processes(self) -> dict[int, str]:
        """Its processes by id, with what each is."""
        assert self._process is not None
        found = {self._process.pid: "supervisor" if self._workers else "server"}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError, IndexError, ValueError):
                if int(stat.read_text().rpartition(")")[2].split()[1]) == self._process.pid:
                    found[int(stat.parent.name)] = self._named(stat.parent)
        return found

    def _named(self, process: Path) -> str:
        """The engine's process is the one that has the log open; an edge has nothing of the data directory."""
        opened: list[str] = []
        for each in (process / "fd").iterdir():
            with suppress(FileNotFoundError):  # it has been closed meanwhile
                opened.append(os.readlink(each))
        data = str(self.data.resolve())
        return "engine" if any(each.startswith(data) and ".sock" not in each for each in opened) else "edge"

    def memory(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for pid, name in self.processes().items():
            with suppress(OSError, IndexError, ValueError):
                pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
                found[name] = found.get(name, 0) + pages * os.sysconf("SC_PAGE_SIZE")
        return found

    def fault(self, kind: str) -> bool:
        if kind == "slow-plugin":
            self._sign.touch()
            return True
        if kind == "slow-plugin over":
            self._sign.unlink(missing_ok=True)
            return True
        if kind.startswith("stop-disk"):
            self._let_files_grow(kind != "stop-disk")
            return True
        if kind == "kill-server" or not self._workers:
            self._dies_on_purpose = True
            self._kill()
            self._start(self.target.port)
            self._dies_on_purpose = False
            return True
        wanted = kind.removeprefix("kill-")
        for pid, name in self.processes().items():
            if name == wanted:
                os.kill(pid, signal.SIGKILL)
                return True
        return False

    def gone(self) -> str | None:
        assert self._process is not None
        code = self._process.poll()
        if code is None or self._dies_on_purpose:  # in this order, for it may be killed between the two
            return None
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"the server's process ended by itself ({how})"

    def last_lines(self) -> str:
        with self._log.open("rb") as log:
            log.seek(max(0, self._log.stat().st_size - LAST_LINES_BYTES))
            return log.read().decode("utf-8", "replace")

    def _let_files_grow(self, may: bool) -> None:
        """Or have every write to a file fail, in each process and in those that they start: what a full disk does, for
        which one would have to be root. Sockets and pipes are no files."""
        for pid in self.processes():
            with suppress(ProcessLookupError):
                _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (most if may else 0, most))

    def _kill(self) -> None:
        """SIGKILL for every process: no goodbye, nothing flushed."""
        if self._process is None:
            return
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def close(self) -> None:
        with _deaf_to_ctrl_c():
            self._kill()
            self._folder.cleanup()


@contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """Whoever presses it again while it is heard already leaves no server behind."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
