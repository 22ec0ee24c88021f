"""The live line says what happened since the one before, and logs scroll above it."""

import io
from collections import Counter

from fanout.core.histogram import Histogram
from fanout.feed.statistics import EdgeStatistics
from fanout.server.status_line import Snapshot, StatusLine, status_text


def statistics(
    *, listeners: int, deliveries: int, seconds: list[float], slow: int = 0, gaps: int = 0
) -> EdgeStatistics:
    delivery = Histogram()
    for each in seconds:
        delivery.observe(each)
    return EdgeStatistics(
        listeners={"websocket": listeners, "events": 1},
        slow=slow, arriving=0, visiting=0, deliveries=deliveries, sends=0, passes=Histogram(), delivery=delivery,
        gaps=Counter(slow=gaps), closes={}, handshakes={}, errors={}, rooms={},
    )  # fmt: skip


def snapshot(at: float, messages: int, counted: EdgeStatistics) -> Snapshot:
    return Snapshot(at, counted, messages, tuple(counted.delivery.counts))


def test_rates_and_latency_are_of_the_time_between():
    before = snapshot(10.0, 100, statistics(listeners=5, deliveries=1000, seconds=[5.0] * 50))
    now = snapshot(12.0, 103, statistics(listeners=1999, deliveries=21000, seconds=[5.0] * 50 + [0.002] * 10))
    assert status_text(before, now) == "2,000 listeners  1.5 messages/s  10,000 deliveries/s  99 % within 2.5 ms"


def test_slow_listeners_and_gaps_are_shown_when_there_are_any():
    before = snapshot(0.0, 0, statistics(listeners=0, deliveries=0, seconds=[]))
    now = snapshot(1.0, 0, statistics(listeners=0, deliveries=0, seconds=[], slow=3, gaps=7))
    assert status_text(before, now).endswith("0 deliveries/s  3 slow  7 gaps")


def test_a_log_line_is_written_above_and_the_line_stays():
    terminal = io.StringIO()
    line = StatusLine(terminal)
    line.write("first\n")
    line.show("5 listeners")
    line.write("second\n")
    line.show("")
    assert terminal.getvalue() == ("first\n\r\x1b[2K5 listeners\r\x1b[2Ksecond\n5 listeners\r\x1b[2K")


def test_of_several_processes_each_clears_the_line_that_one_of_them_shows():
    terminal = io.StringIO()
    line, other = StatusLine(terminal, shared=True), StatusLine(terminal, shared=True)
    line.show("5 listeners")
    other.write("logged\n")
    line.show("6 listeners")
    assert terminal.getvalue() == "\r\x1b[2K5 listeners\r\x1b[2Klogged\n\r\x1b[2K6 listeners"


def test_a_line_is_cut_to_the_terminal_so_that_it_stays_one():
    terminal = io.StringIO()
    StatusLine(terminal).show("x" * 500)
    assert len(terminal.getvalue()) < 100
