"""What a store promises, as a model of a few dozen lines; the machine compares both stores with it."""

from __future__ import annotations

from fanout.core.submission import Decision, State, Step, Submission, decide
from fanout.errors import FanoutError, InvalidInput, SubmissionNotFound, TransitionRefused
from fanout.moderation.ports import Arrival, Count, Query, Receipt, Tallies


class Books:
    """All submissions in the order of receipt, and how many steps the audit has."""

    def __init__(self) -> None:
        self.kept: list[Submission] = []
        self.audited: list[tuple[str, str]] = []

    def named(self, submission_id: str | None) -> Submission | None:
        return next((one for one in self.kept if one.id == submission_id), None)

    def receive(self, arrivals: list[Arrival]) -> list[Receipt] | FanoutError:
        before, receipts = list(self.kept), []
        for new in arrivals:
            name = (new.room, new.source, new.source_id)
            known = next((one for one in self.kept if (one.room, one.source, one.source_id) == name), None)
            if known is None and self.named(new.id) is not None:
                self.kept = before
                return InvalidInput("", code="id_taken")
            if known is None:
                number = len(self.kept) + 1
                sent = Submission(number, new.id, *name, new.person, new.name, new.text, new.at)
                self.kept.append(sent)
            receipts.append(Receipt(known or sent, repeated=known is not None))
        return receipts

    def decide(self, decisions: list[Decision], audited: bool) -> list[Submission] | FanoutError:
        before = list(self.kept)
        try:
            for one in decisions:
                self._take(one)
        except FanoutError as error:
            self.kept = before
            return error
        self.audited += [(one.submission, one.step.value) for one in decisions] * audited
        return [one for decision in decisions if (one := self.named(decision.submission))]

    def _take(self, decision: Decision) -> None:
        now = self.named(decision.submission)
        if now is None:
            raise SubmissionNotFound("")
        after = decide(now, decision)
        if after.state is State.MERGED:
            into = self.named(after.merged_into)
            if into is None:
                raise SubmissionNotFound("")
            if into.room != now.room:
                raise InvalidInput("", code="merge_into_other_room")
            if into.state is State.MERGED and decision.step is Step.UNDO:
                raise TransitionRefused("", code="nothing_to_undo")
            if into.state is State.MERGED:
                raise InvalidInput("", code="merge_into_merged")
        self.kept[now.number - 1] = after

    def page(self, query: Query) -> list[Submission]:
        found = [one for one in self.kept if one.number > query.after and query.room in (None, one.room)]
        found = [one for one in found if not query.states or one.state in query.states]
        found = [one for one in found if not query.sources or one.source in query.sources]
        found = [one for one in found if query.since is None or query.since <= one.at]
        found = [one for one in found if query.until is None or one.at < query.until]
        found = [one for one in found if query.person is None or (one.person and one.person == query.person)]
        found = [one for one in found if query.merged_into in (None, one.merged_into)]
        return [one for one in found if self._fits(query.search, one)][: query.limit]

    @staticmethod
    def _fits(search: str, one: Submission) -> bool:
        """For plain words only."""
        words = f"{one.text} {one.original or ''} {one.name}".split()
        *whole, last = search.split() or [""]
        return set(whole) <= set(words) and (not last or any(word.startswith(last) for word in words))

    def sheet(self, room: str) -> list[Submission]:
        cued = [one for one in self.kept if one.room == room and one.state is State.CUED]
        return sorted(cued, key=lambda one: (not one.pinned, one.rank, one.number))

    def tallies(self, room: str) -> Tallies:
        there = [one for one in self.kept if one.room == room]

        def count(some: list[Submission]) -> Count:
            return Count(len(some), len({one.person for one in some} - {""}))

        sources, states = {one.source for one in there}, [one.state for one in there]
        return Tallies(
            count(there),
            {source: count([one for one in there if one.source is source]) for source in sources},
            {state: states.count(state) for state in states},
        )
