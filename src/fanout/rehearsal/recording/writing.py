"""From a data directory to the two files of a replay: the recording, and the scenario that plays it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from fanout.errors import ConfigurationError
from fanout.rehearsal.recording.playing import in_time
from fanout.rehearsal.recording.recorder import Choice, Recorded, Recorder
from fanout.rehearsal.recording.scenario_text import scenario_of
from fanout.rehearsal.recording.sources import open_sources


def record(data: Path, output: Path, choice: Choice, listeners: int | None, tell: Callable[[str], None]) -> list[str]:
    """Write `output`, a scenario, and the recording beside it; both or neither. Returns what was found, for people.

    Raises:
        ConfigurationError: The directory can't be read, there is nothing in it, or the files can't be written.
    """
    recording = output.with_suffix(".recording")
    half = recording.with_suffix(".recording.part")
    try:
        try:
            with half.open("wb") as file, open_sources(data) as sources:
                done = Recorder(sources, choice, tell).write(file)
            output.write_text(scenario_of(done, recording.name, listeners), "utf-8")
            os.replace(half, recording)
        finally:
            half.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigurationError("-o", f"{error.filename} can't be written: {error.strerror}.") from None
    return _in_words(done, recording)


def _in_words(done: Recorded, recording: Path) -> list[str]:
    counts = ", ".join(f"{count:,} {kind}" for kind, count in sorted(done.counts.items(), key=lambda each: -each[1]))
    size = recording.stat().st_size / 2**20
    said = [f"Recording: {recording}, {in_time(done.seconds)}, {size:.1f} MiB: {counts}."]
    if done.silence >= 1:
        said.append(f"Silences were shortened by {in_time(done.silence)}.")
    elif done.silent >= 600:
        said.append(f"The longest silence is {in_time(done.silent)}; --longest-silence SECONDS shortens it.")
    if done.purged:
        said.append(f"{done.purged:,} texts were purged; 80 characters stand for each.")
    if done.left_out:
        said.append(f"{done.left_out:,} acts are left out, for what they refer to is not there in that time.")
    return said
