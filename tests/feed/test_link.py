"""A link that is lost while both processes live: what happened meanwhile holds, and nothing counts twice."""

from __future__ import annotations

from collections import Counter

import trio

from fanout.core.admission import Ledger
from fanout.core.ban import Ban
from fanout.core.say import Say
from fanout.errors import EngineAway
from fanout.feed.edge_link import EdgeLink
from fanout.feed.followed_room import ENTRIES_AT_ONCE
from fanout.feed.moderated_feed import ModeratedFeed
from fanout.feed.remote_feed import RemoteFeed
from fanout.feed.serving import FeedServer
from fanout.testing.feed_under_test import Heard, House, opened, staff, visitor
from fanout.wire import feed_messages as said
from fanout.wire.commands import Publish
from fanout.wire.feed_frames import MessageReader, read_to_edge
from tests.feed.houses import counted, in_process


class Link:
    """An edge and the engine's end, and the socket between them."""

    def __init__(self, house: House, nursery: trio.Nursery) -> None:
        assert isinstance(house.feed, ModeratedFeed)
        self.server = FeedServer(house.feed, Ledger(2, None))
        self.open = trio.Event()
        self.open.set()
        self._nursery = nursery
        self.remote = RemoteFeed("edge-1", self._connect, lambda: counted(deliveries=7, listeners={"websocket": 1}))

    async def _connect(self) -> trio.abc.Stream:
        await self.open.wait()
        ours, theirs = trio.socket.socketpair()
        self._theirs = trio.SocketStream(theirs)
        self._nursery.start_soon(self.server.serve, self._theirs)
        return trio.SocketStream(ours)

    async def cut(self) -> None:
        self.open = trio.Event()
        self._theirs.socket.shutdown(trio.socket.SHUT_RDWR)
        while not self.remote.away or self.server.links:  # nobody else waits for it
            await trio.lowlevel.checkpoint()

    async def mend(self) -> None:
        self.open.set()
        while self.remote.away or not self.server.links:  # noqa: ASYNC110  # nobody else waits for it
            await trio.sleep(0.01)
        await self.settle()

    async def settle(self) -> None:
        self.remote.report()
        await self.server.statistics()
        await self.server.statistics()


async def test_what_happened_while_the_link_was_down_holds_when_it_is_back() -> None:
    async with opened(in_process) as house, trio.open_nursery() as nursery:
        link = Link(house, nursery)
        await nursery.start(link.server.run)
        await nursery.start(link.remote.run)
        banned: list[Ban] = []
        lifted: list[str] = []
        link.remote.watch(lambda submission: None, banned.append, lifted.append, lambda room, lines: None)
        bans = house.moderation.bans
        early = await bans.ban(staff(), "*", "visitor:v1", reason="Noise.")
        kept = await bans.ban(staff(), "*", "visitor:v3", reason="Noise.")
        follower = Heard()
        link.remote.follow("b", follower)
        admission = link.remote.admission(10, 10, 30.0)
        assert admission.admit("192.0.2.1", 0.5) is None
        await house.engine.room("b").publish("before")
        await link.settle()
        assert banned == [early, kept]
        assert (await link.server.statistics()).deliveries == 7

        await link.cut()
        assert (await link.server.statistics()).deliveries == 7, "a counter went back"
        assert (await link.server.statistics()).listeners == {"websocket": 0}
        late = await bans.ban(staff(), "*", "visitor:v2", reason="Enough.")
        await bans.lift(staff(), early.id)
        await house.engine.room("b").publish("meanwhile")
        try:
            await link.remote.publish(staff(), Publish("b", "not now"))
        except EngineAway:
            pass
        else:
            raise AssertionError("it is not away")
        link.remote.check_listening("b", visitor("v2"), "")  # nobody could say so
        assert admission.admit("192.0.2.2", 0.5) is None

        await link.mend()
        assert (banned, lifted) == ([early, kept, late], [early.id])
        assert list(link.remote.bans()) == bans.all()
        assert (follower.begun, follower.texts) == (1, ["before", "meanwhile"])
        statistics = await link.server.statistics()
        assert (statistics.deliveries, statistics.listeners) == (7, {"websocket": 1}), "it counts twice"
        assert admission.full, "two were let in, and two are the most"
        nursery.cancel_scope.cancel()


async def test_two_who_ask_for_figures_at_once_both_get_them_at_once() -> None:
    async with opened(in_process) as house, trio.open_nursery() as nursery:
        link = Link(house, nursery)
        await nursery.start(link.server.run)
        await nursery.start(link.remote.run)
        begun = trio.current_time()
        async with trio.open_nursery() as asking:
            for _ in range(5):
                asking.start_soon(link.server.statistics)
        assert trio.current_time() - begun < 0.4, "somebody has waited until the edge was given up"
        nursery.cancel_scope.cancel()


async def test_a_room_where_much_is_said_lets_others_have_their_turn() -> None:
    """More waits in each of two rooms than goes to the socket at a time."""
    async with opened(in_process) as house, trio.open_nursery() as nursery:
        assert isinstance(house.feed, ModeratedFeed)
        ours, theirs = trio.socket.socketpair()
        link = EdgeLink(FeedServer(house.feed, Ledger(None, None)), trio.SocketStream(ours))
        reader = MessageReader()

        def take_turn() -> Counter[str]:
            heard = [read_to_edge(message) for message in reader.feed(link._next())]
            return Counter({one.room: len(one.items) for one in heard if isinstance(one, said.Heard)})

        for room in ("loud", "too"):
            await house.engine.open_room(room, capacity=4000)
            link._take(said.Follow(room, None), nursery)
        take_turn()
        for room in ("loud", "too"):
            for _ in range(3 * ENTRIES_AT_ONCE // 96):
                await house.engine.room(room).publish_all([Say("x" * 600) for _ in range(96)])
        turns = [take_turn() for _ in range(6)]
        assert sum(turns, Counter()) == dict.fromkeys(("loud", "too"), 3 * ENTRIES_AT_ONCE)
        assert [set(turn) for turn in turns] == [{"loud"}, {"too"}] * 3
        theirs.close()
        ours.close()
