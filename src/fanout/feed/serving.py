"""The engine's end of all edges: who is where, who is told what, and what they have counted together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import structlog
import trio

from fanout.core.admission import Ledger
from fanout.core.ban import Ban
from fanout.core.presence import Presence
from fanout.core.submission import Submission
from fanout.core.typed_lines import TypedLine
from fanout.errors import RoomNotFound
from fanout.feed.edge_link import EdgeLink
from fanout.feed.engine_feed import EngineFeed
from fanout.feed.followed_room import Frames
from fanout.feed.mailbox import VISITOR
from fanout.feed.statistics import EdgeStatistics, RoomCounts, of_the_gone, summed
from fanout.wire import feed_messages as said
from fanout.wire.feed_frames import framed

log = structlog.get_logger()

COUNT_SECONDS: Final = 0.5
"""How long somebody who asks for figures waits for an edge; then they are those of the last time."""


class FeedServer:
    """Gives edges in other processes what a feed in this process gives. `run` has to run.

    Args:
        feed: The feed of this process.
        ledger: The limits of the whole server on who is let in.
    """

    def __init__(self, feed: EngineFeed, ledger: Ledger) -> None:
        self.feed = feed
        self._ledger = ledger
        self.frames = Frames()
        self.links: list[EdgeLink] = []
        """The edges that have said who they are."""
        self._presences: dict[str, Presence] = {}
        self._gone: EdgeStatistics | None = None
        """What edges have done that are gone for good."""
        self._parted: dict[tuple[str, int], EdgeStatistics] = {}
        """What edges had done, by name and process, when their sockets ended: they may come back and say it again."""
        self._second = 0

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Pass on what happens, and once a second who is where, for ever."""
        end = self.feed.watch(self.told, self._banned, self._lifted, self._typed)
        try:
            task_status.started()
            next_look = trio.current_time()
            while True:
                next_look = max(next_look + 1, trio.current_time())
                await trio.sleep_until(next_look)
                self.look()
        finally:
            end()

    def look(self) -> None:
        """A second has passed."""
        self._second += 1
        for room, presence in list(self._presences.items()):
            counts = presence.news(self._second)
            if counts is not None:
                _tell([link for link in self.links if link.follows(room)], said.Presence(room, *counts))
                if counts == (0, 0):
                    del self._presences[room]
        for link in self.links:
            link.look()

    async def serve(self, stream: trio.abc.Stream) -> None:
        """Serve one edge until its socket ends."""
        link = EdgeLink(self, stream)
        try:
            async with stream:
                await link.run()
        finally:
            if link in self.links:
                self._left(link)

    # --- who is where -------------------------------------------------------------------------------------------------

    def joined(self, link: EdgeLink) -> None:
        """This edge has said who it is."""
        if link not in self.links:
            self.links.append(link)
            self._forget_parted(link)
        link.say(said.Welcome(self.feed.admits, list(self.feed.bans())))
        link.say(said.Full(self._ledger.full, tuple(self._ledger.full_addresses()), ()))
        log.info("edge_joined", process=link.process, pid=link.pid)

    def _left(self, link: EdgeLink) -> None:
        self.links.remove(link)
        for room, identities in link.present.items():
            self._leave(room, identities)
        self.authors_moved(link, (), tuple(link.authors))
        self._count_admitted(link.admitted, -1)
        if link.statistics is not None:
            self._parted[link.process, link.pid] = of_the_gone(link.statistics)
        log.info("edge_left", process=link.process, pid=link.pid)

    def _forget_parted(self, link: EdgeLink) -> None:
        """This edge counts for itself again; others of its name don't come back."""
        for process, pid in [key for key in self._parted if key[0] == link.process]:
            statistics = self._parted.pop((process, pid))
            if pid == link.pid:
                link.statistics = statistics
            else:
                parts = [self._gone, statistics] if self._gone is not None else [statistics]
                self._gone = of_the_gone(summed(parts, {}))

    def present(self, link: EdgeLink, room: str, joined: Mapping[str, int], left: Mapping[str, int]) -> None:
        """So many have joined a room there, and left it."""
        presence = self._presences.get(room)
        if presence is None:
            try:
                self.feed.room(room)
            except RoomNotFound:
                return  # it is of the time before an engine in memory was started again
            presence = self._presences[room] = self.feed.presence(room)
        there = link.present.setdefault(room, Counter())
        for identity, count in joined.items():
            there[identity] += count
            for _ in range(count):
                presence.join(identity)
        known = {identity: min(count, there[identity]) for identity, count in left.items()}
        self._leave(room, known)  # who came while there was no such room was not counted
        there.subtract(known)
        for identity in known:
            if not there[identity]:
                del there[identity]

    def _leave(self, room: str, left: Mapping[str, int]) -> None:
        presence = self._presences.get(room)
        if presence is None:
            return
        for identity, count in left.items():
            for _ in range(count):
                presence.leave(identity)

    def admitting(self, link: EdgeLink, moved: Mapping[str, int]) -> None:
        """By how many listeners each address has more there than before, or fewer."""
        for address, change in moved.items():
            link.admitted[address] += change
            if not link.admitted[address]:
                del link.admitted[address]
        self._count_admitted(moved, 1)

    def _count_admitted(self, moved: Mapping[str, int], sign: int) -> None:
        """Count, and tell every edge of limits that are reached now or no longer."""
        was_full = self._ledger.full
        filled: list[str] = []
        freed: list[str] = []
        for address, change in moved.items():
            before = self._ledger.is_full(address)
            self._ledger.count(address, sign * change)
            now = self._ledger.is_full(address)
            if now != before:
                (filled if now else freed).append(address)
        if filled or freed or self._ledger.full != was_full:
            _tell(self.links, said.Full(self._ledger.full, tuple(filled), tuple(freed)))

    def authors_moved(self, link: EdgeLink, arrived: Sequence[str], departed: Sequence[str]) -> None:
        """These identities listen there now and did not, and the other way round."""
        for subject in arrived:
            known = self._known(subject)
            link.authors.add(subject)
            if not known:
                self.feed.arrived(subject)
        for subject in departed:
            link.authors.discard(subject)
            if not self._known(subject):
                self.feed.departed(subject)

    def _known(self, subject: str) -> bool:
        return any(subject in link.authors for link in self.links)

    # --- who is told what ---------------------------------------------------------------------------------------------

    def told(self, submission: Submission, but: EdgeLink | None = None) -> None:
        """Tell the author, wherever they listen (`but` there, where they do not any more); else keep it for them. Where
        those without an identity are, only the edges know."""
        if not submission.person:
            links = self.links
        elif submission.person.startswith(VISITOR):
            subject = submission.person.removeprefix(VISITOR)
            links = [link for link in self.links if subject in link.authors and link is not but]
            if not links:
                self.feed.missed(submission)
        else:
            return
        _tell(links, said.Told(submission))

    def _banned(self, ban: Ban) -> None:
        _tell(self.links, said.Banned(ban))

    def _lifted(self, ban_id: str) -> None:
        _tell(self.links, said.Lifted(ban_id))

    def _typed(self, room: str, lines: tuple[TypedLine, ...]) -> None:
        _tell([link for link in self.links if link.follows(room)], said.Typed(room, lines))

    # --- figures ------------------------------------------------------------------------------------------------------

    async def statistics(self) -> EdgeStatistics:
        """What all edges are and have done, those included that are gone."""
        async with trio.open_nursery() as nursery:
            for link in self.links:
                nursery.start_soon(link.count, COUNT_SECONDS)
        parts = [link.statistics for link in self.links if link.statistics is not None]
        parts += self._parted.values()
        if self._gone is not None:
            parts.append(self._gone)
        rooms = {name: RoomCounts(one.listeners, one.visitors) for name, one in self._presences.items()}
        return summed(parts, rooms)


def _tell(links: Sequence[EdgeLink], message: said.ToEdge) -> None:
    """Say this to several edges; it is written once."""
    if links:
        frame = framed(message)
        for link in links:
            link.pass_on(frame)
