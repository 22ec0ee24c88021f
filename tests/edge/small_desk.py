"""A desk that fits in the feed: it takes submissions, decides what the test says, bans and admits. What becomes of a
submission is the business of `fanout.moderation`; here it is about who is told, and when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import trio

from fanout.core.ban import Ban, BanIndex, Effect
from fanout.core.presence import Presence
from fanout.core.principal import Principal
from fanout.core.submission import Decision, Source, Step, Submission, decide
from fanout.core.typed_lines import TypedLine
from fanout.engine.engine import Engine
from fanout.engine.room import Room
from fanout.errors import Banned, FanoutError
from fanout.feed.engine_feed import EngineFeed
from fanout.feed.mailbox import Mailbox
from fanout.feed.port import Banned as HearBan
from fanout.feed.port import Lifted, Told, Typed
from fanout.feed.told_presence import ToldPresence
from fanout.wire.commands import Submit


class SmallDesk(EngineFeed):
    """Knobs are attributes."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.submissions: dict[str, Submission] = {}
        self.refuse: FanoutError | None = None
        self.gate: trio.Event | None = None
        """Submissions wait for this."""
        self.decides_before_it_answers = False
        self._bans = BanIndex()
        self.admits = False
        self.counts_listeners = False
        self._mailbox = Mailbox()
        self.answer: Principal | FanoutError | None = None
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self.counted: list[tuple[str, bool, int]] = []
        self.desk_rooms: dict[str, Room] = {}
        self._told: list[Callable[[Submission], None]] = []
        self._banned: list[Callable[[Ban], None]] = []
        self._typed: list[Typed] = []

    async def submit(self, principal: Principal, command: Submit, address: str) -> Submission:
        if self.gate is not None:
            await self.gate.wait()
        await trio.lowlevel.checkpoint()
        if self.refuse is not None:
            raise self.refuse
        submission = self.arrive(
            f"visitor:{principal.subject}" if principal.subject else "", command.room, command.text
        )
        self.decide(submission.id, Step.HOLD)
        answer = self.submissions[submission.id]
        if self.decides_before_it_answers:
            self.decide(submission.id, Step.APPROVE)
        await trio.lowlevel.checkpoint()
        return answer

    def arrive(self, person: str, room: str = "foyer", text: str = "When?") -> Submission:
        """Something came in, by whatever way."""
        number = len(self.submissions) + 1
        submission = Submission(number, f"s{number:011}", room, Source.WEB, "", person, "", text, number)
        self.submissions[submission.id] = submission
        return submission

    def decide(self, submission_id: str, step: Step, **more: str) -> None:
        decision = Decision(submission_id, step, "Ann (moderator)", 1, **more)  # type: ignore[arg-type]
        self.submissions[submission_id] = decide(self.submissions[submission_id], decision)
        for told in self._told:
            told(self.submissions[submission_id])

    def ban(self, target: str, room: str = "*", effect: Effect = Effect.BAN, within: tuple[str, ...] = ()) -> None:
        ban = Ban(f"b{len(self._bans)}", target, effect, room, None, "Enough.", "Ann (moderator)", 1, within)
        self._bans.add(ban)
        for banned in self._banned:
            banned(ban)

    def type(self, room: str, *lines: TypedLine) -> None:
        """This is being typed."""
        for typed in self._typed:
            typed(room, lines)

    def check_listening(self, room: str, principal: Principal, address: str) -> None:
        ban = self._bans.covering(f"visitor:{principal.subject}" if principal.subject else "", address, room, 2)
        if ban is not None and ban.effect is Effect.BAN:
            raise Banned(ban.reason)

    async def admit(self, principal: Principal, address: str, rooms: Sequence[str]) -> Principal:
        self.asked.append((principal.subject, tuple(rooms)))
        if self.gate is not None:
            await self.gate.wait()
        if isinstance(self.answer, FanoutError):
            raise self.answer
        return self.answer or replace(principal, name="Admitted")

    def presence(self, room: str) -> Presence:
        if not self.counts_listeners:
            return Presence()
        return ToldPresence(lambda joined, count: self.counted.append((room, joined, count)))

    def arrived(self, subject: str) -> None:
        trio.lowlevel.current_trio_token().run_sync_soon(self._tell, self._mailbox.take(subject))

    def _tell(self, missed: Sequence[Submission]) -> None:
        for submission in missed:
            for told in self._told:
                told(submission)

    def missed(self, submission: Submission) -> None:
        self._mailbox.keep(submission)

    def bans(self) -> Sequence[Ban]:
        return list(self._bans)

    def watch(self, told: Told, banned: HearBan, lifted: Lifted, typed: Typed) -> Callable[[], None]:
        self._told.append(told)
        self._typed.append(typed)
        self._banned.append(banned)
        return self._banned.clear

    def room(self, name: str) -> Room:
        return self.desk_rooms[name] if name in self.desk_rooms else super().room(name)
