"""A recorded event is played: everything in it is read a little before it is due, and given to whoever does it.

Staff of a room, and whoever works on one question, do one thing after another; everybody else acts at the same time.
"""

from __future__ import annotations

import queue
import threading
from pathlib import Path
from typing import Any, Final

from fanout.core.submission import Source
from fanout.rehearsal.load.calls import Away
from fanout.rehearsal.load.cast import Cast, Part
from fanout.rehearsal.load.evidence import Clock, say
from fanout.rehearsal.recording.acts import Act, Ask, Decide, End, Line, open_recording
from fanout.rehearsal.recording.playing import played

AHEAD_SECONDS: Final = 2.0
"""How long before it is due an act is read."""

GATHER_SECONDS: Final = 0.1
BATCH: Final = {Source.SMS: 10, Source.API: 500}
"""What a gateway hands over together at most, and how long the first one waits for the others."""

THREADS: Final = {"gateway": 8, "visitors": 48}
DESKS: Final = 8
STAGES: Final = 8
"""How many act at the same time, at most."""

Lane = queue.SimpleQueue[list[Part] | None]


class Replay:
    """The whole recording, in lanes: each a queue with its threads."""

    def __init__(self, orders: dict[str, Any], clock: Clock) -> None:
        self._orders, self._clock = orders, clock
        self._recording = open_recording(Path(orders["recording"]))
        head = self._recording.head
        self.cast = Cast(orders, head.rooms, head.open, clock)
        self._lanes: dict[str, Lane] = {}
        self._threads: list[threading.Thread] = []
        self.faults: list[str] = []
        self.unanswered: list[str] = []

    def run(self) -> None:
        """Give everything to whoever does it, and return when all is done."""
        begin, compress = self._orders["replay_begin"], self._orders["compress"]
        gathered: dict[tuple[int, Source], list[Part]] = {}
        for number, (act, copy) in enumerate(played(self._recording, self._orders["scale"])):
            due = begin + act.at / 1000 / compress
            for where, parts in list(gathered.items()):
                if due > parts[0].due + GATHER_SECONDS or len(parts) == BATCH[where[1]] or isinstance(act, End):
                    self._give("gateway", gathered.pop(where))
            if isinstance(act, End):
                break
            self._clock.sleep_until(due - AHEAD_SECONDS)
            part = Part(due, act, copy, number)
            if isinstance(act, Ask) and act.source is not Source.WEB:
                gathered.setdefault((act.room, act.source), []).append(part)
            else:
                self._give(_lane_of(act), [part])
        for name, lane in self._lanes.items():
            for _ in range(THREADS.get(name, 1)):
                lane.put(None)
        for thread in self._threads:
            thread.join()

    def _give(self, name: str, parts: list[Part]) -> None:
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = queue.SimpleQueue()
            for _ in range(THREADS.get(name, 1)):
                thread = threading.Thread(target=self._work, args=(lane,), daemon=True)
                self._threads.append(thread)
                thread.start()
        lane.put(parts)

    def _work(self, lane: Lane) -> None:
        caller = self.cast.caller()
        while (parts := lane.get()) is not None:
            try:
                self.cast.do(caller, parts)
            except Away as away:
                self.unanswered.append(str(away))
                self.cast.give_up(parts)
            self.cast.evidence.count("acts", len(parts))
        caller.close()


def _lane_of(act: Act) -> str:
    if isinstance(act, Ask):
        return "visitors"
    return f"desk {act.submission % DESKS}" if isinstance(act, Decide | Line) else f"stage {act.room % STAGES}"


def play(orders: dict[str, Any], clock: Clock) -> None:
    """Play it to its end, and say every second how far it is."""
    replay = Replay(orders, clock)
    running = threading.Thread(target=replay.run, daemon=True)
    running.start()
    tried, end = 0, orders["seconds"] + orders["settle"]
    while (now := clock.now()) < end and (now < orders["seconds"] or running.is_alive()):
        clock.sleep_until(wanted := now + min(1.0, max(0.1, orders["seconds"] - now)))
        replay.cast.evidence.late(clock.now() - wanted)
        taken = replay.cast.evidence.taken()
        tried += taken["counts"].get("acts", 0)
        say({"type": "second", "t": round(clock.now(), 3), **taken})
    taken = replay.cast.evidence.taken()
    tried += taken["counts"].get("acts", 0)
    if tried < orders["acts"]:
        replay.faults.append(f"only {tried:,} of the {orders['acts']:,} acts of the recording were tried")
    say(
        {
            "type": "last",
            "t": round(clock.now(), 3),
            **taken,
            "faults": replay.faults[:10],
            "unanswered": replay.unanswered[:10],
        }
    )
