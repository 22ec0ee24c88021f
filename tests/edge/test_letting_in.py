"""Who is let in and who is not, what they are told, and how everybody is sent away in the end."""

from __future__ import annotations

import pytest
import trio

from fanout.edge.settings import EdgeSettings
from fanout.wire.rendered import Format
from tests.edge.listener import sse_request
from tests.edge.site import open_site

WEBSOCKETS = [Format.JSON, Format.MSGPACK]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("room=nowhere", 4004),
        ("room=@desk/stage", 4004),
        ("room=stage&token=nonsense", 4001),
        ("room=stage&last=-1", 4009),
        ("room=stage&last=x", 4009),
        ("room=stage&after=stage@abc", 4009),
        ("room=stage&after=stage@a:-5", 4009),
        ("room=stage&after=stage@a:99999999999999999999", 4009),
        ("room=stage&after=other@a:1", 4009),
        ("room=../../etc", 4009),
        ("room=" + "&room=".join(f"r{number}" for number in range(65)), 4009),
    ],
)
async def test_a_websocket_that_is_not_let_in_is_told_why_and_not_to_come_back(query: str, code: int) -> None:
    async with open_site() as site:
        listener = await site.websocket(query)
        bye = await listener.expect("bye", code=code, reconnect=False)
        assert bye["reason"]
        assert (await listener.end()).code == code
        await listener.aclose()
        await site.is_empty()
        assert site.edge.statistics().closes == {code: 1}


@pytest.mark.parametrize(
    ("room", "query", "status", "code"),
    [
        ("nowhere", "", 404, "room_not_found"),
        ("stage", "token=nonsense", 401, "token_refused"),
        ("stage", "last=-1", 400, "bad_last"),
        ("stage", "after=x", 400, "bad_position"),
    ],
)
async def test_an_event_stream_that_is_not_let_in_gets_a_status(room: str, query: str, status: int, code: str) -> None:
    async with open_site() as site:
        answer = await site.ask(sse_request(room, query))
        assert (answer.status, answer.code, answer.reset) == (status, code, False)
        await site.is_empty()


async def test_when_all_places_are_taken_everybody_is_told_when_to_come_back() -> None:
    async with open_site(settings=EdgeSettings(max_listeners=3)) as site:
        inside = [await site.listener(format) for format in Format]
        slots = set()
        for _ in range(4):
            outside = await site.websocket()
            bye = await outside.expect("bye", code=4013, reconnect=True)
            slots.add(bye["after_ms"])
            assert 6000 <= bye["after_ms"] <= 30000
            assert (await outside.end()).code == 4013
            await outside.aclose()
        assert len(slots) > 1
        stream = await site.events()
        bye = await stream.expect("bye", code=4013)
        assert stream.events.retry_ms == bye["after_ms"]
        assert (await stream.end()).code is None
        await site.publish("stage", "for those inside")
        for listener in inside:
            assert await listener.texts(1) == ["for those inside"]
        await inside[0].aclose()
        await site.settled(lambda: site.hub.admission.admitted == 2)
        await site.listener(Format.JSON)
        assert site.edge.statistics().handshakes == {"accepted": 4, "full": 5}


async def test_one_address_has_its_share_and_no_more() -> None:
    async with open_site(settings=EdgeSettings(max_per_address=2, trust_proxy=True)) as site:
        for address in ("192.0.2.1", "192.0.2.2", "2001:db8::1"):
            headers = [f"X-Forwarded-For: 198.51.100.7, {address}"]
            for _ in range(2):
                await site.listener(Format.JSON, headers=headers)
            refused = await site.websocket(headers=headers)
            await refused.expect("bye", code=4013)
        assert site.edge.statistics().handshakes == {"accepted": 6, "address_full": 3}


async def test_a_proxy_that_is_not_trusted_is_not_believed() -> None:
    async with open_site(settings=EdgeSettings(max_per_address=2)) as site:
        for number in range(2):
            await site.listener(Format.JSON, headers=[f"X-Forwarded-For: 192.0.2.{number}"])
        refused = await site.websocket(headers=["X-Forwarded-For: 192.0.2.9"])
        await refused.expect("bye", code=4013)


async def test_draining_gives_everybody_what_is_on_its_way_and_a_slot_of_its_own() -> None:
    async with open_site() as site:
        listeners = [await site.listener(format) for format in [*Format] * 10]
        await site.publish("stage", "the last words")
        await site.edge_has_heard()
        with trio.fail_after(10):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(site.edge.drain, 20.0)
                slots = []
                for listener in listeners:
                    assert await listener.texts(1) == ["the last words"]
                    bye = await listener.expect("bye", code=4012, reconnect=True)
                    slots.append(bye["after_ms"])
                    ended = await listener.end()
                    if listener.format is Format.EVENTS:
                        assert listener.events.retry_ms == bye["after_ms"]
                    else:
                        assert ended.code == 4012
                        await listener.say_frame(8, (4012).to_bytes(2, "big"))
                    await listener.aclose()
        assert len(set(slots)) == 30
        assert 0 < min(slots) <= 1000
        assert max(slots) == 20_000
        await site.is_empty()
        late = trio.socket.socket()
        await late.connect(site.target)  # waits in the backlog; nobody lets it in
        await site.second(2)
        assert not site.hub.connections
        late.close()
