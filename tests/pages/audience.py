"""Listeners by the hundred, as many as a hall has: a process of their own, while it is wanted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.pages.house import House


@contextmanager
def seated(house: House, rooms: Sequence[str], listeners: int, per_second: int) -> Iterator[None]:
    """So many who listen to these rooms; they come in one after the other."""
    command = [sys.executable, "-m", "fanout.client.crowd", "--url", house.url, "--allow-gaps"]
    command += ["--listeners", str(listeners), "--rate", str(per_second)]
    for room in rooms:
        command += ["--room", room]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True) as crowd:
        try:
            yield
        finally:
            crowd.kill()
