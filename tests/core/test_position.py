"""Positions: one value, read strictly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.core.limits import MAX_SEQ
from fanout.core.position import Position
from fanout.errors import InvalidInput

EPOCHS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=16)


@given(epoch=EPOCHS, seq=st.integers(0, MAX_SEQ))
def test_what_is_written_is_read_back(epoch, seq):
    position = Position(epoch, seq)
    assert Position.parse(str(position)) == position


@given(st.text())
def test_anything_else_is_refused_with_one_code(written):
    try:
        read_back = str(Position.parse(written))
    except InvalidInput as problem:
        read_back = problem.code
    assert read_back in {written, "bad_position"}, "nothing is read in two ways"


@pytest.mark.parametrize(
    "written",
    [
        "", ":", "k3f9", "k3f9:", ":18", "k3f9:-1", "k3f9:+1", "k3f9:01", "k3f9: 1", "k3f9:1 ", "k3f9:1\n", "K3F9:1",
        "k3f9:1:2", "k3f9:\uff11", "k3f9:1_0", "k3f9:1e3", f"k3f9:{MAX_SEQ + 1}", "k3f9:" + "9" * 5000, "a" * 17 + ":1",
    ],
)  # fmt: skip
def test_a_position_that_could_be_misread_is_refused(written):
    with pytest.raises(InvalidInput, match="k3f9:18") as caught:
        Position.parse(written)
    assert caught.value.code == "bad_position"


def test_the_same_number_in_another_epoch_is_another_position():
    assert Position("a", 3) != Position("b", 3)
    with pytest.raises(TypeError):
        assert Position("a", 3) < Position("b", 4)  # positions of two streams have no order
