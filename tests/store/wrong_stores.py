"""Stores that are wrong in one way each, for the suite to find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import trio

from fanout.core.audit import AuditDraft
from fanout.core.submission import Decision, State, Submission
from fanout.errors import InvalidInput, TransitionRefused
from fanout.moderation.ports import Arrival, Count, Query, Receipt, SentAs, Tallies
from fanout.store.memory import MemoryStore


class Right(MemoryStore):
    """A store that keeps its memory when it is closed, as a durable one would; the wrong ones are made from it."""

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()

    def change(self, submission_id: str, **fields: Any) -> Submission:
        changed = self._submissions[submission_id] = replace(self._submissions[submission_id], **fields)
        return changed


# --- arrivals --------------------------------------------------------------------------------------------------------


class SaysInTheAuditThatItBegan(Right):
    def __init__(self) -> None:
        super().__init__()
        self._record([AuditDraft(0, "store", "begin")])


class NumbersEachRoomForItself(Right):
    async def receive(self, arrivals: Sequence[Arrival]) -> list[Receipt]:
        receipts = await super().receive(arrivals)
        for room in {arrival.room for arrival in arrivals}:
            for number, one in enumerate([one for one in self._submissions.values() if one.room == room], 1):
                self.change(one.id, number=number)
        return [replace(receipt, submission=self._submissions[receipt.submission.id]) for receipt in receipts]


class AnswersInItsOwnOrder(Right):
    async def receive(self, arrivals: Sequence[Arrival]) -> list[Receipt]:
        return sorted(await super().receive(arrivals), key=lambda receipt: receipt.submission.id)


class StripsTexts(Right):
    async def receive(self, arrivals: Sequence[Arrival]) -> list[Receipt]:
        return await super().receive([replace(arrival, text=arrival.text.strip("\0\n*")) for arrival in arrivals])


class AnswersARepeatWithWhatFirstCame(Right):
    def __init__(self) -> None:
        super().__init__()
        self._first: dict[str, Submission] = {}

    async def receive(self, arrivals: Sequence[Arrival]) -> list[Receipt]:
        receipts = await super().receive(arrivals)
        first = [self._first.setdefault(receipt.submission.id, receipt.submission) for receipt in receipts]
        return [replace(receipt, submission=one) for receipt, one in zip(receipts, first, strict=True)]


class CountsWhoRepeats(Right):
    async def receive(self, arrivals: Sequence[Arrival]) -> list[Receipt]:
        receipts = await super().receive(arrivals)
        for arrival, receipt in zip(arrivals, receipts, strict=True):
            if receipt.repeated:
                self._count(replace(receipt.submission, person=arrival.person))
        return receipts


class KnowsNoRepeatWithinACall(Right):
    async def receive(self, arrivals: Sequence[Arrival]) -> list[Receipt]:
        names: set[str] = set()
        sent = []
        for arrival in arrivals:
            again = arrival.source_id in names
            names.add(arrival.source_id)
            sent.append(replace(arrival, source_id=arrival.id) if again else arrival)
        return await super().receive(sent)


class KnowsSendersIdsOfAllRooms(Right):
    async def receive(self, arrivals: Sequence[Arrival]) -> list[Receipt]:
        for arrival in arrivals:
            for (_, source, source_id), known in list(self._known.items()):
                if (source, source_id) == (arrival.source, arrival.source_id):
                    self._known[arrival.room, source, source_id] = known
        return await super().receive(arrivals)


class KnowsNamesWhateverTheRoom(Right):
    async def known(self, names: Sequence[SentAs]) -> dict[SentAs, Submission]:
        by_name = {(source, own): found for (_, source, own), found in self._known.items()}
        return {name: self._submissions[by_name[name[1:]]] for name in names if name[1:] in by_name}


class TakesAPart(Right):
    async def receive(self, arrivals: Sequence[Arrival]) -> list[Receipt]:
        try:
            return await super().receive(arrivals)
        except InvalidInput:
            await super().receive(arrivals[:1])
            raise


class GivesTheSameNumberTwice(Right):
    async def receive(self, arrivals: Sequence[Arrival]) -> list[Receipt]:
        number = len(self._submissions) + 1
        await trio.lowlevel.checkpoint()
        (*receipts,) = await super().receive(arrivals)
        if len(receipts) == 1 and not receipts[0].repeated:
            receipts = [Receipt(self.change(receipts[0].submission.id, number=number))]
        return receipts


class LooksForRepeatsTooEarly(Right):
    async def receive(self, arrivals: Sequence[Arrival]) -> list[Receipt]:
        names = {(arrival.room, arrival.source, arrival.source_id) for arrival in arrivals} - self._known.keys()
        await trio.lowlevel.checkpoint()
        for name in names:
            self._known.pop(name, None)
        return self._receive(arrivals)


class CancelsHalfway(Right):
    async def receive(self, arrivals: Sequence[Arrival]) -> list[Receipt]:
        if len(arrivals) != 2:
            return await super().receive(arrivals)
        first = await super().receive(arrivals[:1])
        await trio.lowlevel.checkpoint()
        return first + await super().receive(arrivals[1:])


# --- decisions -------------------------------------------------------------------------------------------------------


class ForgetsOpinions(Right):
    async def decide(self, decisions: Sequence[Decision], *, audited: bool = True) -> list[Submission]:
        return await super().decide([replace(one, opinions=()) for one in decisions], audited=audited)


class StaysMerged(Right):
    async def page(self, query: Query) -> list[Submission]:
        if query.merged_into is None:
            return await super().page(query)
        once = [entry.draft.subject for entry in self._entries if entry.draft.detail.get("into") == query.merged_into]
        return [self._submissions[name] for name in dict.fromkeys(once)]


class SignsInTheOrderOfTheCall(Right):
    async def decide(self, decisions: Sequence[Decision], *, audited: bool = True) -> list[Submission]:
        decided = await super().decide(decisions, audited=audited)
        return [replace(one, by=f"{one.by} {place}") for place, one in enumerate(decided)]


class DecidesAPart(Right):
    async def decide(self, decisions: Sequence[Decision], *, audited: bool = True) -> list[Submission]:
        return [(await super(DecidesAPart, self).decide([one], audited=audited))[0] for one in decisions]


class FindsTheMessageOfWhatWasRefused(Right):
    async def decide(self, decisions: Sequence[Decision], *, audited: bool = True) -> list[Submission]:
        try:
            return await super().decide(decisions, audited=audited)
        except TransitionRefused:
            for one in decisions:
                if one.message is not None:
                    self._messages[one.message] = one.submission
                    self.change(one.submission, message=one.message)
            raise


class SaysOneCodeForEverything(Right):
    async def decide(self, decisions: Sequence[Decision], *, audited: bool = True) -> list[Submission]:
        try:
            return await super().decide(decisions, audited=audited)
        except InvalidInput as error:
            raise InvalidInput(error.detail) from error


class MergesIntoMerged(Right):
    async def decide(self, decisions: Sequence[Decision], *, audited: bool = True) -> list[Submission]:
        try:
            return await super().decide(decisions, audited=audited)
        except InvalidInput as error:
            if error.code != "merge_into_merged":
                raise
            return [self.change(one.submission, state=State.MERGED, merged_into=one.into) for one in decisions]


class DecidesOnWhatItReadBefore(Right):
    async def decide(self, decisions: Sequence[Decision], *, audited: bool = True) -> list[Submission]:
        asked = {one.submission for one in decisions}
        read = {name: one for name, one in self._submissions.items() if name in asked}
        await trio.lowlevel.checkpoint()
        self._submissions |= read
        return self._decide(decisions, audited)


class AuditsWhatItIsToldNotTo(Right):
    async def decide(self, decisions: Sequence[Decision], *, audited: bool = True) -> list[Submission]:
        return await super().decide(decisions)


class AuditsOnceForACall(Right):
    def _record(self, drafts: Sequence[AuditDraft]) -> None:
        super()._record(drafts[:1])


class AuditsWords(Right):
    def _record(self, drafts: Sequence[AuditDraft]) -> None:
        words = {name: one.text for name, one in self._submissions.items()}
        super()._record([replace(one, detail={**one.detail, "text": words.get(one.subject, "")}) for one in drafts])


class FindsWhatOnceWasThatMessage(Right):
    async def find_message(self, message_id: str) -> Submission | None:
        return self._submissions.get(self._messages.get(message_id, ""))


# --- reading ---------------------------------------------------------------------------------------------------------


class ShowsTheOneAskedAfter(Right):
    async def page(self, query: Query) -> list[Submission]:
        return await super().page(replace(query, after=query.after - 1))


class ShowsMoreThanWasAskedFor(Right):
    async def page(self, query: Query) -> list[Submission]:
        return await super().page(replace(query, limit=query.limit + 1))


class IgnoresSourcesWithAState(Right):
    async def page(self, query: Query) -> list[Submission]:
        return await super().page(replace(query, sources=frozenset()) if query.states else query)


class ShowsTheMomentUntil(Right):
    async def page(self, query: Query) -> list[Submission]:
        return await super().page(query if query.until is None else replace(query, until=query.until + 1))


class ShowsTheUnknownAsOnePerson(Right):
    async def page(self, query: Query) -> list[Submission]:
        if query.person != "":
            return await super().page(query)
        return [one for one in await super().page(replace(query, person=None)) if not one.person]


class ShowsLastWhatWasDecidedLast(Right):
    async def decide(self, decisions: Sequence[Decision], *, audited: bool = True) -> list[Submission]:
        decided = await super().decide(decisions, audited=audited)
        for one in decided:
            self._submissions[one.id] = self._submissions.pop(one.id)
        return decided


class SearchesForTheWordsAsTheyAre(Right):
    async def page(self, query: Query) -> list[Submission]:
        found = await super().page(replace(query, search=""))
        return [one for one in found if all(word in f"{one.text} {one.name}" for word in query.search.split())]


class SearchesNoOriginals(Right):
    async def page(self, query: Query) -> list[Submission]:
        found = [one.id for one in await super().page(query)]
        kept, self._submissions = (
            self._submissions,
            {name: replace(one, original=None) for name, one in self._submissions.items()},
        )
        still = [one.id for one in await super().page(query)]
        self._submissions = kept
        return [kept[name] for name in found if name in still]


class ReviewsTheFirstRoomOnly(Right):
    async def unreviewed(self, after: int, limit: int) -> list[Submission]:
        return [one for one in await super().unreviewed(after, limit) if one.room in ("a", "@x/d")]


class KnowsNoPins(Right):
    async def run_sheet(self, room: str) -> list[Submission]:
        return sorted(await super().run_sheet(room), key=lambda one: one.rank)


class CountsTheUnknown(Right):
    async def tallies(self, room: str) -> Tallies:
        tallies = await super().tallies(room)
        unknown = any(one.room == room and not one.person for one in self._submissions.values())
        return replace(tallies, total=Count(tallies.total.messages, tallies.total.people + unknown))


class CountsPeopleOncePerSource(Right):
    async def tallies(self, room: str) -> Tallies:
        tallies = await super().tallies(room)
        people = sum(count.people for count in tallies.by_source.values())
        return replace(tallies, total=Count(tallies.total.messages, people))


class CantReadHalfCharacters(Right):
    async def find(self, submission_id: str) -> Submission | None:
        return await super().find(submission_id.encode("utf-8", "replace").decode().rstrip("\0"))
