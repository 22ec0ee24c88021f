"""A send that stops anywhere: the cursor and the owed rest always continue the byte stream exactly."""

from __future__ import annotations

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from fanout.core.message import Author, Gap, GapReason, Message
from fanout.core.position import Position
from fanout.edge.room_view import Batch
from fanout.wire.rendered import Format, render
from tests.edge.listener import ServerFrames


def _frame(seq: int, size: int, format: Format = Format.JSON) -> bytes:
    return render(Message("r", Position("e", seq), "i" * 12, "message", Author(), "x" * size, 0), format)


@given(st.lists(st.integers(0, 300), min_size=1, max_size=8), st.integers(0, 1000), st.booleans(), st.data())
def test_a_send_may_stop_at_any_byte(sizes: list[int], cursor: int, gap: bool, data: st.DataObject) -> None:
    """Taken bytes, the owed rest and everything after the cursor are the stream as it would have been; what is owed is
    less than one frame."""
    frames: list[bytes] = []
    cursors: list[int] = []
    at = cursor
    if gap:
        at += data.draw(st.integers(1, 500))
        frames.append(render(Gap("r", Position("e", cursor + 1), Position("e", at), GapReason.SLOW), Format.JSON))
        cursors.append(at)
    for size in sizes:
        at += 1
        frames.append(_frame(at, size))
        cursors.append(at)
    batch = Batch(frames, cursors, [0.0] * len(sizes), cursor, GapReason.SLOW if gap else None)
    assert batch.data == b"".join(frames)
    assert batch.through == at
    ends = list(accumulate(map(len, frames), initial=0))
    for sent in {*ends[:-1], *(end - 1 for end in ends[1:]), data.draw(st.integers(0, len(batch.data) - 1))}:
        stands_at, owed = batch.after_partial_send(sent)
        whole = [cursor, *cursors].index(stands_at)
        assert batch.data[:sent] + bytes(owed) + b"".join(frames[whole:]) == batch.data
        assert len(owed) < max(map(len, frames))
        assert len(list(ServerFrames().feed(batch.data[:sent] + bytes(owed)))) == whole


def test_every_byte_of_a_batch_of_three() -> None:
    """The same at each boundary, without chance."""
    frames = [_frame(seq, seq * 40) for seq in (5, 6, 7)]
    batch = Batch(frames, [5, 6, 7], [0.0] * 3, 4)
    ends = [0, len(frames[0]), len(frames[0] + frames[1])]
    for sent in range(len(batch.data)):
        stands_at, owed = batch.after_partial_send(sent)
        assert stands_at == 4 + sum(sent > end for end in ends)
        assert bytes(owed) == (b"" if sent in ends else frames[stands_at - 5][sent - ends[stands_at - 5] :])
