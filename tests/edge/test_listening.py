"""What a listener gets, whatever its transport and format: everything once, in order, from where it wants on."""

from __future__ import annotations

import pytest

from fanout.core.message import Author
from fanout.core.room import Mode
from fanout.core.say import Say
from fanout.log.memory import MemoryLog
from fanout.wire.rendered import Format
from tests.edge.listener import check_transcript, command
from tests.edge.site import Site, open_site

WEBSOCKETS = [Format.JSON, Format.MSGPACK]


async def test_the_welcome_says_where_a_listener_stands(format: Format) -> None:
    async with open_site() as site:
        [first] = await site.publish("stage", "before")
        listener = await site.listener(format)
        assert listener.welcome["rooms"] == {
            "stage": {"position": str(first.position), "mode": "stage", "recovery": "live"}
        }
        assert listener.welcome["heartbeat_s"] == 25
        [second] = await site.publish("stage", "after")
        message = await listener.expect("message", text="after", position=str(second.position), id=second.id)
        assert message["author"] == {"name": "", "role": ""}


async def test_messages_come_in_order_and_once(format: Format) -> None:
    async with open_site() as site:
        listeners = [await site.listener(format) for _ in range(20)]
        for begin in range(0, 200, 20):
            await site.room("stage").publish_all([Say(str(number)) for number in range(begin, begin + 20)])
        for listener in listeners:
            assert await listener.texts(200) == [str(number) for number in range(200)]
        statistics = site.edge.statistics()
        assert statistics.deliveries == 20 * 200
        assert statistics.delivery.count == 20 * 200
        assert 20 <= statistics.sends <= statistics.deliveries


async def test_resuming_brings_exactly_what_was_missed(format: Format) -> None:
    async with open_site(capacity=8) as site:
        messages = await site.publish("stage", *map(str, range(30)))
        for missed in (0, 1, 7, 8, 9, 30):  # nothing, in the ring, its very edge, and from the log
            begin = 30 - missed
            after = messages[begin - 1].position if begin else f"{messages[0].position.epoch}:0"
            listener = await site.listener(format, f"after={'' if format is Format.EVENTS else 'stage@'}{after}")
            assert listener.welcome["rooms"]["stage"]["recovery"] == "resumed"
            assert await listener.texts(missed) == [str(number) for number in range(begin, 30)]
            await listener.aclose()
        assert site.edge.statistics().deliveries == 0 + 1 + 7 + 8 + 9 + 30
        assert site.edge.statistics().delivery.count == 0, "what was missed is no late delivery"
        listener = await site.listener(format)
        await site.publish("stage", "new")
        assert await listener.texts(1) == ["new"]
        assert site.edge.statistics().delivery.count == 1


async def test_what_a_listener_missed_is_not_late_in_a_walk_either(format: Format) -> None:
    async with open_site(capacity=2000) as site:
        [first] = await site.publish("stage", "first")
        for begin in range(0, 1500, 100):
            await site.room("stage").publish_all([Say(str(number)) for number in range(begin, begin + 100)])
        after = f"after={'' if format is Format.EVENTS else 'stage@'}{first.position}"
        listener = await site.listener(format, after)
        assert await listener.texts(1500) == [str(number) for number in range(1500)]
        assert (site.edge.statistics().deliveries, site.edge.statistics().delivery.count) == (1500, 0)


async def test_last_brings_the_newest(format: Format) -> None:
    async with open_site(capacity=8) as site:
        published = [*map(str, range(20))]
        await site.publish("stage", *published)
        for last in (0, 3, 8, 15, 20, 10**30):
            listener = await site.listener(format, f"last={last}")
            assert listener.welcome["rooms"]["stage"]["recovery"] == "live"
            await site.publish("stage", "mark")
            texts = [(await listener.expect("message"))["text"] for _ in range(min(last, len(published)) + 1)]
            await listener.aclose()
            published.append("mark")
            assert texts == published[len(published) - len(texts) :]


async def test_a_position_of_another_stream_gets_a_gap_and_what_there_is(format: Format) -> None:
    async with open_site(capacity=4) as site:
        messages = await site.publish("stage", *map(str, range(6)))
        epoch = messages[0].position.epoch
        for wrong in ("other:3", f"{epoch}:7", f"{epoch}:{2**53 - 1}"):
            listener = await site.listener(format, f"after={'' if format is Format.EVENTS else 'stage@'}{wrong}")
            assert listener.welcome["rooms"]["stage"]["recovery"] == "gap"
            gap = await listener.expect("gap", reason="epoch", missed=2)
            assert gap["from"].endswith(":1")
            assert await listener.texts(4) == ["2", "3", "4", "5"]
            await listener.aclose()
        assert site.edge.statistics().gaps == {"epoch": 3}


async def test_what_the_log_has_dropped_is_named_in_a_gap(format: Format) -> None:
    """The edge has followed the room from before; the log has dropped entries since."""
    async with open_site(log=MemoryLog(history=20), capacity=4) as site:
        early = await site.listener(format)
        messages = await site.publish("stage", *map(str, range(50)))
        assert await early.texts(50) == [str(number) for number in range(50)]
        epoch = messages[0].position.epoch
        for _ in range(2):
            listener = await site.listener(format, f"after={'' if format is Format.EVENTS else 'stage@'}{epoch}:5")
            gap = await listener.expect("gap", reason="expired")
            assert gap["from"] == f"{epoch}:6"
            oldest = int(gap["to"].split(":")[1])
            assert 20 <= oldest <= 46
            assert await listener.texts(50 - oldest) == [str(number) for number in range(oldest, 50)]
        assert listener.welcome["rooms"]["stage"]["recovery"] == "gap", "the edge has learned"
        assert site.edge.statistics().gaps == {"expired": 2}


@pytest.mark.parametrize("format", WEBSOCKETS)
async def test_one_connection_listens_to_several_rooms(format: Format) -> None:
    async with open_site("a", "b", "c") as site:
        listener = await site.websocket("room=a&room=b", format=format)
        welcome = await listener.expect("welcome")
        assert list(welcome["rooms"]) == ["a", "b"]
        await site.publish("c", "not for it yet")
        await listener.say("subscribe", room="c", last=10)
        again = await listener.expect("welcome")
        assert again["listener"] == welcome["listener"]
        assert list(again["rooms"]) == ["c"]
        assert (await listener.expect("message"))["text"] == "not for it yet"
        for room in "abcabc":
            await site.publish(room, room)
        got: dict[str, list[str]] = {"a": [], "b": [], "c": []}
        for _ in range(6):
            message = await listener.expect("message")
            got[message["room"]].append(message["text"])
        assert got == {"a": ["a", "a"], "b": ["b", "b"], "c": ["c", "c"]}
        await listener.say("unsubscribe", room="b")
        await listener.silence()
        await site.publish("b", "gone")
        await site.publish("a", "here")
        assert await listener.texts(1) == ["here"]
        await listener.say("unsubscribe", room="b")
        await listener.expect("error", code="not_subscribed")
        await listener.say("subscribe", room="a")
        await listener.expect("error", code="already_subscribed")
        await listener.say("subscribe", room="nowhere")
        await listener.expect("error", code="room_not_found")
        await listener.aclose()
        await site.is_empty()


async def test_who_subscribes_while_a_walk_is_under_way_is_not_left_behind() -> None:
    """A walk over many; in the middle of it, somebody who is further behind than one batch."""
    async with open_site() as site:
        crowd = [await site.listener(Format.JSON) for _ in range(300)]
        await site.publish("stage", *("x" * 12_000 for _ in range(40)))
        late = await site.listener(Format.JSON, "last=40")
        assert len(await late.texts(40)) == 40
        for listener in crowd:
            assert len(await listener.texts(40)) == 40


async def test_a_room_that_follows_gets_the_same_message_once(format: Format) -> None:
    async with open_site("stage", "left", "right") as site:
        await site.engine.open_room("left", follows=["stage"])
        await site.engine.open_room("right", follows=["left", "stage"])
        listeners = [await site.listener(format, room=room) for room in ("stage", "left", "right")]
        [message] = await site.publish("stage", "to all")
        for listener, room in zip(listeners, ("stage", "left", "right"), strict=True):
            await listener.expect("message", text="to all", id=message.id, room=room)


async def test_staff_publish_over_their_connection() -> None:
    async with open_site("stage", "other") as site:
        staff = await site.websocket(f"room=stage&token={site.token('guest', name='Ada')}")
        listener = await site.listener(Format.MSGPACK)
        await staff.expect("welcome")
        await staff.stream.send_all(
            b"".join(command({"type": "publish", "room": "stage", "text": str(n), "ref": f"r{n}"}) for n in range(50))
        )
        assert await listener.texts(50) == [str(number) for number in range(50)]
        acknowledged, heard = [], []
        for _ in range(100):
            item = await staff.item()
            (acknowledged if item["type"] == "published" else heard).append(item)
        assert [reply["ref"] for reply in acknowledged] == [f"r{number}" for number in range(50)]
        assert [reply["position"] for reply in acknowledged] == [message["position"] for message in heard]
        assert heard[0]["author"] == {"name": "Ada", "role": "guest"}
        await staff.say("publish", room="nowhere", text="x", ref="lost")
        await staff.expect("error", code="room_not_found", ref="lost")
        await staff.say("publish", room="stage", text="x" * 20_000, ref="long")
        await staff.expect("error", code="text_too_long", ref="long")
        await staff.say("publish", room="stage", text="", kind="programme", data={"phase": "after"}, ref="over")
        await staff.expect("error", code="role_refused", ref="over")
        asked = await site.room("stage").publish("Why?", author=Author("Tom", "visitor"), kind="question")
        await staff.expect("message", text="Why?")
        await staff.say("publish", room="stage", text="Why not!", kind="correction", re=asked.id, ref="words")
        await staff.expect("error", code="not_correctable", ref="words")


@pytest.mark.parametrize(
    ("role", "rooms", "code"),
    [(None, (), "token_missing"), ("gateway", ("*",), "role_refused"), ("publisher", ("other",), "role_refused")],
)
async def test_who_may_not_publish_is_told_why(role: str | None, rooms: tuple[str, ...], code: str) -> None:
    async with open_site("stage", "other") as site:
        token = "" if role is None else f"&token={site.token(role, rooms)}"
        listener = await site.websocket(f"room=stage{token}")
        await listener.expect("welcome")
        await listener.say("publish", room="stage", text="hello", ref="mine")
        await listener.expect("error", code=code, ref="mine")
        await listener.say("submit", room="stage", text="hello", ref="mine")
        await listener.expect("error", code="submissions_closed", ref="mine")
        assert site.room("stage").position.seq == 0


async def test_a_retracted_message_is_readable_nowhere(format: Format) -> None:
    """For those who listened, who come later, who resume from the ring or the log: never the text again."""
    async with open_site(capacity=6) as site:
        early = await site.listener(format)
        messages = await site.publish(
            "stage", *(f"secret {number}" for number in range(8)), author=Author("Eve", "guest")
        )
        await early.texts(8)
        for index in (0, 5):  # one is in the log alone, one in the ring
            retraction = await site.room("stage").retract(messages[index].id)
            await early.expect("retraction", target=messages[index].id, position=str(retraction.position))
        epoch = messages[0].position.epoch
        for after in (0, 4, 5):
            late = await site.listener(format, f"after={'' if format is Format.EVENTS else 'stage@'}{epoch}:{after}")
            for seq in range(after + 1, 9):
                item = await late.expect("message")
                assert item.get("retracted", False) is (seq in (1, 6))
                assert item["text"] == ("" if seq in (1, 6) else f"secret {seq - 1}")
                assert item["author"]["name"] == ("" if seq in (1, 6) else "Eve")
            await late.expect("retraction", target=messages[0].id)
            await late.expect("retraction", target=messages[5].id)


async def test_presence_is_told_at_most_once_a_second(format: Format) -> None:
    async with open_site() as site:
        listener = await site.listener(format)
        others = [await site.listener(Format.JSON) for _ in range(5)]
        same = [await site.websocket(f"room=stage&token={site.token(subject='one')}") for _ in range(3)]
        for one in same:
            await one.expect("welcome")
        await site.second(2)
        told = await listener.expect("presence")
        while told["listeners"] < 9:
            told = await listener.expect("presence")
        assert (told["listeners"], told["visitors"]) in [(9, 7), (9, 9)]
        assert site.edge.statistics().rooms["stage"].listeners == 9
        seconds = site.hub.second
        for other in others:
            await other.aclose()
        await site.settled(lambda: len(site.hub.connections) == 4)
        await site.second(3)
        await site.publish("stage", "mark")
        presences = []
        while (item := await listener.item())["type"] == "presence":
            presences.append(item["listeners"])
        assert presences[-1] == 4
        assert len(presences) <= site.hub.second - seconds


async def test_an_event_stream_resumes_by_its_last_event_id() -> None:
    async with open_site() as site:
        messages = await site.publish("stage", *map(str, range(6)))
        listener = await site.events(
            "stage", f"after={messages[0].position}", headers=[f"Last-Event-ID: {messages[3].position}"]
        )
        welcome = await listener.expect("welcome")
        assert welcome["rooms"]["stage"]["recovery"] == "resumed"
        assert await listener.texts(2) == ["4", "5"]
        assert listener.ids == [str(messages[index].position) for index in (3, 4, 5)]
        assert 1000 <= (listener.events.retry_ms or 0) <= 3000


async def test_a_mode_is_told_as_it_is_now() -> None:
    async with open_site("stage") as site:
        await site.engine.open_room("stage", mode="open")
        listener = await site.listener(Format.JSON)
        assert listener.welcome["rooms"]["stage"]["mode"] == Mode.OPEN


async def test_a_ring_may_change_its_size_while_people_listen(format: Format) -> None:
    async with open_site(capacity=50) as site:
        listener = await site.listener(format)
        for turn, capacity in enumerate((25, 100, 21, 40)):
            await site.engine.open_room("stage", capacity=capacity)
            await site.publish("stage", *(f"{turn} {number}" for number in range(20)))
            assert await listener.texts(20) == [f"{turn} {number}" for number in range(20)]
            late = await site.listener(format, "last=15")
            assert await late.texts(15) == [f"{turn} {number}" for number in range(5, 20)]


async def test_a_transcript_of_everything(format: Format) -> None:
    async with open_site(capacity=16) as site:
        listener = await site.listener(format)
        written = await _busy_evening(site)
        items = [await listener.item() for _ in range(len(written))]
        check_transcript([item for item in items if item["type"] != "presence"], written, 0, len(written))


async def _busy_evening(site: Site) -> dict[int, dict[str, str]]:
    written: dict[int, dict[str, str]] = {}
    for number in range(60):
        [message] = await site.publish("stage", f"text {number}")
        written[message.position.seq] = {"id": message.id, "text": message.text}
        if number % 7 == 0:
            retraction = await site.room("stage").retract(message.id)
            written[retraction.position.seq] = {"target": message.id, "text": ""}
    return written
