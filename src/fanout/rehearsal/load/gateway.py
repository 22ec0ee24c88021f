"""The SMS gateway: hands over what is due when it is due, and again until it is acknowledged, as gateways do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from fanout.client.target import Target
from fanout.rehearsal.load.calls import Away, Caller, code_of
from fanout.rehearsal.load.evidence import Clock, Evidence, say
from fanout.rehearsal.load.telephones import telephone
from fanout.rehearsal.schedule import Span, asks_the_same, sender
from fanout.rehearsal.texts import question

CONNECTIONS: Final = 8
"""As a Kannel with eight HTTP clients. What is due while all are busy waits, and its time runs."""

BATCH: Final = 10
"""SMS in one request. At a few a second there is no waiting for ten: a request has at most a tenth of a second's."""

TEXTS: Final = 20_000
"""Different texts, made beforehand so that making them takes no time of the evening."""


class Gateway:
    """All SMS of the evening, in batches."""

    def __init__(self, orders: dict[str, Any], clock: Clock) -> None:
        self._orders, self._clock = orders, clock
        self._texts = [question(number, salt=7) for number in range(min(TEXTS, orders["messages"]))]
        self._batches = self._all_batches([Span(**span) for span in orders["spans"]])
        self._next = threading.Lock()
        self.evidence = Evidence()

    def _all_batches(self, spans: list[Span]) -> Iterator[tuple[float, int, int]]:
        """(when it is due, its first SMS, how many)."""
        first = 0
        for span in spans:
            if not span.sms:
                continue
            rate = span.sms / (span.end - span.begin)
            size = max(1, min(BATCH, int(rate / 10)))
            for begin in range(0, span.sms, size):
                count = min(size, span.sms - begin)
                yield span.begin + (begin + count) / rate, first + begin, count
            first += span.sms

    def hand_over(self) -> None:
        """One connection's work: the next batch that nobody has, until there is none."""
        caller = Caller(Target.parse(self._orders["url"]), self._orders["tokens"]["gateway"])
        path = f"/v1/sms?room={quote(self._orders['asks_in'])}"
        while True:
            with self._next:
                batch = next(self._batches, None)
            if batch is None:
                return
            due, first, count = batch
            many = [self._sms(number) for number in range(first, first + count)]
            self._clock.sleep_until(due)
            try:
                status, answer = caller.call("POST", path, many, patience=120)
            except Away:
                self.evidence.count("sms given up", count)
                continue
            if caller.put_off:
                self.evidence.count("put off: SMS", count)
            if status == 200 and {"accepted", "repeated"} <= answer.keys():
                self.evidence.count("sms acknowledged", answer["accepted"] + answer["repeated"])
                self.evidence.observe("sms", self._clock.now() - due, count)
            else:
                self.evidence.count(f"sms refused: {code_of(status, answer)}", count)

    def _sms(self, number: int) -> dict[str, str]:
        orders = self._orders
        who = sender(number, orders["messages"], orders["people"])
        same = asks_the_same(number, orders["messages"], orders["people"], orders["same"])
        text = orders["same_text"] if same else self._texts[number % len(self._texts)]
        return {"id": f"{orders['run']}-{number}", "from": telephone(orders["run"], who), "text": text}


def play(orders: dict[str, Any], clock: Clock) -> None:
    """Hand everything over, and say every second how far it is."""
    gateway = Gateway(orders, clock)
    workers = [threading.Thread(target=gateway.hand_over, daemon=True) for _ in range(CONNECTIONS)]
    for worker in workers:
        worker.start()
    end = orders["seconds"] + orders["settle"]
    while (now := clock.now()) < end and (now < orders["seconds"] or any(each.is_alive() for each in workers)):
        clock.sleep_until(wanted := now + min(1.0, max(0.1, orders["seconds"] - now)))
        gateway.evidence.late(clock.now() - wanted)
        say({"type": "second", "t": round(clock.now(), 3), **gateway.evidence.taken()})
    say({"type": "last", "t": round(clock.now(), 3), **gateway.evidence.taken()})
