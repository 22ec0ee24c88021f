"""Runs the commands of one page of the documentation as its reader would: in order, in one shell, in an empty folder.

In a ```console block, a line that begins with `$ ` is a command (`> ` continues it) and the lines below are what it
prints, where `…` stands for anything. A command that ends in `&` stays until the page ends. Port 8700 is replaced by a
free one. What a test can't run (installing with apt, pip or docker) stands in a ```sh block. A block that begins with
```python title="evening.py" is that file, and lies in the folder from the beginning.
"""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>\w+)[^\n]*\n(?P<body>.*?)^ *```\s*$", re.MULTILINE | re.DOTALL)
_TITLED = re.compile(r'^```\w+ title="(?P<name>[\w.-]+)"[^\n]*\n(?P<body>.*?)^```\s*$', re.MULTILINE | re.DOTALL)
_SNIPPET = re.compile(r'^--8<-- "(?P<path>[^"]+)"$', re.MULTILINE)
_ROOT = Path(__file__).parents[2]
_DONE = "page-session-done"
SECONDS = 30.0


@dataclass
class Step:
    """One command of a page, and the lines that the page says it prints."""

    command: str
    expected: list[str] = field(default_factory=list)


def blocks(text: str, language: str) -> list[list[str]]:
    """The lines of every block of that language, without the indentation of the block."""
    return [
        [line.removeprefix(found["indent"]) for line in found["body"].splitlines()]
        for found in _BLOCK.finditer(text)
        if found["language"] == language
    ]


def files(text: str) -> dict[str, str]:
    """The files that a page shows, by name; a line `--8<-- "PATH"` is the file of the repository that it names."""
    return {
        found["name"]: _SNIPPET.sub(lambda line: (_ROOT / line["path"]).read_text().rstrip(), found["body"])
        for found in _TITLED.finditer(text)
    }


def steps(text: str) -> list[Step]:
    """The commands of a page, in order."""
    found: list[Step] = []
    for block in blocks(text, "console"):
        assert block[0].startswith("$ "), f"a console block begins with a command: {block[0]!r}"
        for line in block:
            if line.startswith("$ "):
                found.append(Step(line[2:]))
            elif line.startswith("> ") and not found[-1].expected:
                found[-1].command += "\n" + line[2:]
            else:
                found[-1].expected.append(line)
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class PageSession:
    """One shell for one page. Use as a context manager; at the end all that it started is stopped."""

    def __init__(self, folder: Path, shown: Mapping[str, str] | None = None) -> None:
        self._port = str(free_port())
        for name, content in (shown or {}).items():
            (folder / name).write_text(content.replace("8700", self._port))
        defaults = folder / ".defaults.toml"  # what a reader has who changes nothing, but for the port
        defaults.write_text(f"port = {self._port}\n")
        ours = {"FANOUT_CONFIG": str(defaults), "FANOUT_URL": f"http://127.0.0.1:{self._port}"}
        programs = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FANOUT_")}
        self._shell = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            cwd=folder,
            env={**kept, **ours, "PATH": programs, "HOME": str(folder), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._unread = ""

    def __enter__(self) -> PageSession:
        return self

    def __exit__(self, *_: object) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self._shell.pid, number)
                self._shell.wait(10)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                continue
        for pipe in (self._shell.stdin, self._shell.stdout):
            pipe.close()

    def run(self, step: Step) -> None:
        """Run one command and compare.

        Raises:
            AssertionError: It failed, took too long, or printed something else than the page says.
        """
        command = step.command.replace("8700", self._port)
        background = command.rstrip().endswith("&")
        self._shell.stdin.write(f"{command}\necho {_DONE} $?\n".encode())
        self._shell.stdin.flush()
        printed, status = self._read_until(re.compile(rf"{_DONE} (\d+)\n"), command)
        assert status == "0", f"$ {command}\nended with status {status}:\n{printed}"
        if background and "serve" in command:
            more, _ = self._read_until(re.compile(r"listening on .*()\n"), command)
            printed += more
        printed = printed.replace(self._port, "8700")
        self._compare(step, printed if printed.endswith("\n") else printed + "\n")  # what curl prints has no end

    def _read_until(self, end: re.Pattern[str], command: str) -> tuple[str, str]:
        deadline = time.monotonic() + SECONDS
        while not (match := end.search(self._unread)):
            readable, _, _ = select.select([self._shell.stdout], [], [], max(0.0, deadline - time.monotonic()))
            assert readable, f"$ {command}\nstill runs after {SECONDS} s; so far:\n{self._unread}"
            received = os.read(self._shell.stdout.fileno(), 65536)
            assert received, f"$ {command}\nended the shell:\n{self._unread}"
            self._unread += received.decode()
        keep = match.end() if not match[1] else match.start()
        printed, self._unread = self._unread[:keep], self._unread[match.end() :]
        return printed, match[1]

    @staticmethod
    def _compare(step: Step, printed: str) -> None:
        pattern = ".*".join(
            ".*?".join(re.escape(part) for part in re.split("…", line.rstrip())) + r"[^\S\n]*\n"
            for line in step.expected if line.strip()
        )  # fmt: skip
        assert re.search(pattern, printed, re.DOTALL), (
            f"$ {step.command}\nthe page says:\n" + "\n".join(step.expected) + f"\nbut it printed:\n{printed}"
        )
