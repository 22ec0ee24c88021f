"""An edge's share of what all edges count together: whatever is reported when, the sum is right."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from fanout.core.histogram import Histogram
from fanout.core.submission import Source, Submission
from fanout.feed.mailbox import NEWS_KEPT, PEOPLE_AWAY, Mailbox
from fanout.feed.shared_admission import SharedAdmission
from fanout.feed.shared_presence import SharedPresence
from fanout.feed.statistics import EdgeStatistics, RoomCounts, of_the_gone, packed, summed, unpacked
from tests.feed.houses import counted

MOVES = st.lists(st.tuples(st.sampled_from(["join", "leave", "report", "anew"]), st.sampled_from(["", "v1", "v2"])))


@given(MOVES)
def test_what_is_reported_of_presence_adds_up_to_who_is_here(moves: list[tuple[str, str]]) -> None:
    changes: list[None] = []
    presence, here, told = SharedPresence(lambda: changes.append(None)), Counter[str](), Counter[str]()

    def report() -> None:
        joined, left = presence.report()
        told.update(joined)
        told.subtract(left)

    for move, identity in moves:
        if move == "join":
            presence.join(identity)
            here[identity] += 1
        elif move == "leave" and here[identity]:
            presence.leave(identity)
            here[identity] -= 1
        elif move == "report":
            report()
        elif move == "anew":
            presence.begin_anew()
            told.clear()
        assert changes or +here == +told, "there is something to report, and nobody was told so"
        if move == "report":
            changes.clear()
    report()
    assert +told == +here
    assert presence.listeners == here.total()


def test_presence_says_what_it_was_told_of_all_edges_once() -> None:
    presence = SharedPresence(lambda: None)
    presence.join("v1")
    assert presence.news(1.0) is None
    presence.told(500, 400)
    assert presence.news(2.0) == (500, 400)
    assert presence.news(3.0) is None
    presence.told(500, 400)
    assert presence.news(4.0) is None


@given(MOVES)
def test_what_is_reported_of_admission_adds_up_to_who_was_let_in(moves: list[tuple[str, str]]) -> None:
    admission, here, told = SharedAdmission(6, 3, 30.0), Counter[str](), Counter[str]()
    for move, address in moves:
        if move == "join" and admission.admit(address, 0.5) is None:
            here[address] += 1
        elif move == "leave" and here[address]:
            admission.release(address)
            here[address] -= 1
        elif move == "report":
            told.update(admission.report())
        elif move == "anew":
            admission.begin_anew()
            told.clear()
    told.update(admission.report())
    assert {address: count for address, count in told.items() if count} == dict(+here)


def _statistics(number: int) -> EdgeStatistics:
    passes = Histogram()
    for _ in range(number):
        passes.observe(0.001 * number)
    return counted(
        listeners={"websocket": number, "events": 1},
        slow=number,
        deliveries=100 * number,
        closes={1006: number, 4012: 1},
        gaps={"slow": number},
        passes=passes,
        rooms={"stage": RoomCounts(number, number)},
        room_slow={"stage": number, f"room-{number}": 1},
        room_delivery={"stage": passes, f"room-{number}": passes},
    )


def test_statistics_come_through_and_add_up() -> None:
    one, other = (unpacked(packed(_statistics(number))) for number in (2, 3))
    assert packed(one) == packed(_statistics(2))
    total = summed([one, other], {"stage": RoomCounts(5, 4)})
    assert total.listeners == {"websocket": 5, "events": 2}
    assert (total.slow, total.deliveries, total.closes, total.gaps) == (5, 500, {1006: 5, 4012: 2}, {"slow": 5})
    assert (total.passes.count, round(total.passes.total, 6)) == (5, 0.013)
    assert total.rooms == {"stage": RoomCounts(5, 4)}
    assert total.room_slow == {"stage": 5, "room-2": 1, "room-3": 1}
    assert {room: one.count for room, one in total.room_delivery.items()} == {"stage": 5, "room-2": 2, "room-3": 3}
    assert (one.passes.count, one.deliveries) == (2, 200), "what is summed stays as it is"


def test_what_the_gone_have_done_stays_and_who_was_there_does_not() -> None:
    gone = of_the_gone(_statistics(2))
    assert (gone.listeners, gone.slow, gone.rooms, gone.room_slow) == ({"websocket": 0, "events": 0}, 0, {}, {})
    assert (gone.deliveries, gone.closes, gone.passes.count) == (200, {1006: 2, 4012: 1}, 2)
    assert gone.room_delivery["stage"].count == 2


def _news(person: str, number: int, text: str = "When?") -> Submission:
    return Submission(number, f"s{number:011}", "a", Source.WEB, "", person, "", text, number)


def test_the_mailbox_keeps_the_latest_news_of_each_and_gives_it_once() -> None:
    mailbox = Mailbox()
    for text, number in (("1", 1), ("2", 2), ("3", 1)):
        mailbox.keep(_news("visitor:v1", number, text))
    mailbox.keep(_news("", 9))
    mailbox.keep(_news("sms:abc", 9))
    assert [(news.number, news.text) for news in mailbox.take("v1")] == [(2, "2"), (1, "3")]
    assert mailbox.take("v1") == []
    assert mailbox.take("") == []


def test_the_mailbox_has_bounds() -> None:
    mailbox = Mailbox()
    for number in range(NEWS_KEPT + 5):
        mailbox.keep(_news("visitor:v0", number))
    assert [news.number for news in mailbox.take("v0")] == [*range(5, NEWS_KEPT + 5)]
    for number in range(PEOPLE_AWAY + 3):
        mailbox.keep(_news(f"visitor:v{number}", number))
    assert [bool(mailbox.take(f"v{number}")) for number in (0, 2, 3, PEOPLE_AWAY + 2)] == [False, False, True, True]
