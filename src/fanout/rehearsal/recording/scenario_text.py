"""The scenario that plays a recording: its file, to be read and changed."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Final

from fanout.core.room import Mode, reached_from, room_settings
from fanout.rehearsal.recording.playing import in_time
from fanout.rehearsal.recording.recorder import Recorded

WITHIN_MS: Final = 500
"""As `fanout plan` has it."""

PARTS: Final = 6
"""Into so many phases the recording is divided at most, none shorter than a minute: so a report shows when it was."""

DOORS_MINUTES: Final = 5.0
"""How long people may come in before the recording begins; a sixth of a short one."""


def scenario_of(done: Recorded, recording: str, listeners: int | None) -> str:
    """The scenario's file.

    Args:
        recording: The name of the recording, beside it.
        listeners: How many there were; None: at least those who wrote.
    """
    began = datetime.fromtimestamp(done.began / 1000, UTC)
    visitors = listeners or max(1, len(done.writers) + done.unknown)
    moderated = [room for room in done.rooms if room.mode is Mode.MODERATED]
    asked = max(moderated, key=lambda room: done.asked[room.name], default=None)
    lines = [
        "# Made by `fanout record`. Read it, change it, and rehearse it.",
        f"title = {_quoted(f'The event of {began:%Y-%m-%d}, again')}",
        'summary = "What was said, asked and decided then, at the same moments, in made-up words of the same lengths."',
        'source = "The log of the event"',
        "assumptions = [",
        *(f"    {_quoted(each)}," for each in _assumptions(done, listeners, visitors)),
        "]",
        *([f"asks_in = {_quoted(asked.name)}"] if asked is not None and done.asked[asked.name] else []),
        "",
        "[replay]",
        f"file = {_quoted(recording)}",
        'phase = "from 0:00"',
        "",
        *_rooms(done),
        "[totals]",
        f"visitors = {visitors:_}",
        "",
        *_phases(done),
        *_objectives(done),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a JSON string is a TOML string


def _assumptions(done: Recorded, listeners: int | None, visitors: int) -> list[str]:
    said = [
        f"{visitors:,} listeners: "
        + (
            "as whoever made the recording says."
            if listeners
            else "those who wrote on the web. No log knows the others."
        ),
        "They come in before the first word, and stay; as many to each room that no other follows.",
        "Visitors' words come by HTTP, each person's with an identity of its own; SMS by ten at most.",
        "Left out: what plug-ins and rooms decided (they decide anew), bans, rules, drafts, what was refused at once.",
    ]
    if done.purged:
        said.append(f"{done.purged:,} texts were purged: 80 characters stand for each.")
    if done.silence >= 1:
        said.append(f"Silences are shortened by {in_time(done.silence)} in all.")
    return said


def _rooms(done: Recorded) -> list[str]:
    known = {room.name: room for room in done.rooms}
    lines = []
    for room in done.rooms:
        lines += ["[[rooms]]", f"name = {_quoted(room.name)}", f'mode = "{room.mode}"']
        usual = room_settings(room.name, mode=room.mode).overflow
        lines += [] if room.overflow is usual else [f'overflow = "{room.overflow}"']
        follows = [name for name in room.follows if name in known]
        lines += [f"follows = {json.dumps(follows if len(follows) > 1 else follows[0])}"] if follows else []
        lines += ["listeners = 1", ""] if len(reached_from(room.name, known)) == 1 else [""]
    return lines


def _phases(done: Recorded) -> list[str]:
    minutes = max(done.seconds, 1.0) / 60
    parts = max(1, min(PARTS, int(minutes)))
    each = math.ceil(minutes / parts * 1000) / 1000
    lines = ["[[phases]]", 'name = "doors open"', f"minutes = {max(0.02, min(DOORS_MINUTES, minutes / 6)):.3g}",
             "arrivals = 1", ""]  # fmt: skip
    for number in range(parts):
        begin = round(number * each)
        lines += ["[[phases]]", f'name = "from {begin // 60}:{begin % 60:02d}"', f"minutes = {each:.3f}", ""]
    return lines


def _objectives(done: Recorded) -> list[str]:
    counts = done.counts
    wanted: list[tuple[str, str, float]] = [
        (name, "at_most", 0) for name in ("lost", "repeated", "disordered", "gaps", "behind", "absent", "sent_away")
    ]
    wanted += [("delivery_p99_ms", "at_most", WITHIN_MS)] if done.timed else []
    wanted += [("join_p99_ms", "at_most", 2000)]
    wanted += [(name, "at_most", 0) for name in ("sms_lost", "sms_surplus", "sms_people_off")] if counts["sms"] else []
    wanted += [("questions_lost", "at_most", 0)] if counts["web"] else []
    wanted += [("ask_p99_ms", "at_most", 1000)] if counts["web"] + counts["chat"] + counts["api"] else []
    wanted += [("sms_p99_ms", "at_most", 1000)] if counts["sms"] else []
    wanted += [("staff_p99_ms", "at_most", 1000)] if counts["say"] + counts["approve"] + counts["line"] else []
    wanted += [("aired", "at_least", counts["air"])] if counts["air"] else []
    return [line for name, bound, value in wanted
            for line in ("[[objectives]]", f'measure = "{name}"', f"{bound} = {value:g}", "")]  # fmt: skip
