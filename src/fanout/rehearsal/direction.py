"""Directs a rehearsal: starts the load processes, does what is to go wrong, watches, and gathers the evidence."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, Final
from urllib.parse import quote

import trio
from msgspec.structs import asdict

from fanout.errors import ConfigurationError
from fanout.rehearsal.counting import Counting
from fanout.rehearsal.disk import watch_disk
from fanout.rehearsal.heads import Heads
from fanout.rehearsal.house import House, Unreachable
from fanout.rehearsal.load_process import LoadProcess, kill_all
from fanout.rehearsal.measures import Record
from fanout.rehearsal.recording.playing import Replay
from fanout.rehearsal.scenario import Fault, Scenario
from fanout.rehearsal.schedule import Schedule, seats, share_of
from fanout.rehearsal.spoken import Spoken
from fanout.rehearsal.texts import question

SEATS_PER_PROCESS: Final = 10_000
"""Visitors of one load process, at most: half of what its descriptors allow, so that two cores share a full hall."""

SETTLE_SECONDS: Final = 40.0
"""How long everybody may take to be back after the end: somewhat above the longest wait of a client that is told
nothing."""

HANDED_IN_AT_ONCE: Final = 500
"""Advance questions in one request."""

GONE_LOOKS_SECONDS: Final = 0.5
"""Between two looks at whether the server is still there at all: without one there is nothing to wait for."""

LOOKS_SECONDS: Final = 2.0
"""Between two looks at the moderators' queue."""

MOST_CLOCK_STEP_SECONDS: Final = 0.2
"""By how much the two clocks of the machine may part during a run. More: it slept, or somebody set the time."""


class Direction:
    """One run of a scenario against a house."""

    def __init__(
        self,
        scenario: Scenario,
        schedule: Schedule,
        house: House,
        tell: Callable[[str], None],
        replay: Replay | None = None,
    ) -> None:
        self._scenario, self._schedule, self._house, self._tell = scenario, schedule, house, tell
        self._replay = replay
        self._run = secrets.token_hex(4)
        asked = {scenario.asks_in} - {None} if replay is None else replay.planned.rooms
        self._counting = Counting(house, [room for room in asked if room])
        opened = [name for rooms in scenario.rooms if rooms.mode == "open" for name in rooms.names()]
        self._spoken = Spoken(house, {*opened, *filter(None, (scenario.asks_in, scenario.speaks_in))})
        self._heads = Heads(house, scenario)
        self.record = Record(schedule)
        self.not_tried: list[str] = []
        self.tallies: dict[str, Any] | None = None
        self.per_send: float | None = None
        self.heads: dict[str, tuple[str, int]] = {}
        self.memory: dict[str, int] = {}
        self.clock_step = 0.0
        self.advance_seconds = 0.0
        self.opened = 0.0
        """When the doors opened, in seconds since 1970."""
        self.gone: str | None = None
        """Why the server was not there to the end, if it was not; what was seen until then is in the record."""
        self._playing = trio.CancelScope()

    # --- before -------------------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Make the rooms, and hand in what was sent before the doors open.

        Raises:
            Unreachable: The house can't be reached or refuses.
        """
        wanted: dict[str, dict[str, Any]] = {}
        for rooms in sorted(self._scenario.rooms, key=lambda rooms: rooms.follows is not None):
            settings: dict[str, Any] = {"mode": rooms.mode}
            if rooms.followed:
                settings["follows"] = rooms.followed
            if rooms.overflow is not None:
                settings["overflow"] = rooms.overflow
            wanted |= dict.fromkeys(rooms.names(), settings)
        if any(
            "follows" in wanted[followed] for settings in wanted.values() for followed in settings.get("follows", ())
        ):
            self._house.make_rooms({name: {"mode": settings["mode"]} for name, settings in wanted.items()})
        self._house.make_rooms(wanted)
        self._counting.begin()
        self._spoken.begin()
        self._heads.begin()
        begin, total = time.monotonic(), self._schedule.totals.advance_questions
        for first in range(0, total, HANDED_IN_AT_ONCE):
            many = [
                {"text": question(number, salt=1), "name": "Before", "id": f"{self._run}-{number}"}
                for number in range(first, min(total, first + HANDED_IN_AT_ONCE))
            ]
            answer = self._house.call("gateway", "POST", f"/v1/rooms/{self._asks_in}/submissions", many)
            self.record.whole.evidence.count("acknowledged: handed in", answer["accepted"] + answer["repeated"])
        self.advance_seconds = time.monotonic() - begin

    @property
    def _asks_in(self) -> str:
        return quote(self._scenario.asks_in or "")

    @property
    def _before(self) -> int:
        """The number of the last question that was there before this run, which is for nobody who works in it."""
        return self._counting.newest.get(self._scenario.asks_in or "", 0)

    def _orders(self) -> dict[str, dict[str, Any]]:
        """What each load process is told, by its name."""
        scenario, schedule, totals = self._scenario, self._schedule, self._schedule.totals
        usual: dict[str, Any] = {
            "url": self._house.url, "seconds": schedule.seconds, "asks_in": scenario.asks_in, "run": self._run,
            "settle": SETTLE_SECONDS, "faults": [(at, asdict(fault)) for at, fault in schedule.faults],
            "tokens": self._house.tokens, "spans": [_plain(span) for span in schedule.spans],
        }  # fmt: skip
        orders: dict[str, dict[str, Any]] = {}
        halls = -(-totals.visitors // SEATS_PER_PROCESS)
        rooms, first = seats(scenario, totals.visitors), 0
        opened = [name for each in scenario.rooms if each.mode == "open" for name in each.names()]
        for number in range(halls):
            spans = [
                {name: value if name in ("name", "begin", "end") else share_of(value, number, halls)
                 for name, value in span.items()}
                for span in usual["spans"]
            ]  # fmt: skip
            mine = sum(span["arrivals"] for span in spans)
            speak = sum(span["web_questions"] + span["chat_messages"] for span in spans)
            orders[f"audience {number + 1}"] = {
                **usual, "kind": "audience", "number": number, "spans": spans, "rooms": rooms[first : first + mine],
                "open": opened, "tokens": {}, "identities": self._house.identities(min(mine, speak)),
                "event_streams": scenario.event_streams,
            }  # fmt: skip
            first += mine
        if scenario.moderators or totals.aired or totals.announcements:
            orders["staff"] = {
                **usual, "kind": "staff", "moderators": [asdict(team) for team in scenario.moderators],
                "compress": schedule.compress, "answer_lines": totals.answer_lines, "bytes": totals.bytes,
                "speaks_in": scenario.speaks_in, "before": self._before,
            }  # fmt: skip
        if totals.sms_messages:
            orders["SMS gateway"] = {
                **usual, "kind": "gateway", "messages": totals.sms_messages, "people": totals.sms_people,
                "same": totals.sms_same, "same_text": totals.sms_same_text,
            }  # fmt: skip
        if self._replay is not None:
            orders["replay"] = {
                **usual, "kind": "replay", "compress": schedule.compress, "scale": schedule.scale,
                "recording": str(self._replay.recording.path), "replay_begin": self._replay.begin,
                "acts": self._replay.planned.acts, "secret": self._house.secret,
            }  # fmt: skip
        floods = [each for each in usual["faults"] if each[1]["kind"] == "flood"]
        if floods and scenario.asks_in:
            orders["flood"] = {**usual, "kind": "flood", "faults": floods, "tokens": {}}
        return orders

    # --- while it runs ------------------------------------------------------------------------------------------------

    async def play(self) -> None:
        """Play it to the end, or until the server is gone for good.

        Raises:
            Unreachable: A load process did not start.
        """
        processes: dict[str, LoadProcess] = {}
        try:
            for name, orders in self._orders().items():
                processes[name] = await LoadProcess.start(orders)
            for name, process in processes.items():
                if await process.line() is None:
                    raise Unreachable(f"the load process {name!r} did not start")
            begin, self.opened = time.monotonic() + 0.1, time.time() + 0.1
            for process in processes.values():
                await process.tell(begin)
            with self._playing:
                await self._watch(begin, processes)
            self.clock_step = abs((time.time() - self.opened) - (time.monotonic() - begin))
        finally:
            kill_all(processes.values())
            for process in processes.values():
                await process.ended()
        if self.gone is None:
            try:
                await trio.to_thread.run_sync(self._count, abandon_on_cancel=True)
            except Unreachable as gone:
                self.gone = gone.detail

    async def _watch(self, begin: float, processes: dict[str, LoadProcess]) -> None:
        """Until every load process is done."""
        async with trio.open_nursery() as watching:
            for at, fault in self._schedule.faults:
                watching.start_soon(self._go_wrong, begin + at, at, fault)
            if self._scenario.asks_in:
                watching.start_soon(self._watch_queue, begin)
            watching.start_soon(self._show, begin)
            watching.start_soon(self._watch_house)
            async with trio.open_nursery() as listening:
                async with trio.open_nursery() as speaking:
                    for name, process in processes.items():
                        (listening if process.listens else speaking).start_soon(self._read, name, process)
                    speaking.start_soon(trio.sleep, self._schedule.seconds)
                heads: dict[str, tuple[str, int]] = {}
                with suppress(Unreachable):  # then who is behind is found out by the last look, or nobody is there
                    heads = await trio.to_thread.run_sync(self._heads.now, abandon_on_cancel=True)
                for process in processes.values():
                    if process.listens:
                        await process.tell(heads)
            watching.cancel_scope.cancel()

    async def _watch_house(self) -> None:
        gone = partial(trio.to_thread.run_sync, self._house.gone, abandon_on_cancel=True)
        while (why := await gone()) is None:  # noqa: ASYNC110  # no event
            await trio.sleep(GONE_LOOKS_SECONDS)
        self._end(why)

    def _end(self, why: str) -> None:
        """There is nobody to rehearse against any more."""
        t = time.time() - self.opened
        self.gone = f"{t:.0f} s after the doors opened, {why}"
        self.record.happen(t, "the server was gone")
        self._tell(f"  {self.gone}")
        self._playing.cancel()

    async def _read(self, name: str, process: LoadProcess) -> None:
        last = None
        while (said := await process.line()) is not None:
            self.record.add(name, said)
            last = said["type"]
        if last != "last":
            self.record.faults.append(f"the load process {name!r} ended before the evening did")

    async def _go_wrong(self, when: float, at: float, fault: Fault) -> None:
        await trio.sleep(max(0.0, when - time.monotonic()))
        share = f" {100 * fault.share:g} %" if fault.kind in ("cut", "stall") else ""
        self.record.happen(at, f"{fault.kind}{share}")
        self._tell(f"  {fault.kind}{share}")
        if fault.kind in ("cut", "stall", "flood"):
            return  # the load processes do it
        try:
            done = await trio.to_thread.run_sync(self._house.fault, fault.kind)
        except (Unreachable, ConfigurationError) as failed:
            self._end(failed.detail)
            return
        if not done:
            self.not_tried.append(f"{fault.kind} in {fault.phase}: only a server of the rehearsal's own may be harmed")
        elif fault.kind == "stop-disk":
            room = self._scenario.speaks_in or self._scenario.asks_in or self._scenario.rooms[0].names()[0]
            path = f"/v1/rooms/{quote(room)}/messages"
            await watch_disk(self._house, path, fault.seconds, self.record.whole.evidence)
        elif fault.kind == "slow-plugin":
            await trio.sleep(fault.seconds)
            await trio.to_thread.run_sync(self._house.fault, "slow-plugin over")

    async def _watch_queue(self, begin: float) -> None:
        path = f"/v1/rooms/{self._asks_in}"
        oldest_held = f"{path}/submissions?state=held&source=web&limit=1&after={self._before}"
        before = self._counting.before["by_state"].get("held", 0)
        while True:
            call = partial(self._house.call, "moderator", "GET", patience=1.0)
            try:
                tallies = await trio.to_thread.run_sync(call, f"{path}/tallies", abandon_on_cancel=True)
                page = await trio.to_thread.run_sync(call, oldest_held, abandon_on_cancel=True)
            except Unreachable:
                pass  # it may be dead on purpose; the next look tells
            else:
                oldest = [_age(each["at"]) * self._schedule.compress for each in page["submissions"]]
                waiting = tallies["by_state"].get("held", 0) - before
                self.record.queue(time.monotonic() - begin, waiting, oldest[0] if oldest else 0.0)
            await trio.sleep(LOOKS_SECONDS)

    async def _show(self, begin: float) -> None:
        """A line a second, of what is happening now."""
        while True:
            await trio.sleep(1.0)
            t, end = time.monotonic() - begin, self._schedule.seconds
            if not self.record.seconds:
                continue
            now = next(
                (each for each in reversed(self.record.seconds) if each.live is not None), self.record.seconds[-1]
            )
            whole = self.record.whole
            told = whole.tally.counts
            p99 = now.delivery_ms(0.99)
            parts = [
                f"{min(t, end):4.0f} of {end:.0f} s  {self._schedule.phase_at(t)}",
                f"{now.live or 0:,} of {now.came:,} listeners",
                f"{now.delivered:,} deliveries/s",
                "" if p99 is None else f"p99 {p99:.0f} ms",
                f"{whole.evidence.counts['sms acknowledged']:,} SMS"
                if whole.evidence.counts["sms acknowledged"]
                else "",
                f"lost {told.lost:,} repeated {told.repeated:,} gaps {told.announced:,}",
            ]
            self._tell("  ".join(part for part in parts if part))

    # --- after --------------------------------------------------------------------------------------------------------

    def _count(self) -> None:
        """What the server itself has counted, once everything is over."""
        self.heads = self._heads.now()
        self.tallies, self.per_send = self._counting.since(), self._counting.per_send()
        if self._replay is None:
            self.record.whole.evidence.count("said and found", self._spoken.found())
        self.memory = self._house.memory()


def _plain(span: Any) -> dict[str, Any]:
    return {name: getattr(span, name) for name in span.__slots__}


def _age(at: str) -> float:
    return max(0.0, time.time() - datetime.fromisoformat(at).timestamp())
