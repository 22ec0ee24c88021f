"""What the things of a recording are called on this server: by the recording's number, as soon as it is known."""

from __future__ import annotations

import threading
import time


class Numbered:
    """Ids by number, for several threads. Number 0 stands for what nothing refers to."""

    def __init__(self) -> None:
        self._ids: dict[int, tuple[str | None, float]] = {}
        self._news = threading.Condition()

    def put(self, number: int, id: str | None) -> None:
        """It is called so; None: there is no such thing here."""
        if number:
            with self._news:
                _, since = self._ids.get(number, (None, time.monotonic()))
                self._ids[number] = (id, since)
                self._news.notify_all()

    def get(self, number: int, seconds: float) -> tuple[str | None, float]:
        """Its id, which may still be on its way for so long, and since when it is known (`time.monotonic()`). None: it
        does not come."""
        with self._news:
            self._news.wait_for(lambda: number in self._ids, max(0.0, seconds))
            return self._ids.get(number, (None, 0.0))
