"""Those who stop reading: they cost nobody anything, lose nothing without being told, and go on where they were."""

from __future__ import annotations

import socket
import ssl
import struct
from functools import partial

import pytest
import trio
import trio.lowlevel
import trio.testing

from fanout.core.limits import LINGER_SECONDS
from fanout.edge.door import TCP_NOTSENT_LOWAT
from fanout.edge.places import listener_id
from fanout.edge.settings import EdgeSettings
from fanout.wire.rendered import Format
from tests.edge.listener import Listener, check_transcript, command, handshake
from tests.edge.site import Site, open_site

pytestmark = pytest.mark.usefixtures("each_sender")
TLS = tuple[ssl.SSLContext, ssl.SSLContext]
SMALL = 4096
"""SO_RCVBUF of a listener whose socket is soon full."""

BIG = "x" * 8000


async def stalled(site: Site, listener: Listener, room: str = "stage") -> int:
    """Publish until this listener's socket is full; the room's head then."""
    (connection,) = [c for c in site.hub.connections.values() if listener_id(c) == listener.welcome["listener"]]
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_publish_until, site, room, lambda: connection.blocked)
    return site.room(room).position.seq


async def _publish_until(site: Site, room: str, condition) -> None:
    for number in range(2000):
        if condition():
            return
        await site.publish(room, f"{number} {BIG}")
        await trio.lowlevel.checkpoint()
    raise AssertionError("its socket is never full")


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_one_that_stops_reading_harms_nobody_and_gets_everything_later(
    format: Format, secure: bool, tls: TLS
) -> None:
    async with open_site(capacity=2000, tls=tls if secure else None) as site:
        slow = await site.listener(format, receive_buffer=SMALL)
        quick = await site.listener(format)
        await stalled(site, slow)
        assert site.edge.statistics().slow == 1
        assert site.edge.statistics().room_slow == {"stage": 1}
        [last] = await site.publish("stage", "the end")
        for listener in (quick, slow):
            items = []
            while not items or items[-1].get("text") != "the end":
                items.append(await listener.item())
            positions = [int(i["position"].split(":")[1]) for i in items if i["type"] == "message"]
            assert positions == list(range(1, last.position.seq + 1))
        await site.settled(lambda: not site.hub.sending.stalled)
        statistics = site.edge.statistics()
        assert statistics.deliveries == 2 * last.position.seq
        assert statistics.delivery.count == statistics.room_delivery["stage"].count == statistics.deliveries
        assert statistics.room_slow == {}
        await site.publish("stage", "live again")
        for listener in (quick, slow):
            assert await listener.texts(1) == ["live again"]


async def test_a_ping_goes_before_the_messages_that_wait() -> None:
    async with open_site(capacity=2000) as site:
        slow = await site.listener(Format.JSON, receive_buffer=SMALL)
        head = await stalled(site, slow)
        await site.publish("stage", *(BIG for _ in range(50)))
        await site.second(26)
        items = 0
        while not slow.pings:
            items += (await slow.item())["type"] == "message"
        assert items <= head


async def test_a_goodbye_goes_before_the_messages_that_wait() -> None:
    async with open_site(capacity=2000) as site:
        slow = await site.listener(Format.JSON, receive_buffer=SMALL)
        head = await stalled(site, slow)
        await site.publish("stage", *(BIG for _ in range(50)))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(site.edge.drain, 1.0)
            items, ended = await slow.everything()
            await slow.say_frame(8, b"")
        assert items[-1]["type"] == "bye"
        assert ended.code == 4012
        assert len([item for item in items if item["type"] == "message"]) <= head


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_one_too_slow_for_a_stage_is_closed_and_resumes_without_a_gap(
    format: Format, secure: bool, tls: TLS
) -> None:
    async with open_site(capacity=20, tls=tls if secure else None) as site:
        slow = await site.listener(format, receive_buffer=SMALL)
        await stalled(site, slow)
        for _ in range(60):
            await site.publish("stage", BIG)
        await site.second()
        items, ended = await slow.everything()
        bye = items[-1]
        assert bye["type"] == "bye"
        assert (bye["code"], bye["reconnect"], bye["room"]) == (4008, True, "stage")
        assert ended.code == (None if format is Format.EVENTS else 4008)
        seen = [item["position"] for item in items if item["type"] == "message"]
        assert seen[-1] == bye["position"], "the goodbye says where it stands"
        again = await site.listener(format, f"after={'' if format is Format.EVENTS else 'stage@'}{bye['position']}")
        assert again.welcome["rooms"]["stage"]["recovery"] == "resumed"
        head = site.room("stage").position.seq
        while len(seen) < head:
            seen.append((await again.expect("message"))["position"])
        assert [int(position.split(":")[1]) for position in seen] == list(range(1, head + 1))
        assert site.edge.statistics().closes.get(4008) == 1


async def test_one_too_slow_for_a_chat_gets_a_gap_and_goes_on(format: Format) -> None:
    async with open_site("chat:open", capacity=20) as site:
        slow = await site.listener(format, room="chat", receive_buffer=SMALL)
        await stalled(site, slow, "chat")
        for _ in range(60):
            await site.publish("chat", BIG)
        [last] = await site.publish("chat", "the end")
        items = []
        while not items or items[-1].get("text") != "the end":
            items.append(await slow.item())
        cursor = 0
        gaps = 0
        for item in items:
            if item["type"] == "gap":
                assert item["reason"] == "slow"
                assert int(item["from"].split(":")[1]) == cursor + 1
                cursor = int(item["to"].split(":")[1])
                gaps += 1
            elif item["type"] == "message":
                cursor += 1
                assert int(item["position"].split(":")[1]) == cursor
        assert cursor == last.position.seq
        assert gaps
        statistics = site.edge.statistics()
        assert statistics.gaps == {"slow": gaps}
        assert statistics.deliveries == len([item for item in items if item["type"] == "message"])


async def test_one_that_never_reads_is_cut_in_the_end(format: Format) -> None:
    settings = EdgeSettings(stall_seconds=5, silence_seconds=1000)
    async with open_site("chat:open", capacity=20, settings=settings) as site:
        slow = await site.listener(format, room="chat", receive_buffer=SMALL)
        await stalled(site, slow, "chat")
        await site.second(4)
        assert site.hub.connections
        await site.second(2)
        await site.is_empty()
        assert site.edge.statistics().closes == {1006: 1}


async def test_a_goodbye_that_is_not_read_is_cut(format: Format) -> None:
    async with open_site(capacity=4) as site:
        slow = await site.listener(format, receive_buffer=SMALL)
        await stalled(site, slow)
        await site.publish("stage", *(BIG for _ in range(10)))
        await site.second()
        assert site.hub.sending.leaving
        await site.second(LINGER_SECONDS + 1)
        await site.is_empty()


async def test_a_stalled_listener_never_gets_what_was_taken_back_meanwhile(format: Format) -> None:
    """At most the frame that was cut in the middle has to be finished."""
    async with open_site(capacity=2000) as site:
        slow = await site.listener(format, receive_buffer=SMALL)
        head = await stalled(site, slow)
        messages = await site.publish("stage", *(f"secret {number} {BIG}" for number in range(20)))
        for message in messages:
            await site.room("stage").retract(message.id)
        for seq in range(1, head + 1):
            assert (await slow.expect("message"))["position"].endswith(f":{seq}")
        for _ in messages:
            await slow.expect("message", text="", retracted=True)
        for message in messages:
            await slow.expect("retraction", target=message.id)


async def test_who_resumes_and_does_not_read_holds_one_batch_and_no_retracted_text() -> None:
    """Twenty rooms with a screenful each: what waits for the socket is bounded, the rest is the ring's to take back."""
    rooms = [f"r{number}" for number in range(20)]
    async with open_site(*rooms, capacity=100) as site:
        messages = {room: await site.publish(room, *(f"secret {BIG}" for _ in range(40))) for room in rooms}
        stream = await site.connect(receive_buffer=SMALL)
        await stream.send_all(handshake("&".join(f"room={room}" for room in rooms) + "&last=1000"))
        await site.settled(lambda: site.hub.sending.stalled)
        (connection,) = site.hub.connections.values()
        assert len(connection.owed) < 10_000
        for room in rooms:
            await site.room(room).retract(messages[room][-1].id)
        listener = await Listener(stream, Format.JSON).upgraded()
        got: dict[str, list[dict]] = {room: [] for room in rooms}
        for _ in range(1 + 20 * 41):
            item = await listener.item()
            if item["type"] in ("message", "retraction"):
                got[item["room"]].append(item)
        for room in rooms:
            assert len(got[room]) >= 40
            assert got[room][39]["text"] == ""


async def test_a_busy_room_does_not_starve_the_others_of_a_slow_connection() -> None:
    async with open_site("busy:open", "calm", capacity=50) as site:
        slow = await site.websocket("room=busy&room=calm", receive_buffer=SMALL)
        slow.welcome = await slow.expect("welcome")
        await stalled(site, slow, "busy")
        calm = []
        for number in range(100):
            await site.publish("busy", BIG)
            await site.publish("calm", f"calm {number}")
            for _ in range(2):
                item = await slow.item()
                if item.get("room") == "calm" and item["type"] == "message":
                    calm.append(item["text"])
        while len(calm) < 100:
            item = await slow.item()
            if item.get("room") == "calm" and item["type"] == "message":
                calm.append(item["text"])
        assert calm == [f"calm {number}" for number in range(100)]


async def test_who_subscribes_while_its_socket_is_full_gets_its_welcome_first_and_then_the_messages() -> None:
    async with open_site("stage", "late", capacity=2000) as site:
        await site.publish("late", *(f"late {number}" for number in range(300)))
        slow = await site.listener(Format.JSON, receive_buffer=SMALL)
        await stalled(site, slow)
        await slow.say("subscribe", room="late", last=200)
        (connection,) = site.hub.connections.values()
        await site.settled(lambda: len(connection.subscriptions) == 2)
        assert sum(map(len, connection.control)) < 1000
        items = []
        while not items or items[-1].get("text") != "late 299":
            items.append(await slow.item())
        welcome = next(index for index, item in enumerate(items) if item["type"] == "welcome")
        late = [index for index, item in enumerate(items) if item.get("room") == "late"]
        assert welcome < late[0]
        assert [items[index]["text"] for index in late] == [f"late {number}" for number in range(100, 300)]


async def test_nothing_is_read_from_one_that_never_reads_its_replies() -> None:
    """And reading goes on when it does."""
    async with open_site(capacity=2000) as site:
        staff = await site.websocket(f"room=stage&token={site.token()}", receive_buffer=SMALL)
        staff.welcome = await staff.expect("welcome")
        await stalled(site, staff)
        (connection,) = site.hub.connections.values()
        asked = 0
        question = command({"type": "ping"})
        with trio.move_on_after(0.5):
            while True:
                await staff.stream.send_all(question * 500)
                asked += 500
        assert len(connection.control) < 10_000, "what waits is bounded by one read"
        held = len(connection.control)
        await trio.testing.wait_all_tasks_blocked()
        assert len(connection.control) == held, "nothing more is read"
        pongs = 0
        while pongs < asked:
            pongs += (await staff.item())["type"] == "pong"
        await site.settled(lambda: connection.control is None)


@pytest.mark.parametrize("sizes", [(1,), (2, 3, 5, 7), (1000, 1), (4096,)], ids=str)
async def test_bytes_taken_in_any_pieces_are_the_same_messages(format: Format, sizes: tuple[int, ...]) -> None:
    """A reader that takes a few bytes at a time from the smallest buffers there are."""
    async with open_site("chat:open", capacity=400) as site:
        count = 40 if sizes == (1,) else 200
        slow = await site.listener(format, room="chat", receive_buffer=1)
        texts = [f"{number} " + "y" * (number * 37 % 400) for number in range(count)]
        written = {}
        for text in texts:
            [message] = await site.publish("chat", text)
            written[message.position.seq] = {"id": message.id, "text": text}
        items, step = [], 0
        receive = slow.stream.receive_some
        while not items or items[-1].get("text") != texts[-1]:
            slow.stream.receive_some = partial(receive, sizes[step % len(sizes)])
            step += 1
            items.append(await slow.item())
        check_transcript(items, written, 0, count)


async def test_the_kernel_holds_little_for_those_who_do_not_read() -> None:
    """With the server's own settings: 64 KiB of send buffer, 16 KiB beyond what is on its way."""
    async with open_site("chat:open", capacity=1000) as site:
        slow = [await site.listener(Format.JSON, room="chat", receive_buffer=SMALL) for _ in range(100)]
        for _ in range(60):
            await site.publish("chat", BIG)
            await trio.lowlevel.checkpoint()
        await site.settled(lambda: site.edge.statistics().slow == len(slow))
        sockets = [connection.sock for connection in site.hub.connections.values()]
        sockets += [listener.stream.socket for listener in slow]
        held = sum(map(_kernel_bytes, sockets)) / len(slow)
        assert held < 96 * 1024, f"{held / 1024:.0f} KiB a stalled listener"
        assert all(len(connection.owed) < 9000 for connection in site.hub.connections.values())


def _kernel_bytes(sock: socket.socket) -> int:
    """What the kernel holds in both directions of this socket: SO_MEMINFO (linux/sock_diag.h)."""
    received, _, _, _, _, queued, *_ = struct.unpack("9I", sock.getsockopt(socket.SOL_SOCKET, 55, 36))
    return received + queued


async def test_an_end_in_the_middle_of_a_frame_is_none() -> None:
    """What the client sees when it is cut: never a frame that is not one."""
    async with open_site(capacity=4, settings=EdgeSettings(stall_seconds=3)) as site:
        slow = await site.listener(Format.JSON, receive_buffer=SMALL)
        await stalled(site, slow)
        await site.second(9)
        assert (await slow.everything())[1].code is None


def test_the_constants_are_linux() -> None:
    assert getattr(socket, "TCP_NOTSENT_LOWAT", 25) == TCP_NOTSENT_LOWAT
