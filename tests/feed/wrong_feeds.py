"""Feeds that are each wrong in one way, for the suite to catch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import trio

from fanout.core.admission import Admission, Refusal
from fanout.core.ban import Ban
from fanout.core.cursor import Extent
from fanout.core.message import Entry, Message, Retraction
from fanout.core.presence import Presence
from fanout.core.principal import Principal
from fanout.core.room import RoomSettings
from fanout.core.submission import Submission
from fanout.errors import Banned, FanoutError, InvalidInput
from fanout.feed.moderated_feed import ModeratedFeed
from fanout.feed.port import Banned as HearBan
from fanout.feed.port import Follower, Lifted, Told, Typed
from fanout.wire.commands import Publish, Submit


class Right:
    """A feed that passes everything on; the wrong ones are made from it."""

    def __init__(self, feed: ModeratedFeed) -> None:
        self._feed = feed

    def __getattr__(self, name: str) -> object:
        return getattr(self._feed, name)

    def follow(self, room: str, follower: Follower) -> Callable[[], None]:
        return self._feed.follow(room, follower)


class Between:
    """A follower that passes on."""

    def __init__(self, follower: Follower) -> None:
        self.begin, self.heard, self.refused = follower.begin, follower.heard, follower.refused


class BeginsTwice(Right):
    def follow(self, room: str, follower: Follower) -> Callable[[], None]:
        self._feed.follow(room, follower)()
        return self._feed.follow(room, follower)


class BeginsWithoutWhatThereIs(Right):
    def follow(self, room: str, follower: Follower) -> Callable[[], None]:
        between = Between(follower)
        between.begin = lambda settings, extent, entries: follower.begin(
            settings, replace(extent, recent=extent.head + 1), []
        )
        return self._feed.follow(room, between)


class FollowsWhatIsNotThere(Right):
    def follow(self, room: str, follower: Follower) -> Callable[[], None]:
        between = Between(follower)
        between.refused = lambda error: follower.begin(RoomSettings, Extent("e", 0, 1, 1), [])
        return self._feed.follow(room, between)


class NeverAnswers(Right):
    def follow(self, room: str, follower: Follower) -> Callable[[], None]:
        return lambda: None


class RefusesForEver(Right):
    def __init__(self, feed: ModeratedFeed) -> None:
        super().__init__(feed)
        self._refused: dict[str, FanoutError] = {}

    def follow(self, room: str, follower: Follower) -> Callable[[], None]:
        between = Between(follower)

        def refused(error: FanoutError) -> None:
            self._refused[room] = error
            follower.refused(error)

        between.refused = refused
        if room in self._refused:
            follower.refused(self._refused[room])
            return lambda: None
        return self._feed.follow(room, between)


class LosesRetractions(Right):
    def follow(self, room: str, follower: Follower) -> Callable[[], None]:
        between = Between(follower)
        between.heard = lambda entries: follower.heard([one for one in entries if not isinstance(one, Retraction)])
        return self._feed.follow(room, between)


class SaysThingsTwice(Right):
    def follow(self, room: str, follower: Follower) -> Callable[[], None]:
        between = Between(follower)
        between.heard = lambda entries: follower.heard([*entries, *entries])
        return self._feed.follow(room, between)


class ForgetsData(Right):
    def follow(self, room: str, follower: Follower) -> Callable[[], None]:
        between = Between(follower)
        between.heard = lambda entries: follower.heard(
            [replace(one, data=None) if isinstance(one, Message) else one for one in entries]
        )
        return self._feed.follow(room, between)


class MissesWhatIsSaidAtOnce(Right):
    """It begins to listen one turn of the loop after it has looked."""

    def follow(self, room: str, follower: Follower) -> Callable[[], None]:
        between, ends = Between(follower), []
        between.heard = lambda entries: None
        ends.append(self._feed.follow(room, between))
        between.begin = lambda settings, extent, entries: None
        between.heard = follower.heard

        def follow() -> None:
            if ends:
                ends.append(self._feed.follow(room, between))

        trio.lowlevel.current_trio_token().run_sync_soon(follow)

        def stop() -> None:
            for end in ends:
                end()
            ends.clear()

        return stop


class IsAlwaysBehind(Right):
    """What is published is heard when the next is."""

    def follow(self, room: str, follower: Follower) -> Callable[[], None]:
        between, held = Between(follower), list[Entry]()

        def heard(entries: Sequence[Entry]) -> None:
            follower.heard(list(held))
            held[:] = entries

        between.heard = heard
        return self._feed.follow(room, between)


class NeverStops(Right):
    def follow(self, room: str, follower: Follower) -> Callable[[], None]:
        self._feed.follow(room, follower)
        return lambda: None


class RemembersWhatWasSaid(Right):
    def __init__(self, feed: ModeratedFeed) -> None:
        super().__init__(feed)
        self._said: dict[int, Entry] = {}

    def follow(self, room: str, follower: Follower) -> Callable[[], None]:
        between = Between(follower)

        def heard(entries: Sequence[Entry]) -> None:
            self._said |= {entry.position.seq: entry for entry in entries}
            follower.heard(entries)

        def begin(settings: Callable[[], RoomSettings], extent: Extent, entries: Sequence[Entry]) -> None:
            first = [self._said.setdefault(entry.position.seq, entry) for entry in entries]
            follower.begin(settings, extent, first)

        between.begin, between.heard = begin, heard
        return self._feed.follow(room, between)


class KeepsTheFirstSettings(Right):
    def follow(self, room: str, follower: Follower) -> Callable[[], None]:
        between = Between(follower)

        def begin(settings: Callable[[], RoomSettings], extent: Extent, entries: Sequence[Entry]) -> None:
            first = settings()
            follower.begin(lambda: first, extent, entries)

        between.begin = begin
        return self._feed.follow(room, between)


class ReadsTooMuch(Right):
    async def read(self, room: str, after: int, limit: int) -> Sequence[Entry]:
        return await self._feed.read(room, after - 1, limit)


class ReadsOnlyWhatIsInMemory(Right):
    async def read(self, room: str, after: int, limit: int) -> Sequence[Entry]:
        oldest = self._feed.room(room).extent.recent
        return await self._feed.read(room, max(after, oldest), limit)


class PublishesForAnybody(Right):
    async def publish(self, principal: Principal, command: Publish) -> Message:
        return await self._feed.room(command.room).publish(command.text, kind=command.kind)


class HidesWhyNot(Right):
    async def publish(self, principal: Principal, command: Publish) -> Message:
        try:
            return await self._feed.publish(principal, command)
        except InvalidInput:
            raise FanoutError("Something was wrong.") from None


class TakesEverythingAsNew(Right):
    async def submit(self, principal: Principal, command: Submit, address: str) -> Submission:
        return await self._feed.submit(principal, replace(command, ref=None), address)


class TakesItForSomebodyElse(Right):
    async def submit(self, principal: Principal, command: Submit, address: str) -> Submission:
        return await self._feed.submit(replace(principal, subject="v0"), command, address)


class TellsNobody(Right):
    def watch(self, told: Told, banned: HearBan, lifted: Lifted, typed: Typed) -> Callable[[], None]:
        return self._feed.watch(lambda submission: None, banned, lifted, typed)


class ForgetsWhoWasAway(Right):
    def missed(self, submission: Submission) -> None:
        pass


class TellsWhoWasAwayEachTime(Right):
    def __init__(self, feed: ModeratedFeed) -> None:
        super().__init__(feed)
        self._missed: list[Submission] = []

    def missed(self, submission: Submission) -> None:
        self._missed.append(submission)

    def arrived(self, subject: str) -> None:
        for submission in self._missed:
            self._feed.missed(submission)
        self._feed.arrived(subject)


class HearsOfNoBan(Right):
    def watch(self, told: Told, banned: HearBan, lifted: Lifted, typed: Typed) -> Callable[[], None]:
        return self._feed.watch(told, lambda ban: None, lifted, typed)


class HearsOfNoEnd(Right):
    def watch(self, told: Told, banned: HearBan, lifted: Lifted, typed: Typed) -> Callable[[], None]:
        return self._feed.watch(told, banned, lambda ban: None, typed)


class HearsNobodyTyping(Right):
    def watch(self, told: Told, banned: HearBan, lifted: Lifted, typed: Typed) -> Callable[[], None]:
        return self._feed.watch(told, banned, lifted, lambda room, lines: None)


class HearsNobodyEnd(Right):
    def watch(self, told: Told, banned: HearBan, lifted: Lifted, typed: Typed) -> Callable[[], None]:
        return self._feed.watch(told, banned, lifted, lambda room, lines: typed(room, lines) if lines else None)


class KnowsOnlyNewBans(Right):
    def bans(self) -> Sequence[Ban]:
        return ()


class BansEverywhere(Right):
    def check_listening(self, room: str, principal: Principal, address: str) -> None:
        for other in ("a", "b"):
            self._feed.check_listening(other, principal, address)


class LooksAtNoAddress(Right):
    def check_listening(self, room: str, principal: Principal, address: str) -> None:
        self._feed.check_listening(room, principal, "")


class WatchesForEver(Right):
    def watch(self, told: Told, banned: HearBan, lifted: Lifted, typed: Typed) -> Callable[[], None]:
        self._feed.watch(told, banned, lifted, typed)
        return lambda: None


class AsksNoPlugin(Right):
    async def admit(self, principal: Principal, address: str, rooms: Sequence[str]) -> Principal:
        return principal


class PutsNobodyOff(Right):
    async def admit(self, principal: Principal, address: str, rooms: Sequence[str]) -> Principal:
        try:
            return await self._feed.admit(principal, address, rooms)
        except Banned:
            raise
        except FanoutError as error:
            raise Banned(error.detail, code="not_admitted") from None


class CountsConnectionsAsPeople(Right):
    def presence(self, room: str) -> Presence:
        class Wrong(Presence):
            def news(self, now: float) -> tuple[int, int] | None:
                news = super().news(now)
                return news and (news[0], news[0])

        return Wrong()


class TellsTheSameAgain(Right):
    def presence(self, room: str) -> Presence:
        class Wrong(Presence):
            def news(self, now: float) -> tuple[int, int] | None:
                return self.listeners, self.visitors

        return Wrong()


class HasNoShares(Right):
    def admission(self, max_connections: int, max_per_address: int, full_retry_seconds: float) -> Admission:
        return Admission(max_connections, max_connections + 1, full_retry_seconds)


class IsNeverFull(Right):
    def admission(self, max_connections: int, max_per_address: int, full_retry_seconds: float) -> Admission:
        return Admission(1_000, max_per_address, full_retry_seconds)


class GivesNothingBack(Right):
    def admission(self, max_connections: int, max_per_address: int, full_retry_seconds: float) -> Admission:
        class Wrong(Admission):
            def release(self, address: str) -> None:
                pass

            def admit(self, address: str, chance: float) -> Refusal | None:
                return super().admit(address, chance)

        return Wrong(max_connections, max_per_address, full_retry_seconds)
