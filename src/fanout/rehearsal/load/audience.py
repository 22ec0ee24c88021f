"""The audience: all visitors of one process, who come, listen, ask, chat, reload, are cut, stall and come back."""

from __future__ import annotations

import bisect
import itertools
import json
import math
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from fanout.client.comeback import Ending
from fanout.client.crowd.listener import Listener
from fanout.client.crowd.loop import Loop, source_addresses
from fanout.client.crowd.reading import Heard, Readings
from fanout.client.crowd.stream import StreamListener
from fanout.client.crowd.tally import Tally
from fanout.client.target import Target
from fanout.rehearsal.load.evidence import Clock, Evidence, say
from fanout.rehearsal.schedule import Span, moments
from fanout.rehearsal.texts import line, question

MOST_CONNECTS_PER_SECOND: Final = 20_000
"""What one process can open at the very most; the limit only spreads a crowd that comes back at once."""

PICKS: Final = 50
"""Draws for somebody who is connected. When all fail, next to nobody is, and the act is noted as not possible."""

PAUSE_SECONDS: Final = 1.0
"""Whoever has just asked does not ask for somebody else who is not there."""

ANSWER_SECONDS: Final = 5.0
"""Whoever asked no longer than this before we cut their line could not be answered on it."""

LAST_LINE_SECONDS: Final = 1.0
MOST_LAST_LINE_SECONDS: Final = 10.0
"""After the last word has been acknowledged: the first is enough where everybody has it; whoever has not after the
second is behind."""

Act = tuple[float, str, int, dict[str, Any]]


class Hall(Loop):
    """The visitors' sockets, with evidence of what they saw."""

    def __init__(self, orders: dict[str, Any], clock: Clock, tally: Tally) -> None:
        target, readings = Target.parse(orders["url"]), Readings()
        self.evidence, self._clock, self._chance = Evidence(), clock, random.Random(orders["number"])
        self._rooms: list[str] = orders["rooms"]
        spans = [Span(**span) for span in orders["spans"]]
        self._arrivals = [at for span in spans for at in moments(span, span.arrivals)]
        self._asks_in, self._open = orders["asks_in"], set(orders["open"])
        seats = range(len(self._rooms))
        streams = set(self._chance.sample(seats, round(orders["event_streams"] * len(seats))))
        talks = any(span.chat_messages for span in spans)
        may_speak = [seat for seat in seats if seat not in streams and (not talks or self._rooms[seat] in self._open)]
        count = min(len(orders["identities"]), len(may_speak))
        self._speakers = [may_speak[number * len(may_speak) // count] for number in range(count)]
        self._spoke = dict.fromkeys(self._speakers, -math.inf)
        identities = dict(zip(self._speakers, orders["identities"], strict=False))
        self._away: dict[Listener, float] = {}
        self._reloading: set[Listener] = set()
        self._stalled: list[Listener] = []
        self._unanswered: dict[str, tuple[Listener, float]] = {}
        """Who said it, and when it was due, by its `ref`."""
        self._interrupted: set[Listener] = set()
        """Whose line has ended since they spoke."""
        self._refs = itertools.count()
        self._postponed: list[Act] = []
        """Questions that were due while nobody was there to put them."""
        self._said_at = time.monotonic()
        self.acts = self._programme(spans, orders["faults"])
        super().__init__(
            target,
            [
                StreamListener(target, [room], tally, readings)
                if seat in streams
                else Listener(target, [room], tally, readings, token=identities.get(seat))
                for seat, room in zip(seats, self._rooms, strict=True)
            ],
            tally,
            rate=MOST_CONNECTS_PER_SECOND,
            sources=source_addresses(target, len(self._rooms), number=orders["number"]),
            arrivals=[clock.begin + at for at in self._arrivals],
        )
        self._outside = {who: clock.begin + at for who, at in zip(self.listeners, self._arrivals, strict=False)}
        """Who wants to come in, since when: whoever is refused tries again, and their time runs on."""

    @staticmethod
    def _programme(spans: list[Span], faults: list[tuple[float, dict[str, Any]]]) -> list[Act]:
        acts: list[Act] = []
        for kind in ("reloads", "web_questions", "chat_messages"):
            every = [at for span in spans for at in moments(span, getattr(span, kind))]
            acts += [(at, kind, number, {}) for number, at in enumerate(every)]
        for at, fault in faults:
            if fault["kind"] in ("cut", "stall"):
                acts.append((at, fault["kind"], 0, fault))
                if fault["kind"] == "stall":
                    acts.append((at + fault["seconds"], "read on", 0, fault))
        return sorted(acts, key=lambda act: act[0])

    def do(self, act: Act, silent_for: float = 0.0) -> None:
        """What is due now, by somebody who has said nothing for so many seconds."""
        at, kind, number, fault = act
        self.evidence.late(self._clock.now() - at)
        if kind == "cut" or kind == "stall":
            wait = self._wait_for_an_answer if kind == "stall" else ()
            present = [each for each in self.listeners if each.live and each not in wait]
            chosen = self._chance.sample(present, round(len(present) * fault["share"]))
            if kind == "cut":
                self._are_cut_off(chosen)
            for listener in chosen:
                if kind == "cut":
                    self.cut_one(listener)
                else:
                    self.stall(listener)
                    self._stalled.append(listener)
            return
        if kind == "read on":
            while self._stalled:
                self.read_on(self._stalled.pop())
            return
        somebody = self._somebody() if kind == "reloads" else self._speaker(silent_for)
        if somebody is None and kind == "web_questions":
            self._postponed.append(act)
            return
        if somebody is None:
            self.evidence.count(f"not possible: {kind}")
            return
        listener, room, seat = somebody
        self.evidence.count(kind)
        if kind == "reloads":
            self._reloading.add(listener)
            self.cut_one(listener)
            return
        due = self._clock.due_ns(at)
        chat = kind == "chat_messages"
        text = line(number, due) if chat else question(number, salt=self._chance.randrange(10**9))
        where = room if chat else self._asks_in
        ref = str(next(self._refs))
        command = {"type": "submit", "room": where, "text": text, "name": f"Visitor {seat}", "ref": ref}
        self._unanswered[ref] = listener, at
        self._interrupted.discard(listener)
        self.say(listener, json.dumps(command).encode())

    def _somebody(self) -> tuple[Listener, str, int] | None:
        """Anybody who is here; but nobody goes who has just asked."""
        here, wait = bisect.bisect(self._arrivals, self._clock.now()), self._wait_for_an_answer
        for _ in range(PICKS if here else 0):
            seat = self._chance.randrange(here)
            if (listener := self.listeners[seat]).live and listener not in wait:
                return listener, self._rooms[seat], seat
        return None

    def _speaker(self, silent_for: float) -> tuple[Listener, str, int] | None:
        """Who has been silent longest, of some of those with an identity who are here: nobody speaks twice in a row."""
        here = bisect.bisect(self._speakers, bisect.bisect(self._arrivals, self._clock.now()) - 1)
        picked = [self._speakers[self._chance.randrange(here)] for _ in range(PICKS if here else 0)]
        awake = (seat for seat in picked if self.listeners[seat].live and self.listeners[seat] not in self._stalled)
        seat = min(awake, key=self._spoke.__getitem__, default=None)
        if seat is None or self._spoke[seat] > self._clock.now() - silent_for:
            return None
        self._spoke[seat] = self._clock.now()
        return self.listeners[seat], self._rooms[seat], seat

    @property
    def _wait_for_an_answer(self) -> set[Listener]:
        return {listener for listener, _ in self._unanswered.values()}

    def put_what_was_postponed(self) -> None:
        """As soon as somebody is there, who speaks in place of those who are not; its time runs from then."""
        postponed, self._postponed = self._postponed, []
        for number, (_, kind, what, fault) in enumerate(postponed):
            self.do((self._clock.now(), kind, what, fault), PAUSE_SECONDS)
            if self._postponed:
                self._postponed += postponed[number + 1 :]
                return

    def is_behind(self, heads: dict[str, tuple[str, int]]) -> bool:
        """Whether somebody who is here has not had all yet that is in their room."""
        return any(
            listener.live and (track.seq if track.epoch == epoch else 0) < head
            for listener in self.listeners
            for room, track in listener.tracks.items()
            for epoch, head in [heads.get(room, ("", 0))]
        )

    def note_who_still_waits(self) -> None:
        """Whoever has not come back, or was never let in, has waited until now."""
        now = time.monotonic()
        for left in self._away.values():
            self.evidence.observe("back", now - left)
        for since in self._outside.values():
            self.evidence.observe("join", now - since)

    @property
    def owes_an_answer(self) -> bool:
        """Whether the server does, to somebody whose line still stands."""
        return bool(self._wait_for_an_answer - self._interrupted)

    def _are_cut_off(self, listeners: Sequence[Listener]) -> None:
        """Whoever of them has just asked can't be answered."""
        cut, since = set(listeners), self._clock.now() - ANSWER_SECONDS
        refs = [ref for ref, (who, at) in self._unanswered.items() if who in cut and at > since]
        for ref in refs:
            del self._unanswered[ref]
        self.evidence.count("cut off as they asked", len(refs))

    def welcomed(self, listener: Listener, seconds: float) -> None:
        self.put_what_was_postponed()
        since, left = self._outside.pop(listener, None), self._away.pop(listener, None)
        if left is not None:
            self.evidence.observe("back", time.monotonic() - left)
            return
        self.evidence.count("connections")
        self.evidence.count("connections: streams", type(listener) is StreamListener)
        self.evidence.observe("join", seconds if since is None else time.monotonic() - since)
        self._reloading.discard(listener)

    def line_ended(self, listener: Listener, ending: Ending) -> None:
        self._interrupted.add(listener)
        if listener.live and listener not in self._reloading:
            self._away[listener] = time.monotonic()
            self.evidence.count("broken")
        elif not listener.live and listener not in self._away:
            self._outside.setdefault(listener, time.monotonic())

    def answered(self, answer: Heard, now: float) -> None:
        if (asked := self._unanswered.pop(answer.ref, None)) is None:
            return  # news of something that was answered before
        self.evidence.observe("ask", now - self._clock.begin - asked[1])
        if answer.type == "error":
            self.evidence.count(f"refused: {answer.code}")
        else:
            self.evidence.count("acknowledged: chat" if answer.room in self._open else "acknowledged: web")

    def second_passed(self) -> None:
        now = time.monotonic()
        self.evidence.late(now - self._said_at - 1)
        self._said_at = now
        self.put_what_was_postponed()
        self.report("second")

    def report(self, kind: str, **more: Any) -> None:
        """Say what was seen since the last time."""
        live = self.live
        came = bisect.bisect(self._arrivals, self._clock.now())
        say({
            "type": kind, "t": round(self._clock.now(), 3), "live": live, "came": came,
            "tally": self._tally.taken(), **self.evidence.taken(), **more,
        })  # fmt: skip

    @property
    def live(self) -> int:
        """Who has been welcomed and is still there."""
        return sum(listener.live for listener in self.listeners)

    def stand(self) -> dict[str, dict[str, dict[int, int]]]:
        """How many connected listeners of each room are how far: by room, epoch and number."""
        found: dict[str, dict[str, Counter[int]]] = {}
        for listener in self.listeners:
            if listener.live:
                for room, track in listener.tracks.items():
                    found.setdefault(room, {}).setdefault(track.epoch, Counter())[track.seq] += 1
        return {room: {epoch: dict(seqs) for epoch, seqs in epochs.items()} for room, epochs in found.items()}


def play(orders: dict[str, Any], clock: Clock) -> None:
    """Play the evening to its end and until a line on stdin says that nobody speaks any more, and how far the rooms are
    then; wait until all are back and have had all (at most `settle` seconds), and say the last word."""
    hall = Hall(orders, clock, Tally())
    over, heads = threading.Event(), dict[str, tuple[str, int]]()

    def wait_for_the_word() -> None:
        if told := sys.stdin.readline():
            heads.update(json.loads(told))
        over.set()

    threading.Thread(target=wait_for_the_word, daemon=True).start()
    for act in hall.acts:
        hall.run(clock.begin + act[0])
        hall.do(act)
    hall.run(clock.begin + orders["seconds"])
    while not over.is_set():
        hall.run(time.monotonic() + 0.1)
    since = time.monotonic()
    hall.run(since + LAST_LINE_SECONDS)
    while (now := time.monotonic()) < since + orders["settle"] and (
        hall.waiting
        or hall.connected > hall.live
        or hall.owes_an_answer
        or (now < since + MOST_LAST_LINE_SECONDS and hall.is_behind(heads))
    ):
        hall.run(time.monotonic() + 0.1)
    hall.note_who_still_waits()
    hall.report("last", stand=hall.stand())
    hall.close()
