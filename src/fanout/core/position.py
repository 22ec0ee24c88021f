"""Where a message stands in its room: an epoch and a sequence number, one value and never two.

Why the epoch: a stream has carried 1, 2, 3; its log is lost, and a new one starts and carries 1, 2, 3, 4. A client that
comes back and says only "after 3" would get 4 and never learn that three new messages are not the three it knows. With
`k3f9:3` it is told that this stream is gone. So no part of fanout ever takes an epoch from one place and a number from
another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from fanout.core.limits import MAX_SEQ
from fanout.errors import InvalidInput

_WRITTEN = re.compile(r"([a-z0-9]{1,16}):(0|[1-9][0-9]{0,15})", re.ASCII)


@dataclass(frozen=True, slots=True, order=False)
class Position:
    """`seq` is dense from 1 within `epoch`; 0 is the place before the first message. Written `EPOCH:SEQ`."""

    epoch: str
    seq: int

    def __str__(self) -> str:
        return f"{self.epoch}:{self.seq}"

    @classmethod
    def parse(cls, written: str) -> Position:
        """Read `EPOCH:SEQ`.

        Raises:
            InvalidInput: `bad_position`, for anything else, however long or strange.
        """
        match = _WRITTEN.fullmatch(written) if len(written) <= 40 else None
        if match is None or (seq := int(match[2])) > MAX_SEQ:
            raise InvalidInput(
                f"A position looks like k3f9:18 (an epoch, a colon, a number up to {MAX_SEQ}); this one does not.",
                code="bad_position",
            )
        return cls(match[1], seq)
