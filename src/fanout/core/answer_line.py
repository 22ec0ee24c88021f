"""One line of an answer, from the scribe's first keystroke to the air, and the corrections of what was aired."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from fanout.errors import InvalidInput

MAX_LINES: Final = 200
"""Lines of one answer; a spoken one has ten. Beyond: `too_many_lines`."""

_LINE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """A line as it stands. `at` is in milliseconds since 1970, UTC: when it was last written.

    Args:
        id: What the scribe's page calls it; one line of one submission.
        submission: The id of the question that it answers; empty for a correction.
        re: The id of the message that it goes with on air: the question's, or the corrected one's; empty while there is
            none.
        name, role: The author's, as shown.
        final: Meant for the air; a draft is for staff, and visitors see of it what the room's rule says.
        message: The id of the message that it became; None until it is on air.
        prepared: The id of the prepared answer that it was taken from, or empty.
    """

    room: str
    id: str
    submission: str
    re: str
    text: str
    name: str
    role: str
    at: int
    final: bool = False
    message: str | None = None
    prepared: str = ""

    @property
    def kind(self) -> str:
        """The kind of message that it becomes."""
        return "answer" if self.submission else "correction"

    @property
    def key(self) -> str:
        """What tells it from every other line: also the idempotency key under which it is published, once."""
        return f"answer:{self.submission}:{self.id}" if self.submission else f"correction:{self.re}:{self.id}"


def line_id(written: str) -> str:
    """The id itself, if a line may be called so.

    Raises:
        InvalidInput: `bad_line`.
    """
    if not isinstance(written, str) or not _LINE_ID.fullmatch(written):
        raise InvalidInput("A line's id has 1 to 64 letters, digits, hyphens or underscores.", code="bad_line")
    return written
