"""A recording as it will be played: at a scale, from a phase of the scenario on; and what that comes to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from fanout.core.submission import Source, Step
from fanout.errors import ConfigurationError
from fanout.rehearsal.recording.acts import Act, Ask, Decide, End, Line, Recording, Say, TakeBack, open_recording
from fanout.rehearsal.scenario import Scenario
from fanout.rehearsal.schedule import Schedule

SLACK_SECONDS: Final = 0.5
"""By how much the recording may be longer than the phases that it is played in: the digits after a minute."""


@dataclass(slots=True)
class Planned:
    """How often each thing is going to happen. `people` are those who send SMS, for each room anew."""

    acts: int = 0
    said: int = 0
    chat: int = 0
    web: int = 0
    sms: int = 0
    api: int = 0
    people: int = 0
    decisions: int = 0
    aired: int = 0
    lines: int = 0
    taken_back: int = 0
    seconds: float = 0.0
    ended: int = 0
    rooms: set[str] = field(default_factory=set)


def played(recording: Recording, scale: float = 1.0) -> Iterator[tuple[Act | End, int]]:
    """Each act, as often as its person is there at this scale, with which of them it is (0: the first); and the end.

    Somebody is there always or never. What is decided on is there always: the programme stays.
    """
    whole, part = int(scale), scale % 1
    for act in recording.acts():
        times = 1
        if isinstance(act, Ask):
            times = whole + (_chance(act.person or act.words) < part)
            times = max(times, 1) if act.submission or act.message else times
        for copy in range(times):
            yield act, copy


def _chance(person: int) -> float:
    """Spreads people evenly over 0 to 1, the same each time (multiplication by the golden ratio)."""
    return (person * 0x9E3779B97F4A7C15 % 2**64) / 2**64


@dataclass(frozen=True, slots=True)
class Replay:
    """A recording in a schedule."""

    recording: Recording
    planned: Planned
    begin: float
    """When it begins, in seconds since the doors opened."""

    def sentence(self, compress: float) -> str:
        """What is played, for people."""
        planned, seconds = self.planned, self.planned.seconds
        began, ended = (datetime.fromtimestamp(at / 1000, UTC) for at in (self.recording.head.began, planned.ended))
        until = f"{ended:%H:%M:%S}" if ended.date() == began.date() else f"{ended:%Y-%m-%d %H:%M:%S}"
        cut = (ended - began).total_seconds() - seconds
        speed = (
            "as fast as it was" if compress == 1 else f"{compress:g} times as fast, in {in_time(seconds / compress)}"
        )
        return (
            f"A replay of {self.recording.path.name}: {began:%Y-%m-%d %H:%M:%S} to {until} UTC, {planned.acts:,} "
            f"acts in {in_time(seconds)}{f' (silences shortened by {in_time(cut)})' if cut >= 1 else ''}, {speed}."
        )

    def as_json(self, compress: float) -> dict[str, Any]:
        """The same for programs."""
        head, planned = self.recording.head, asdict(self.planned)
        planned["rooms"] = sorted(self.planned.rooms)
        return {"recording": self.recording.path.name, "began": head.began, "speed": compress, **planned,
                "said": self.sentence(compress)}  # fmt: skip

    def filled(self, schedule: Schedule) -> Schedule:
        """The same schedule, with what the recording brings in its totals."""
        planned = self.planned
        totals = msgspec.structs.replace(
            schedule.totals, web_questions=planned.web, chat_messages=planned.chat, sms_messages=planned.sms,
            sms_people=planned.people, advance_questions=planned.api, aired=planned.aired, announcements=planned.said,
        )  # fmt: skip
        return replace(schedule, totals=totals)


def replay_in(scenario: Scenario, schedule: Schedule, folder: Path) -> Replay | None:
    """The replay that a scenario asks for, its whole recording read once; None when it asks for none.

    Args:
        folder: Where the scenario's file is: from there the recording is named.
    Raises:
        ConfigurationError: The recording can't be played in this scenario.
    """
    if scenario.replay is None:
        return None
    recording = open_recording(folder / scenario.replay.file)
    rooms = {name: rooms for rooms in scenario.rooms for name in rooms.names()}
    for name in recording.head.rooms:
        if name not in rooms:
            raise ConfigurationError("rooms", f"the recording speaks in {name!r}, which is none of them.")
        if (rooms[name].mode == "open") is not (name in recording.head.open):
            raise ConfigurationError("rooms", f"in the recording everybody speaks in {name!r}, or here: not in both.")
    planned = count(recording, schedule.scale)
    begin = next(span.begin for span in schedule.spans if span.name == scenario.replay.phase)
    left, lasts = schedule.seconds - begin, planned.seconds / schedule.compress
    if lasts > left + SLACK_SECONDS:
        raise ConfigurationError(
            "phases", f"the recording lasts {lasts * schedule.compress / 60:.3f} minutes, and from "
            f"{scenario.replay.phase!r} on there are {left * schedule.compress / 60:.3f}."
        )  # fmt: skip
    return Replay(recording, planned, begin)


def count(recording: Recording, scale: float) -> Planned:
    """How often each thing is going to happen."""
    planned, senders, rooms = Planned(), set[tuple[int, int, int]](), recording.head.rooms
    opened = {number for number, name in enumerate(rooms) if name in recording.head.open}
    for act, copy in played(recording, scale):
        if isinstance(act, End):
            planned.seconds, planned.ended = act.at / 1000, act.ended
            break
        planned.acts += 1
        if isinstance(act, Ask):
            if act.room not in opened:
                planned.rooms.add(rooms[act.room])
            _count_ask(planned, act, copy, act.room in opened, senders)
        elif isinstance(act, Decide):
            planned.decisions += 1
            planned.aired += act.action is Step.AIR
        planned.said += isinstance(act, Say)
        planned.lines += isinstance(act, Line)
        planned.taken_back += isinstance(act, TakeBack)
    planned.people += len(senders)
    return planned


def _count_ask(planned: Planned, ask: Ask, copy: int, is_open: bool, senders: set[tuple[int, int, int]]) -> None:
    if is_open:
        planned.chat += 1
    elif ask.source is Source.WEB:
        planned.web += 1
    elif ask.source is Source.API:
        planned.api += 1
    else:
        planned.sms += 1
        if ask.person:
            senders.add((ask.room, ask.person, copy))
        else:
            planned.people += 1


def in_time(seconds: float) -> str:
    """A length of time as people say it."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} minutes" if seconds < 7200 else f"{seconds / 3600:,.1f} hours"
