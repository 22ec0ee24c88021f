"""The server under load: its rooms; and the process, when the scenario starts one of its own to kill in the middle."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterable
from pathlib import Path

START_SECONDS = 20
"""How long a server may take to say that it listens; on a busy machine Python alone takes seconds."""


def open_rooms(url: str, token: str | None, stage: str, salons: Iterable[str]) -> None:
    """Make the stage and the rooms that follow it, where they are not there.

    Raises:
        OSError: The server can't be reached, or refuses (the message has its status).
    """
    wanted = {stage: {"mode": "stage"}} | {room: {"mode": "stage", "follows": [stage]} for room in salons}
    for room, settings in wanted.items():
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
        request = urllib.request.Request(f"{url.rstrip('/')}/v1/rooms/{room}", json.dumps(settings).encode(), headers)
        request.method = "PUT"
        with urllib.request.urlopen(request, timeout=START_SECONDS):
            pass


class OwnServer:
    """`fanout serve` on a directory of its own, which goes with it."""

    def __init__(self) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="fanout-evening-")
        self.data = Path(self._directory.name) / "data"
        self.url = self._start(0)

    def _start(self, port: int) -> str:
        command = [sys.executable, "-m", "fanout", "serve", "--port", str(port), "--data", str(self.data)]
        log = (self.data.parent / "server.log").open("ab")
        # LOCUST_… variables are locust's own business; the server is a trio program in its own process.
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=dict(os.environ))
        assert self._process.stdout is not None
        line = self._process.stdout.readline().decode()
        found = re.search(r"listening on (http://\S+)", line)
        if found is None:
            raise RuntimeError(f"the server did not start; it said {line!r}, and in its log: {self.log()}")
        return found[1]

    def operator_token(self) -> str:
        """A token that may make rooms and publish."""
        command = [sys.executable, "-m", "fanout", "token", "--role", "operator", "--data", str(self.data)]
        return subprocess.run(command, check=True, capture_output=True, timeout=START_SECONDS).stdout.decode().strip()

    def kill_and_restart(self) -> None:
        """Kill it as a power cut would, and start it again on the same port and data."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._start(int(self.url.rsplit(":", 1)[1]))

    def log(self) -> str:
        """The last lines of what it logged."""
        return (self.data.parent / "server.log").read_text("utf-8", "replace")[-2000:]

    def stop(self) -> None:
        """End it and remove its directory."""
        self._process.kill()
        self._process.wait()
        self._directory.cleanup()
