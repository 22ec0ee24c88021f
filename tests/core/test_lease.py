"""Leases: at most one holder, an end, and a bound."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fanout.core import lease as module
from fanout.core.lease import LEASE_MILLISECONDS, Leases
from fanout.errors import TransitionRefused

SUBMISSIONS, HOLDERS = st.sampled_from("abc"), st.sampled_from(["ann", "bob"])


class LeasesAgainstADictionary(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.leases, self.now = Leases(), 0
        self.model: dict[str, tuple[str, int]] = {}

    def holder(self, submission):
        who, until = self.model.get(submission, ("", 0))
        return who if until > self.now else ""

    @rule(milliseconds=st.sampled_from([0, 1, LEASE_MILLISECONDS - 1, LEASE_MILLISECONDS]))
    def passes(self, milliseconds):
        self.now += milliseconds

    @rule(submission=SUBMISSIONS, who=HOLDERS)
    def claim(self, submission, who):
        if self.holder(submission) not in ("", who):
            with pytest.raises(TransitionRefused, match=self.holder(submission)):
                self.leases.claim(submission, "hall", who, who, self.now)
        else:
            self.leases.claim(submission, "hall", who, who, self.now)
            self.model[submission] = (who, self.now + LEASE_MILLISECONDS)

    @rule(submission=SUBMISSIONS, who=HOLDERS)
    def release(self, submission, who):
        held = self.model.get(submission, ("", 0))[0] == who
        assert self.leases.release(submission, who) is held
        if held:
            del self.model[submission]

    @rule()
    def those_that_are_over_are_taken_out_once(self):
        over = {lease.submission: lease.until for lease in self.leases.over(self.now)}
        ended = {one: until for one, (_, until) in self.model.items() if until <= self.now}
        assert over == ended
        for one in ended:
            del self.model[one]

    @rule(submission=SUBMISSIONS)
    def drop(self, submission):
        dropped = self.leases.drop(submission)
        assert (dropped is None) is (self.model.pop(submission, None) is None)

    @invariant()
    def the_next_end_is_the_first(self):
        assert self.leases.next_end == min((until for _, until in self.model.values()), default=None)

    @invariant()
    def each_is_held_by_whom_the_model_says(self):
        held = {lease.submission: lease.holder for lease in self.leases.of("hall", self.now)}
        assert held == {one: self.holder(one) for one in "abc" if self.holder(one)}
        for one in "abc":
            assert self.leases.held(one, "ann", self.now) is (self.holder(one) == "ann")


TestLeases = LeasesAgainstADictionary.TestCase


def test_there_is_a_bound_and_the_one_that_ends_first_goes(monkeypatch):
    monkeypatch.setattr(module, "MAX_LEASES", 2)
    leases = Leases()
    for now, one in enumerate("abc"):
        leases.claim(one, "hall", "ann", "Ann", now)
    assert [lease.submission for lease in leases.over(3)] == ["a"]
    assert [lease.submission for lease in leases.of("hall", 3)] == ["b", "c"]
    assert leases.of("chat", 3) == []
