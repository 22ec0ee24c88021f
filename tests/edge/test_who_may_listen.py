"""Who is let in, known by what, and sent away: identities, bans, plug-ins that admit, and the staff's rooms."""

from __future__ import annotations

import ssl

import pytest
import trio

from fanout.core.ban import Effect
from fanout.core.principal import Principal
from fanout.edge.connection import Stage
from fanout.engine.engine import open_engine_on
from fanout.errors import Banned, TooSoon
from fanout.log.memory import MemoryLog
from fanout.wire.rendered import Format
from tests.edge.listener import Listener, command, handshake, sse_request
from tests.edge.site import Site, open_site
from tests.edge.small_desk import SmallDesk


def desk_of(site: Site) -> SmallDesk:
    return site.feed


def cookie(token: str) -> tuple[str, ...]:
    return (f"Cookie: fanout_visitor={token}", "Origin: http://localhost")


# --- identities ------------------------------------------------------------------------------------------------------


async def test_a_visitor_is_known_by_its_cookie(format: Format) -> None:
    async with open_site() as site:
        token = site.token("visitor", subject="somebody")
        first, _ = [await site.listener(format, headers=cookie(token)) for _ in range(2)]
        await site.second()
        await first.expect("presence", listeners=2, visitors=1)


@pytest.mark.parametrize("role", ["forged", "moderator"])
async def test_a_cookie_that_does_not_hold_makes_somebody_without_an_identity(format: Format, role: str) -> None:
    """Not even a good token of the staff: that has a cookie of its own."""
    async with open_site() as site:
        token = "a.b.c" if role == "forged" else site.token(role, subject="somebody")
        first, _ = [await site.listener(format, headers=cookie(token)) for _ in range(2)]
        await site.second()
        await first.expect("presence", listeners=2, visitors=2)
        assert site.hub.authors.nobody


async def test_a_forged_token_is_refused_although_the_cookie_holds() -> None:
    async with open_site() as site:
        headers = cookie(site.token("visitor", subject="somebody"))
        forged = await site.websocket("room=stage&token=a.b.c", headers=headers)
        await forged.expect("bye", code=4001, reconnect=False)


# --- bans ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["visitor:somebody", "address:127.0.0.0/24"])
@pytest.mark.parametrize("room", ["*", "stage"])
async def test_who_is_banned_does_not_get_in(target: str, room: str) -> None:
    async with open_site("stage", "foyer", feed=SmallDesk) as site:
        desk_of(site).ban(target, room)
        await site.edge_has_heard()
        headers = cookie(site.token("visitor", subject="somebody"))
        refused = await site.websocket("room=stage", headers=headers)
        await refused.expect("bye", code=4003, reason="Enough.", reconnect=False)
        assert (await refused.end()).code == 4003
        await refused.aclose()
        answer = await site.ask(sse_request("stage", headers=headers))
        assert answer.raw.startswith(b"HTTP/1.1 403 ")
        assert b'"code":"banned"' in answer.raw
        if room == "stage":
            elsewhere = await site.listener(Format.JSON, room="foyer", headers=headers)
            await elsewhere.say("subscribe", room="stage")
            await elsewhere.expect("error", code="banned")
            await elsewhere.aclose()
        staff = await site.listener(Format.JSON, f"token={site.token()}")
        await staff.aclose()
        await site.is_empty()


@pytest.mark.parametrize("target", ["visitor:somebody", "address:127.0.0.0/24"])
@pytest.mark.parametrize("room", ["*", "stage"])
async def test_a_ban_sends_away_at_once_whom_it_concerns_and_nobody_else(
    format: Format, target: str, room: str
) -> None:
    async with open_site("stage", "foyer", feed=SmallDesk) as site:
        headers = cookie(site.token("visitor", subject="somebody"))
        concerned = [await site.listener(format, headers=headers) for _ in range(2)]
        staff = await site.listener(Format.JSON, f"token={site.token(subject='somebody')}")
        stranger = await site.listener(Format.JSON)
        elsewhere = await site.listener(Format.JSON, room="foyer", headers=headers)
        desk_of(site).ban(target, room)
        await site.edge_has_heard()
        for listener in concerned:
            await listener.expect("bye", code=4003, reason="Enough.", reconnect=False)
            assert (await listener.end()).code == (None if format is Format.EVENTS else 4003)
        await staff.silence()
        if target.startswith("visitor"):
            await stranger.silence()
        if room == "stage":
            await elsewhere.silence()
        else:
            await elsewhere.expect("bye", code=4003)
        for listener in (*concerned, staff, stranger, elsewhere):
            await listener.aclose()
        await site.is_empty()


async def test_a_ban_from_one_room_ends_that_room_alone_for_who_listens_to_others_too() -> None:
    async with open_site("stage", "foyer", feed=SmallDesk) as site:
        headers = cookie(site.token("visitor", subject="somebody"))
        listener = await site.websocket("room=stage&room=foyer", headers=headers)
        await listener.expect("welcome")
        desk_of(site).ban("visitor:somebody", "stage")
        await site.edge_has_heard()
        await listener.expect("error", code="banned", detail="Enough.", room="stage")
        await site.publish("stage", "not for them")
        await site.publish("foyer", "for them")
        assert await listener.texts(1) == ["for them"]
        desk_of(site).ban("visitor:somebody", "foyer")
        await site.edge_has_heard()
        await listener.expect("bye", code=4003, room="foyer")


async def test_a_ban_ends_the_rooms_that_belong_to_the_room_too(format: Format) -> None:
    async with open_site("stage", "foyer", "elsewhere", feed=SmallDesk) as site:
        headers = cookie(site.token("visitor", subject="somebody"))
        alone = await site.listener(format, room="foyer", headers=headers)
        both = await site.websocket("room=stage&room=foyer", headers=headers)
        more = await site.websocket("room=foyer&room=elsewhere&room=stage", headers=headers)
        for listener in (both, more):
            await listener.expect("welcome")
        desk_of(site).ban("visitor:somebody", "stage", within=("foyer",))
        await site.edge_has_heard()
        await alone.expect("bye", code=4003, reason="Enough.", room="foyer")
        await both.expect("bye", code=4003, reason="Enough.", room="stage")
        for room in ("stage", "foyer"):
            await more.expect("error", code="banned", room=room)
        await site.publish("elsewhere", "for them")
        assert await more.texts(1) == ["for them"]


async def test_who_comes_and_is_banned_from_some_of_the_rooms_has_the_others() -> None:
    async with open_site("stage", "foyer", feed=SmallDesk) as site:
        desk_of(site).ban("visitor:somebody", "foyer")
        await site.edge_has_heard()
        headers = cookie(site.token("visitor", subject="somebody"))
        for query in ("room=foyer&room=stage", "room=stage&room=foyer"):
            listener = await site.websocket(query, headers=headers)
            assert set((await listener.expect("welcome"))["rooms"]) == {"stage"}
            await listener.expect("error", code="banned", detail="Enough.", room="foyer")
            await listener.aclose()
        desk_of(site).ban("visitor:somebody", "stage")
        await site.edge_has_heard()
        refused = await site.websocket("room=foyer&room=stage", headers=headers)
        await refused.expect("bye", code=4003)
        answer = await site.ask(sse_request("foyer", headers=headers))
        assert b"\r\nAccess-Control-Allow-Origin: *\r\n" in answer.raw
        await site.is_empty()


async def test_who_is_muted_still_listens(format: Format) -> None:
    async with open_site(feed=SmallDesk) as site:
        headers = cookie(site.token("visitor", subject="somebody"))
        listener = await site.listener(format, headers=headers)
        desk_of(site).ban("visitor:somebody", effect=Effect.MUTE)
        await site.edge_has_heard()
        await site.listener(format, headers=headers)
        await site.publish("stage", "for them too")
        assert await listener.texts(1) == ["for them too"]


# --- plug-ins that admit ---------------------------------------------------------------------------------------------


class Porter(SmallDesk):
    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.admits = True


async def test_a_plug_in_is_asked_about_visitors_and_not_about_staff(format: Format) -> None:
    async with open_site(feed=Porter) as site:
        headers = cookie(site.token("visitor", subject="somebody"))
        for more in ({"headers": headers}, {}, {"query": f"token={site.token()}"}):
            listener = await site.listener(format, **more)
            await listener.aclose()
        assert desk_of(site).asked == [("somebody", ("stage",)), ("", ("stage",))]


async def test_what_a_plug_in_says_of_a_visitor_holds_from_then_on() -> None:
    async with open_site(feed=Porter) as site:
        desk_of(site).answer = Principal(name="Samira", subject="known now")
        listener = await site.listener(Format.JSON)
        assert site.hub.authors.of("known now")[0].principal.name == "Samira"
        await listener.aclose()
        await site.is_empty()


async def test_who_is_refused_by_a_plug_in_is_told_why(format: Format) -> None:
    async with open_site(feed=Porter) as site:
        desk_of(site).answer = Banned("Subscribers only.", code="not_admitted")
        if format is Format.EVENTS:
            answer = await site.ask(sse_request())
            assert answer.raw.startswith(b"HTTP/1.1 403 ")
            assert b"Subscribers only." in answer.raw
        else:
            refused = await site.websocket(format=format)
            await refused.expect("bye", code=4003, reason="Subscribers only.", reconnect=False)
            await refused.aclose()
        desk_of(site).answer = TooSoon("In a moment.", after_s=2.5)
        later = await (site.events() if format is Format.EVENTS else site.websocket(format=format))
        await later.expect("bye", code=4013, reason="In a moment.", reconnect=True, after_ms=2500)
        await later.aclose()
        await site.is_empty()


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_while_a_plug_in_thinks_others_come_in_and_nothing_that_was_said_is_lost(
    secure: bool, tls: tuple[ssl.SSLContext, ssl.SSLContext]
) -> None:
    async with open_site(feed=Porter, tls=tls if secure else None) as site:
        desk = desk_of(site)
        desk.gate = trio.Event()
        stream = await site.connect()
        await stream.send_all(handshake() + command({"type": "ping"}))
        await site.settled(lambda: bool(desk.asked))
        await stream.send_all(command({"type": "subscribe", "room": "nowhere"}))
        staff = await site.listener(Format.JSON, f"token={site.token()}")
        await staff.silence()
        [waiting] = [one for one in site.hub.connections.values() if one.stage is Stage.WAITING]
        assert len(waiting.inbound) == len(command({"type": "ping"}))  # what came later waits in the kernel
        desk.gate.set()
        listener = await Listener(stream, Format.JSON).upgraded()
        await listener.expect("welcome")
        await listener.expect("pong")
        await listener.expect("error", code="room_not_found")


async def test_who_leaves_while_a_plug_in_thinks_leaves_nothing_behind() -> None:
    async with open_site(feed=Porter) as site:
        desk = desk_of(site)
        desk.gate = trio.Event()
        stream = await site.connect()
        await stream.send_all(handshake())
        await site.settled(lambda: bool(desk.asked))
        await trio.aclose_forcefully(stream)
        desk.gate.set()
        await site.is_empty()


# --- the staff's rooms -----------------------------------------------------------------------------------------------


async def test_a_desk_is_there_for_those_who_may_see_it_and_for_nobody_else(format: Format) -> None:
    async with open_engine_on(MemoryLog()) as engine, open_site(feed=SmallDesk) as site:
        room = await engine.open_room("@desk/stage", mode="stage")
        desk_of(site).desk_rooms[room.name] = room
        may = [site.token("moderator"), site.token("animator", ("stage",))]
        may_not = [
            site.token("scribe"),
            site.token("publisher"),
            site.token("moderator", ("foyer",)),
            site.token("visitor", subject="a"),
            "",
        ]
        await room.publish("first")
        for token in may:
            moderator = await site.listener(format, f"last=1&token={token}", room="@desk/stage")
            await moderator.expect("message", text="first")
            await moderator.aclose()
        for token in may_not:
            if format is Format.EVENTS:
                answer = await site.ask(sse_request("@desk/stage", f"token={token}"))
                assert answer.raw.startswith(b"HTTP/1.1 404 "), answer.raw
            else:
                refused = await site.websocket(f"room=@desk/stage&token={token}", format=format)
                nowhere = await site.websocket(f"room=@desk/nowhere&token={token}", format=format)
                bye = await refused.expect("bye", code=4004, reconnect=False)
                like = await nowhere.expect("bye", code=4004, reconnect=False)
                assert like["reason"] == bye["reason"].replace("stage", "nowhere")


async def test_a_moderator_resumes_at_the_desk_like_anywhere() -> None:
    async with open_engine_on(MemoryLog()) as engine, open_site(feed=SmallDesk) as site:
        room = await engine.open_room("@desk/stage", mode="stage")
        desk_of(site).desk_rooms[room.name] = room
        first = await room.publish("first")
        await room.publish("second")
        token = site.token("moderator")
        resumed = await site.websocket(f"room=@desk/stage&after=@desk/stage@{first.position}&token={token}")
        welcome = await resumed.expect("welcome")
        assert welcome["rooms"]["@desk/stage"]["recovery"] == "resumed"
        assert await resumed.texts(1) == ["second"]
        lost = await site.websocket(f"room=@desk/stage&after=@desk/stage@zzzz:7&token={token}")
        await lost.expect("welcome")
        await lost.expect("gap", reason="epoch")


# --- plug-ins that count ---------------------------------------------------------------------------------------------


class Counting(SmallDesk):
    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self.counts_listeners = True


async def test_who_wants_to_hear_of_each_listener_does(format: Format) -> None:
    async with open_site(feed=Counting) as site:
        first = await site.listener(format)
        second = await site.listener(format)
        await first.aclose()
        await site.settled(lambda: len(desk_of(site).counted) == 3)
        await second.aclose()
        await site.is_empty()
        counted = desk_of(site).counted
        await site.settled(lambda: len(counted) == 4)
        assert counted == [("stage", True, 1), ("stage", True, 2), ("stage", False, 1), ("stage", False, 0)]
