"""A flood: one address that sends as much as it can, for the seconds of a fault. What matters is how others fare."""

from __future__ import annotations

import threading
import time
from typing import Any, Final
from urllib.parse import quote

from fanout.client.crowd.loop import source_addresses
from fanout.client.target import Target
from fanout.rehearsal.load.calls import Away, Caller
from fanout.rehearsal.load.evidence import Clock, Evidence, say

CONNECTIONS: Final = 4
"""One person with a script."""

ITS_NAME: Final = "A flood"
"""By which whoever reads its questions knows them."""

ITS_ADDRESS: Final = "127.0.9.9"
"""Nobody else's, where the server is on this machine."""


class Flood:
    """Submissions without a pause, from a few visitors who are always the same."""

    def __init__(self, orders: dict[str, Any], clock: Clock) -> None:
        self._orders, self._clock, self.evidence = orders, clock, Evidence()

    def pour(self) -> None:
        """One connection's share."""
        target = Target.parse(self._orders["url"])
        source = ITS_ADDRESS if source_addresses(target, 1) else None
        visitor = Caller(target, None, source)
        _, identity = visitor.call("POST", "/v1/visitors", {})
        visitor.close()
        caller = Caller(target, identity["token"], source)
        path = f"/v1/rooms/{quote(self._orders['asks_in'])}/submissions"
        for at, fault in self._orders["faults"]:
            self._clock.sleep_until(at)
            while self._clock.now() < at + fault["seconds"]:
                try:
                    status, _ = caller.call("POST", path, {"text": "Buy now!", "name": ITS_NAME}, patience=1)
                except Away:
                    continue
                self.evidence.count("flood taken" if status == 202 else "flood refused")


def play(orders: dict[str, Any], clock: Clock) -> None:
    """Pour until the end, and say every second how much."""
    flood = Flood(orders, clock)
    for _ in range(CONNECTIONS):
        threading.Thread(target=flood.pour, daemon=True).start()
    while clock.now() < orders["seconds"]:
        time.sleep(min(1.0, max(0.0, orders["seconds"] - clock.now())))
        say({"type": "second", "t": round(clock.now(), 3), **flood.evidence.taken()})
    say({"type": "last", "t": round(clock.now(), 3), **flood.evidence.taken()})
