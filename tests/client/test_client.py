"""The client on a real server: it listens, comes back, publishes, and stops when it must."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
import trio
import trio.testing

from fanout.client import CommandRefused, Connecting, Finished, Live, NotConfirmed, Stopped, Waiting, open_client
from fanout.client.client import Client
from fanout.core.message import Gap, GapReason, Message
from fanout.errors import InvalidInput
from fanout.wire.rendered import Format
from fanout.wire.replies import Presence
from tests.client.faults import drop_every
from tests.client.small_server import Room, SmallServer, small_server


@pytest.fixture
async def server() -> AsyncIterator[SmallServer]:
    async with small_server() as server:
        yield server


async def numbers(client: Client, count: int) -> list[int]:
    """The sequence numbers of the next so many messages, within half a minute."""
    got = []
    with trio.fail_after(30):
        async for item in client:
            assert isinstance(item, Message)
            got.append(item.position.seq)
            if len(got) == count:
                return got
    raise AssertionError("the client ended early")


@pytest.mark.parametrize("format", [Format.JSON, Format.MSGPACK])
async def test_a_listener_gets_what_is_published_in_order_in_either_format(server: SmallServer, format: Format) -> None:
    async with open_client(server.url, rooms=["stage"], format=format) as client:
        await client.wait_live()
        for number in range(1000):
            server.publish("stage", f"message {number}", data={"n": number})
        assert await numbers(client, 1000) == list(range(1, 1001))
        assert str(client.positions["stage"]) == "aaaa:1000"


async def test_a_listener_that_is_cut_again_and_again_gets_everything_once_and_in_order(server: SmallServer) -> None:
    async with open_client(server.url, rooms=["stage"]) as client, trio.open_nursery() as nursery:
        await client.wait_live()

        async def torment() -> None:
            for number in range(200):
                server.publish("stage")
                if number % 40 == 20:
                    await server.cut_all()
                    await server.until(lambda: bool(server.lines))

        nursery.start_soon(torment)
        assert await numbers(client, 200) == list(range(1, 201))
    assert sum("after=stage%40aaaa" in path for path in server.requests) >= 3


async def test_a_connection_lost_before_the_first_message_is_resumed_from_the_welcome(server: SmallServer) -> None:
    server.publish("stage")
    async with open_client(server.url, rooms=["stage"]) as client:
        await client.wait_live()
        for line in server.lines:
            line.cursors.clear()
        server.publish("stage")
        await server.cut_all()
        assert await numbers(client, 1) == [2]


async def test_a_tail_that_is_sent_again_is_dropped_and_counted(server: SmallServer) -> None:
    async with open_client(server.url, rooms=["stage"]) as client:
        await client.wait_live()
        for _ in range(5):
            server.publish("stage")
        assert await numbers(client, 5) == [1, 2, 3, 4, 5]
        server.replay_again = 3
        await server.cut_all()
        server.publish("stage")
        assert await numbers(client, 1) == [6]
        assert client.duplicates == 3


async def test_a_hole_is_asked_for_again_and_handed_on_whole(server: SmallServer) -> None:
    """The first connection loses a message in ten; the client notices, cuts, and has the rest from the next ones."""
    bad = drop_every(10)
    server.bend = lambda number, entries: bad(number, entries) if number == 1 else entries
    async with open_client(server.url, rooms=["stage"]) as client:
        await client.wait_live()
        for _ in range(100):
            server.publish("stage")
        assert await numbers(client, 100) == list(range(1, 101))
    assert len(server.requests) == 2


async def test_a_hole_that_the_server_never_fills_is_named(server: SmallServer) -> None:
    server.bend = lambda number, entries: [each for each in entries if each["seq"] != 3]
    async with open_client(server.url, rooms=["stage"]) as client:
        await client.wait_live()
        for _ in range(4):
            server.publish("stage")
        with trio.fail_after(10):
            items = [await anext(client) for _ in range(4)]
    assert isinstance(items[2], Gap)
    assert (items[2].first.seq, items[2].last.seq, items[2].reason) == (3, 3, GapReason.EXPIRED)


async def test_a_new_stream_shows_as_a_gap(server: SmallServer) -> None:
    async with open_client(server.url, rooms=["stage"]) as client:
        await client.wait_live()
        server.publish("stage")
        assert await numbers(client, 1) == [1]
        server.rooms["stage"] = Room(epoch="bbbb")
        server.publish("stage", "of another stream")
        await server.cut_all()
        with trio.fail_after(10):
            gap, message = await anext(client), await anext(client)
    assert isinstance(gap, Gap)
    assert gap.reason is GapReason.EPOCH
    assert str(gap.last) == "bbbb:0"
    assert isinstance(message, Message)
    assert str(message.position) == "bbbb:1"


async def test_a_slot_given_by_bye_is_kept(server: SmallServer) -> None:
    states: list[object] = []
    async with open_client(server.url, rooms=["stage"], watch=states.append) as client:
        await client.wait_live()
        await server.bye_all(4012, after_ms=230)
        server.publish("stage")
        assert await numbers(client, 1) == [1]
    waits = [state for state in states if isinstance(state, Waiting)]
    assert [(wait.seconds, wait.reason) for wait in waits] == [(0.23, "because")]
    shapes = [type(state) for state in states]
    assert shapes == [Connecting, Live, Waiting, Connecting, Live, Finished]


@pytest.mark.parametrize(("code", "name"), [(4001, "token_refused"), (4003, "banned"), (4009, "bad_command")])
async def test_a_terminal_code_stops_the_client_and_says_why(server: SmallServer, code: int, name: str) -> None:
    async with open_client(server.url, rooms=["stage"]) as client:
        await client.wait_live()
        await server.bye_all(code, reconnect=False)
        with trio.fail_after(5), pytest.raises(Stopped, match="because") as caught:
            await anext(client)
    assert (caught.value.code, caught.value.close_code) == (name, code)
    assert len(server.requests) == 1


async def test_what_came_before_a_terminal_code_is_still_handed_out(server: SmallServer) -> None:
    async with open_client(server.url, rooms=["stage"], last=5) as client:
        await client.wait_live()
        server.publish("stage")
        await trio.testing.wait_all_tasks_blocked()
        await server.bye_all(4003, reconnect=False)
        assert await numbers(client, 1) == [1]
        with trio.fail_after(5), pytest.raises(Stopped):
            await anext(client)


async def test_a_room_that_is_not_there_stops_the_client(server: SmallServer) -> None:
    with trio.fail_after(5), pytest.raises(Stopped) as caught:
        async with open_client(server.url, rooms=["nowhere"]) as client:
            await anext(client)
    assert (caught.value.code, caught.value.close_code) == ("room_not_found", 4004)


async def test_a_refused_handshake_stops_or_is_tried_again_by_its_status(server: SmallServer) -> None:
    busy = {"code": "full", "detail": "All places are taken."}
    server.refuse = [(503, {"Retry-After": "0"}, busy), (401, {}, {"code": "token_refused", "detail": "Too old."})]
    with trio.fail_after(5), pytest.raises(Stopped, match="Too old") as caught:
        async with open_client(server.url, rooms=["stage"], token="t") as client:
            await anext(client)
    assert (caught.value.status, caught.value.code) == (401, "token_refused")
    assert len(server.requests) == 2


async def test_a_silent_connection_is_cut_after_two_heartbeats_and_resumed(server: SmallServer) -> None:
    server.heartbeat_s = 0.1
    async with open_client(server.url, rooms=["stage"]) as client:
        await client.wait_live()
        server.lines[0].cursors.clear()
        with trio.fail_after(10):
            await server.until(lambda: len(server.requests) >= 2)
        server.heartbeat_s = 25
        server.publish("stage")
        assert await numbers(client, 1) == [1]


async def test_pings_keep_a_connection_that_has_nothing_to_say(server: SmallServer) -> None:
    server.heartbeat_s = 0.2
    async with open_client(server.url, rooms=["stage"]) as client:
        await client.wait_live()
        for _ in range(10):
            with trio.fail_after(5):
                await server.lines[0].websocket.ping()
                await trio.sleep(0.06)  # real time, for the server's heartbeat is what is tested
        assert len(server.requests) == 1


async def test_a_publication_is_acknowledged_or_refused(server: SmallServer) -> None:
    async with open_client(server.url, rooms=["stage"]) as client:
        with trio.fail_after(5):
            published = await client.publish("stage", "hello")
            assert (published.room, str(published.position)) == ("stage", "aaaa:1")
            with pytest.raises(CommandRefused, match="Not you") as caught:
                await client.publish("stage", "forbidden")
            assert caught.value.code == "role_refused"
            with pytest.raises(NotConfirmed):
                await client.publish("stage", "cut me")
            assert str((await client.publish("stage", "again")).position) == "aaaa:2"


async def test_publishing_works_while_nobody_reads_the_items(server: SmallServer) -> None:
    """The answer comes behind more items than the queue takes."""
    server.answer_last = True
    async with open_client(server.url, rooms=["stage"]) as client:
        await client.wait_live()
        for _ in range(2000):
            server.publish("stage")
        with trio.fail_after(10):
            assert (await client.publish("stage", "me")).position.seq == 2001
        assert await numbers(client, 2001) == list(range(1, 2002))


async def test_a_reader_that_stops_reading_stops_the_socket(server: SmallServer) -> None:
    """Nothing grows without bound: the server feels that the client does not read."""
    async with open_client(server.url, rooms=["stage"]) as client:
        await client.wait_live()
        for _ in range(2_000):
            server.publish("stage")
        await trio.testing.wait_all_tasks_blocked(0.2)
        assert len(client._queue) <= 256
        assert await numbers(client, 2_000) == list(range(1, 2_001))


async def test_rooms_come_and_go_while_the_client_runs(server: SmallServer) -> None:
    server.rooms["chat"] = Room()
    server.publish("chat", "before")
    async with open_client(server.url, rooms=["stage"]) as client:
        with trio.fail_after(5):
            await client.subscribe("chat", last=1)
            item = await anext(client)
            assert (item.room, item.text) == ("chat", "before")  # type: ignore[union-attr]
            with pytest.raises(InvalidInput, match="already"):
                await client.subscribe("chat")
            with pytest.raises(CommandRefused):
                await client.subscribe("nowhere")
            await client.unsubscribe("chat")
            await trio.testing.wait_all_tasks_blocked(0.05)
            server.publish("chat", "nobody hears this")
            await server.cut_all()
            server.publish("stage", "all hear this")
            item = await anext(client)
            assert (item.room, item.text) == ("stage", "all hear this")  # type: ignore[union-attr]
    assert "nowhere" not in server.requests[-1]
    assert "chat" not in server.requests[-1]


async def test_a_room_subscribed_while_the_connection_is_down_is_there_afterwards(server: SmallServer) -> None:
    server.rooms["chat"] = Room()
    async with open_client(server.url, rooms=["stage"]) as client:
        await client.wait_live()
        await server.bye_all(4012, after_ms=100)
        with trio.fail_after(5):
            await client.subscribe("chat")
            server.publish("chat", "here")
            assert (await anext(client)).room == "chat"


async def test_presence_is_at_hand_and_told(server: SmallServer) -> None:
    news: list[object] = []
    async with open_client(server.url, rooms=["stage"], watch=news.append) as client:
        await client.wait_live()
        await server.say(server.lines[0], {"type": "presence", "room": "stage", "listeners": 3, "visitors": 2})
        await server.say(server.lines[0], {"type": "something of the future", "x": 1})
        server.publish("stage")
        await numbers(client, 1)
        assert client.presence["stage"] == Presence("stage", 3, 2)
    assert Presence("stage", 3, 2) in news


async def test_nonsense_from_the_server_ends_the_connection_not_the_program(server: SmallServer) -> None:
    async with open_client(server.url, rooms=["stage"]) as client:
        await client.wait_live()
        for nonsense in ({"type": "message"}, {"type": "welcome", "rooms": 3}, {"type": "gap"}, []):
            with trio.fail_after(5):
                await server.until(lambda: bool(server.lines))
                await server.say(server.lines[0], nonsense)  # type: ignore[arg-type]
                await server.until(lambda: not server.lines)
        server.publish("stage")
        assert await numbers(client, 1) == [1]


async def test_a_server_that_upgrades_and_says_nothing_is_left_again(
    server: SmallServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fanout.client.connection.OPENING_SECONDS", 0.2)
    server.greet = False
    async with open_client(server.url, rooms=["stage"]) as client:
        with trio.fail_after(10):
            await server.until(lambda: len(server.requests) >= 2)
        server.greet = True
        with trio.fail_after(10):
            await client.wait_live()


async def test_nobody_there_means_waiting_and_trying_again() -> None:
    async with small_server() as server:
        url = server.url
    states: list[object] = []
    with trio.move_on_after(1.5):
        async with open_client(url, rooms=["stage"], watch=states.append) as client:
            await client.wait_live()
    waits = [state for state in states if isinstance(state, Waiting)]
    assert waits
    assert all("refused" in wait.reason for wait in waits)
    assert all(earlier.seconds <= 8 for earlier, _ in pairwise(waits))


async def test_an_error_in_the_block_comes_out_as_itself(server: SmallServer) -> None:
    with pytest.raises(ZeroDivisionError):
        async with open_client(server.url, rooms=["stage"]):
            raise ZeroDivisionError
