"""Rules of a few lines each: close codes, reconnecting, presence, roles, the histogram."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.core.closing import COMES_BACK, Bye, CloseCode, client_may_send
from fanout.core.histogram import LATENCY_BOUNDS_SECONDS, Histogram
from fanout.core.presence import Presence, presence_interval_seconds
from fanout.core.principal import EVERY_ROOM, MAY, VISITOR, Action, Principal, Role
from fanout.core.reconnect import LONGEST_DELAY_SECONDS, backoff_seconds, event_stream_retry_ms, slot_ms
from fanout.errors import NotAllowed

# --- closing


@pytest.mark.parametrize("code", [4001, 4003, 4004, 4009, 1009])
def test_a_client_does_not_come_back_after_a_code_that_would_only_repeat(code):
    assert not Bye(CloseCode(code), "").reconnect


@pytest.mark.parametrize("code", [1001, 1011, 4008, 4012, 4013])
def test_a_client_comes_back_after_a_code_that_passes(code):
    assert Bye(CloseCode(code), "").reconnect
    assert CloseCode(code) in COMES_BACK


@pytest.mark.parametrize(
    ("code", "allowed"),
    [
        (0, False), (999, False), (1000, True), (1003, True), (1004, False), (1005, False), (1006, False), (1007, True),
        (1014, True), (1015, False), (2999, False), (3000, True), (4999, True), (5000, False), (65535, False),
    ],
)  # fmt: skip
def test_close_codes_that_may_not_be_sent_are_known(code, allowed):
    assert client_may_send(code) is allowed


# --- reconnecting


@given(st.integers(1, 30_000), st.floats(0.1, 600))
def test_slots_are_spread_evenly_over_the_window_and_differ(total, window):
    first, last = slot_ms(0, total, window), slot_ms(total - 1, total, window)
    assert 0 <= first <= last <= window * 1000
    assert last >= int(window * 1000) - 1
    assert slot_ms(total // 2, total, window) == pytest.approx(window * 500, abs=window * 1000 / total + 1)


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_backoff_is_bounded_however_often_one_tries(attempt, chance):
    assert 0 <= backoff_seconds(attempt, chance) < LONGEST_DELAY_SECONDS


def test_backoff_doubles_and_the_first_wait_is_jittered_too():
    assert [backoff_seconds(n, 0.5) for n in (1, 2, 3)] == [0.25, 0.5, 1.0]
    assert backoff_seconds(1, 0.0) == 0.0


def test_event_streams_come_back_after_one_to_three_seconds():
    assert (event_stream_retry_ms(0.0), event_stream_retry_ms(0.5)) == (1000, 2000)


# --- presence


def test_one_person_with_two_windows_is_one_visitor():
    presence = Presence()
    for identity in ("ann", "ann", "bob", "", ""):
        presence.join(identity)
    assert (presence.listeners, presence.visitors) == (5, 4)
    presence.leave("ann")
    assert (presence.listeners, presence.visitors) == (4, 4)
    presence.leave("ann")
    presence.leave("")
    assert (presence.listeners, presence.visitors) == (2, 2)


def test_counts_are_told_once_and_not_more_than_once_a_second():
    presence = Presence()
    assert presence.news(0.0) is None, "nothing has changed"
    presence.join("ann")
    assert presence.news(0.0) == (1, 1)
    assert presence.news(5.0) is None
    presence.join("bob")
    assert presence.news(0.5) is None, "too soon"
    assert presence.news(1.0) == (2, 2)


def test_a_large_room_is_told_less_often():
    assert presence_interval_seconds(10) == 1.0
    assert presence_interval_seconds(20_000) == 20.0


@given(st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=40))
def test_when_all_have_left_nobody_is_counted(identities):
    presence = Presence()
    for identity in identities:
        presence.join(identity)
    for identity in reversed(identities):
        presence.leave(identity)
    assert (presence.listeners, presence.visitors) == (0, 0)


# --- principals


def test_a_visitor_may_do_nothing_that_is_guarded_and_is_told_to_bring_a_token():
    for action in Action:
        with pytest.raises(NotAllowed) as caught:
            VISITOR.check(action, "stage")
        assert caught.value.code == "token_missing"


def test_a_token_is_good_for_its_rooms_and_no_others():
    ann = Principal(Role.MODERATOR, rooms=frozenset({"stage"}))
    ann.check(Action.RETRACT, "stage")
    with pytest.raises(NotAllowed, match="not good for the room") as caught:
        ann.check(Action.RETRACT, "hall")
    assert caught.value.code == "role_refused"
    Principal(Role.MODERATOR, rooms=frozenset({EVERY_ROOM})).check(Action.RETRACT, "hall")


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("role", sorted(set(Role) - {Role.VISITOR}))
def test_every_role_may_what_the_table_says_and_nothing_else(action, role):
    somebody = Principal(role, rooms=frozenset({EVERY_ROOM}))
    assert somebody.may(action, "stage") is (role in MAY[action])
    if role not in MAY[action]:
        with pytest.raises(NotAllowed, match="it takes one of") as caught:
            somebody.check(action, "stage")
        assert caught.value.code == "role_refused"


def test_only_moderators_and_operators_take_back_and_only_operators_make_rooms():
    assert MAY[Action.RETRACT] == {Role.MODERATOR, Role.OPERATOR}
    assert MAY[Action.SET_ROOM] == {Role.OPERATOR}
    assert Role.VISITOR not in MAY[Action.PUBLISH]
    assert Role.GATEWAY not in MAY[Action.PUBLISH]


# --- the histogram


@given(st.lists(st.tuples(st.floats(0, 20), st.integers(1, 1000)), max_size=50))
def test_a_histogram_counts_what_it_saw(observations):
    histogram = Histogram()
    for value, times in observations:
        histogram.observe(value, times)
    assert histogram.count == sum(times for _, times in observations)
    assert histogram.total == pytest.approx(sum(value * times for value, times in observations))
    for bound, cumulated in histogram.cumulated():
        assert cumulated == sum(times for value, times in observations if value <= bound)


def test_a_quantile_is_the_bound_that_holds_so_many():
    histogram = Histogram()
    assert histogram.quantile(0.5) == 0.0
    histogram.observe(0.0003, 99)
    histogram.observe(3.0)
    assert histogram.quantile(0.99) == LATENCY_BOUNDS_SECONDS[0]
    assert histogram.quantile(1.0) == 5.0
    histogram.observe(60.0, 1000)
    assert histogram.quantile(0.99) == float("inf")
