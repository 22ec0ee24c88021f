"""A file that an older fanout has written goes on."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from fanout.core.audit import AuditDraft
from fanout.store.schema import MIGRATIONS, open_for_writing
from fanout.store.sqlite import open_sqlite_store


@pytest.mark.parametrize("rooms", ["", "stage", "stage hall"])
async def test_of_a_key_for_each_room_the_first_rooms_becomes_the_events(rooms: str, tmp_path: Path) -> None:
    """So that where there was only one room, everybody is still known. The others' keys go at the next purge."""
    database = tmp_path / "desk.sqlite3"
    keys = [room.ljust(32, ".").encode() for room in rooms.split()]
    with closing(open_for_writing(database, MIGRATIONS[:1])) as connection:
        connection.executemany("INSERT INTO phone_keys VALUES (?, ?)", zip(rooms.split(), keys, strict=True))
    store = await open_sqlite_store(database)
    key = await store.phone_key()
    assert len(key) == 32
    assert key == min(keys, default=key)
    await store.purge("stage", AuditDraft(1, "Ada (producer)", "purge", "stage"))
    assert not any(key in database.read_bytes() for key in [key, *keys])
    await store.aclose()
