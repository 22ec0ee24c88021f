"""What was said and acknowledged, looked for where it has to be: in the history of the room in which it was said.

Listeners can't miss what the server never published, so nobody else notices when it forgets something.
"""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import quote

from fanout.client.crowd.reading import SENT_IN_TEXT
from fanout.core.limits import MAX_HISTORY_PAGE
from fanout.core.position import Position
from fanout.rehearsal.house import House


class Spoken:
    """Lines, announcements and chat, which all carry their time."""

    def __init__(self, house: House, rooms: Collection[str]) -> None:
        self._house, self._rooms = house, sorted(rooms)
        self._began: dict[str, str] = {}

    def begin(self) -> None:
        """What is said from here on is looked for.

        Raises:
            Unreachable: The server does not say.
        """
        path = "/v1/rooms/{}"
        self._began = {
            room: str(self._house.call("operator", "GET", path.format(quote(room)))["position"]) for room in self._rooms
        }

    def found(self) -> int:
        """How many of them are there. What has expired since was there.

        Raises:
            Unreachable: The server does not say.
        """
        return sum(self._found(room, after) for room, after in self._began.items())

    def _found(self, room: str, after: str) -> int:
        count = 0
        while True:
            path = f"/v1/rooms/{quote(room)}/messages?limit={MAX_HISTORY_PAGE}&after={quote(after)}"
            page = self._house.call("operator", "GET", path)
            for entry in page["messages"]:
                if entry["type"] == "gap":
                    count += Position.parse(entry["to"]).seq - Position.parse(entry["from"]).seq + 1
                count += SENT_IN_TEXT.search(entry.get("text") or "") is not None
            if not page["messages"] or page["next"] == after:
                return count
            after = page["next"]
