"""Every measure that an objective can be set on: its unit, what it is, and whether a slow generator can spoil it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Measure:
    """`timed`: it is a time, so a generator that is itself late makes it worse. `by_phase`: each phase has its own.
    `by_load`: it is worse, too, where the generator has not done its part.
    """

    unit: str
    what: str
    timed: bool = False
    by_phase: bool = False
    by_load: bool = False


MEASURES: Final[dict[str, Measure]] = {
    "delivery_p50_ms": Measure("ms", "from a line's intended time to half of its listeners", True, True),
    "delivery_p99_ms": Measure("ms", "from a line's intended time to 99 of 100 listeners", True, True),
    "delivery_max_ms": Measure("ms", "from a line's intended time to the last listener", True, True),
    "join_p99_ms": Measure("ms", "from when a visitor meant to connect to the welcome, 99 of 100", True, True),
    "ask_p99_ms": Measure("ms", "from when a visitor meant to say something to the answer, 99 of 100", True, True),
    "sms_p99_ms": Measure("ms", "from when an SMS was due to be handed over to its acknowledgement", True, True),
    "staff_p99_ms": Measure("ms", "an action of the staff, from when it was meant to its answer", True, True),
    "back_s": Measure("s", "from a break until 99 of 100 of those who were there are back", True),
    "listeners": Measure("", "most listeners at the same time", by_load=True),
    "full_share": Measure("%", "of all visitors, how many were there at the same time", by_load=True),
    "connections": Measure("", "connections that visitors made by themselves: first visits and reloads", by_load=True),
    "delivered": Measure("", "deliveries in all", by_load=True),
    "per_send": Measure("", "messages in one write to a listener, on average: more than 1 is what coalescing does"),
    "lost": Measure("", "deliveries that are missing, and no gap said so"),
    "repeated": Measure("", "deliveries that came twice"),
    "disordered": Measure("", "deliveries that came after a later one"),
    "gaps": Measure("", "deliveries that were announced as missing"),
    "behind": Measure("", "deliveries that had not come at the end, when others had them"),
    "absent": Measure("", "listeners who were not connected at the end", by_load=True),
    "sent_away": Measure("", "listeners who were refused for good, or spoken to in no protocol"),
    "refused_share": Measure("%", "handshakes that were answered with anything but a welcome"),
    "broken": Measure("", "connections that broke, reloads aside", by_phase=True),
    "refused": Measure("", "what was said and refused, or taken at another try only", by_phase=True),
    "disk_taken": Measure("", "messages that were acknowledged while the disk took nothing"),
    "disk_back_s": Measure("s", "from when the disk works again until the server takes a message", True),
    "said_lost": Measure("", "lines, announcements and chat that were acknowledged and are not in their room"),
    "sms_missing": Measure("", "SMS that were due and never acknowledged: refused, given up or not handed over"),
    "unanswered_share": Measure("%", "of what visitors said, how much was never acknowledged"),
    "sms_lost": Measure("", "SMS that were acknowledged and are not in the counts"),
    "sms_surplus": Measure("", "SMS in the counts that nobody sent, or that count twice"),
    "sms_people_off": Measure("", "by how many people the count of SMS senders is wrong"),
    "questions_lost": Measure("", "questions that were acknowledged and are not in the counts"),
    "aired": Measure("", "questions that went on the air", by_load=True),
    "lines": Measure("", "lines of answers that went on the air", by_load=True),
    "announced": Measure("", "announcements that went on the air", by_load=True),
    "starved_s": Measure(
        "s", "how long the animator waited for something approved, in all (time of the event)", by_load=True
    ),
    "wait_p95_s": Measure(
        "s", "how long a question waits, 95 of 100, those left at the end included (time of the event)", by_load=True
    ),
    "sms_wait_p95_s": Measure(
        "s", "how long an SMS waits for a moderator, in the same way (time of the event)", by_load=True
    ),
    "undecided": Measure("", "questions of visitors that nobody had decided on at the end", by_load=True),
    "refused_flood_share": Measure("%", "of a flood from one address, how much was refused"),
}
"""By name. Those without a time are counts, which no slow generator can excuse."""
