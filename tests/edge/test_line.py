"""The line against a model of a few lines: one cursor for each member, kept one by one."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fanout.edge.line import NOBODY, Line


class Somebody:
    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.place = NOBODY


class LineMachine(RuleBasedStateMachine):
    """Joins, leaves and walks in any order; every member's cursor is what it would be if each had its own."""

    def __init__(self) -> None:
        super().__init__()
        self.line: Line[Somebody] = Line()
        self.cursors: dict[Somebody, int] = {}
        self.made = 0

    @rule(cursor=st.integers(0, 5), how_many=st.integers(1, 4))
    def join(self, cursor: int, how_many: int) -> None:
        for _ in range(how_many):
            self.made += 1
            member = Somebody(self.made)
            self.line.join(member, member.fd, cursor)
            self.cursors[member] = cursor

    @precondition(lambda self: self.cursors)
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        member = data.draw(st.sampled_from(sorted(self.cursors, key=lambda member: member.fd)))
        cursor = self.line.leave(member)
        assert cursor == self.cursors.pop(member)
        assert member.place == NOBODY

    @precondition(lambda self: len(self.line))
    @rule(data=st.data(), cursor=st.integers(0, 5))
    def advance_a_part_of_a_run(self, data: st.DataObject, cursor: int) -> None:
        begin = data.draw(st.integers(0, len(self.line) - 1))
        stop, _ = self.line.run(begin)
        end = data.draw(st.integers(begin + 1, stop))
        self.line.advance(begin, end, cursor)
        for member in self.line.members[begin:end]:
            if member is not None:
                self.cursors[member] = cursor

    @rule()
    def close_up(self) -> None:
        self.line.close_up()
        assert len(self.line) == len(self.cursors)

    @invariant()
    def everybody_stands_where_they_would_alone(self) -> None:
        assert self.line.count == len(self.cursors)
        assert list(self.line) == sorted(self.cursors, key=lambda member: member.place)
        for member, cursor in self.cursors.items():
            assert self.line.fds[member.place] == member.fd
            assert self.line.run(member.place)[1] == cursor

    @invariant()
    def neighbouring_runs_differ_and_cover_the_line(self) -> None:
        runs = []
        place = 0
        while place < len(self.line):
            place, cursor = self.line.run(place)
            runs.append(cursor)
        assert all(one != next_one for one, next_one in pairwise(runs))
        assert self.line.all_at(runs[0] if runs else 0) is (len(runs) <= 1)


TestLine = LineMachine.TestCase
