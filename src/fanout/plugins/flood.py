"""Stops the same text coming again and again: from one person, or into one room from many.

Texts are the same if they differ only in case, accents, look-alike letters, spaces, punctuation and stretched letters.
A text that nobody sent for a while is new again. Texts themselves are not kept, only numbers that stand for them; after
a restart all begin anew. One call costs about 20 µs.
"""

from __future__ import annotations

import re
from typing import Final

import trio

from fanout.plugins import RoomView, Submission, Verdict, hold, reject
from fanout.plugins.folding import folded
from fanout.plugins.options import check_choice, check_number, check_text, check_whole
from fanout.plugins.recent import Recent

NAME: Final = "flood"

MAX_TIMES: Final = 100_000
"""Times that a text may be let through."""

MAX_REST_SECONDS: Final = 86_400.0
"""Longest rest after which a text is new again: a day."""

_ACTIONS: Final = ("hold", "reject")
_NO_LETTER = re.compile(r"[\W_]++")
_STRETCHED = re.compile(r"(.)\1{2,}+")

_Seen = tuple[int, float, int]
"""How many times, when last, and which one that was."""


class Flood:
    """Options:

    Args:
        person_times: How often one person may send the same text to one room.
        person: What becomes of it after that: `"hold"` or `"reject"`.
        room_times: How often a room may be sent the same text, by whomever.
        room: What becomes of it after that.
        room_letters: Texts with fewer letters and digits don't count for the room: a crowd says `bravo`.
        rest_s: Seconds of rest after which a text is new again.
        reason: What the author of a rejected text reads.
    Raises:
        ConfigurationError: An option that can't be used.
    """

    name = NAME
    order = 20  # cheap, and what it rejects need not be read

    def __init__(
        self,
        *,
        person_times: int = 2,
        person: str = "reject",
        room_times: int = 20,
        room: str = "hold",
        room_letters: int = 12,
        rest_s: float = 600.0,
        reason: str = "This was said already.",
    ) -> None:
        self._person_times = check_whole(NAME, "person_times", person_times, 1, MAX_TIMES)
        self._person = check_choice(NAME, "person", person, _ACTIONS)
        self._room_times = check_whole(NAME, "room_times", room_times, 1, MAX_TIMES)
        self._room = check_choice(NAME, "room", room, _ACTIONS)
        self._room_letters = check_whole(NAME, "room_letters", room_letters, 0, 1000)
        self._rest = check_number(NAME, "rest_s", rest_s, 1.0, MAX_REST_SECONDS)
        self._reason = check_text(NAME, "reason", reason)
        self._seen: Recent[int, _Seen] = Recent()

    async def review_submission(self, submission: Submission, room: RoomView) -> Verdict | None:
        """Reject or hold what was sent too often. Who is unknown counts only for the room.

        One that is sent a second time because its sender had no answer is the same one, and no repetition.
        """
        plain = folded(submission.text)
        letters = _STRETCHED.sub(r"\1", _NO_LETTER.sub("", plain))
        text = letters or plain
        one = hash((submission.source, submission.source_id))
        now = trio.current_time()
        of_room = of_person = 0
        if len(letters) >= self._room_letters:
            of_room = self._times(hash((room.name, text)), one, now)
        if submission.person:
            of_person = self._times(hash((room.name, text, submission.person)), one, now)
        if of_person > self._person_times:
            return self._verdict(self._person, "the same from one person")
        if of_room > self._room_times:
            return self._verdict(self._room, "the same from many")
        return None

    def _times(self, key: int, one: int, now: float) -> int:
        """How often this was seen, this time included."""
        seen = self._seen.get(key)
        times = 1
        if seen is not None and now - seen[1] < self._rest:
            times = seen[0] + (seen[2] != one)
        self._seen.put(key, (times, now, one))
        return times

    def _verdict(self, action: str, rule: str) -> Verdict:
        return reject(self._reason, rule=rule) if action == "reject" else hold("Sent again and again.", rule=rule)
