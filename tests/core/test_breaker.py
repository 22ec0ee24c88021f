"""The breaker against a model, whatever calls do and however late they end."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from fanout.core.breaker import (
    FAILURES_TO_OPEN,
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    Breaker,
    BreakerState,
)


class Calls(RuleBasedStateMachine):
    """Calls that pass, and end in any order. The model: how many failed in a row, until when nothing passes, and which
    calls still count."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker, self.now = Breaker(), 0.0
        self.under_way: list[int] = []
        self.count: list[bool] = []
        self.in_a_row, self.pause = 0, FIRST_PAUSE_SECONDS
        self.until: float | None = None
        self.probing = False

    @rule(seconds=st.sampled_from([0.0, 0.1, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def call(self) -> None:
        ticket = self.breaker.admit(self.now)
        passes = self.until is None or (self.now >= self.until and not self.probing)
        assert (ticket is not None) == passes
        if ticket is not None:
            self.probing = self.until is not None
            self.under_way.append(ticket)
            self.count.append(True)

    def _end(self, data: st.DataObject) -> tuple[int, bool]:
        index = data.draw(st.integers(0, len(self.under_way) - 1))
        return self.under_way.pop(index), self.count.pop(index)

    def _turn(self) -> None:
        self.count = [False] * len(self.count)
        self.probing, self.in_a_row = False, 0

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def succeed(self, data: st.DataObject) -> None:
        ticket, counts = self._end(data)
        self.breaker.succeeded(ticket)
        if not counts:
            return
        self.in_a_row = 0
        if self.until is not None:
            self.until, self.pause = None, FIRST_PAUSE_SECONDS
            self._turn()

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        ticket, counts = self._end(data)
        opened = self.breaker.failed(ticket, self.now)
        if not counts:
            assert opened is None
            return
        self.in_a_row += 1
        if self.until is None and self.in_a_row < FAILURES_TO_OPEN:
            assert opened is None
            return
        if self.until is not None:
            self.pause = min(2 * self.pause, LONGEST_PAUSE_SECONDS)
        assert opened == self.pause
        self.until = self.now + self.pause
        self._turn()

    @precondition(lambda self: self.under_way)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        ticket, counts = self._end(data)
        self.breaker.withdrawn(ticket)
        self.probing = self.probing and not counts

    @invariant()
    def it_says_how_it_stands(self) -> None:
        if self.until is None:
            expected = BreakerState.CLOSED
        else:
            expected = BreakerState.OPEN if self.now < self.until else BreakerState.HALF_OPEN
        assert self.breaker.state(self.now) is expected
        assert self.breaker.closed == (self.until is None)


Calls.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
test_calls = Calls.TestCase


def test_what_never_comes_back_is_tried_ever_more_rarely():
    breaker, now, pauses = Breaker(), 0.0, []
    while len(pauses) < 9:
        ticket = breaker.admit(now)
        assert ticket is not None
        if (pause := breaker.failed(ticket, now)) is not None:
            pauses.append(pause)
            assert breaker.admit(now + pause - 0.001) is None
            now += pause
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300]
