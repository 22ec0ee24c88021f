"""Small versions of the shipped scenarios: the same evening with fewer people, a shorter programme, in seconds."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from fanout.rehearsal.scenario import find_scenario


@dataclass(frozen=True)
class Small:
    """How a scenario is made small: words of its file, and the flags."""

    name: str
    scale: float
    compress: float
    words: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path, *, patient: bool) -> Path:
        """Its file. `patient`: a test machine has other work to do, so times have next to no limit."""
        _, text = find_scenario(self.name)
        for old, new in self.words.items():
            assert old in text, old
            text = text.replace(old, new)
        text = patiently(text) if patient else text
        folder.mkdir(exist_ok=True)
        file = folder / f"{Path(self.name).stem}.toml"
        file.write_text(text)
        return file


def patiently(text: str) -> str:
    """The scenario with next to no limit on times."""
    return re.sub(r'(measure = "\w+_m?s"\nat_most = )\d+', r"\g<1>50000", text)


SMALL = [
    Small("prime-minister-2004", 0.005, 700, {"aired = 50": "aired = 10", "at_least = 50\n": "at_least = 10\n",
                                              "at_least = 500": "at_least = 100", "approves = 0.2": "approves = 0.6"}),
    Small("town-hall-2002", 0.2, 600, {"aired = 20": "aired = 6", "at_least = 20": "at_least = 6",
                                       "at_least = 100": "at_least = 30", "approves = 0.5": "approves = 0.8"}),
    Small("citizens-2007", 0.005, 150),
    Small("full-disk", 0.05, 16, {"aired = 10": "aired = 3", "at_least = 10\n": "at_least = 3\n",
                                  "at_least = 100": "at_least = 30", "seconds = 20": "seconds = 1"}),
    Small("reconnect-storm", 0.01, 60, {"announcements = 360": "announcements = 90",
                                        "at_least = 360": "at_least = 90"}),
    Small("doors-open", 0.005, 70, {"announcements = 180": "announcements = 60", "at_least = 180": "at_least = 60"}),
    Small("slow-phones", 0.04, 30, {"announcements = 720": "announcements = 60", "at_least = 720": "at_least = 60",
                                    "seconds = 30": "seconds = 1"}),
]  # fmt: skip
