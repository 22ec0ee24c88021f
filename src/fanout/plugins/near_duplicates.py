"""Suggests a merge where a question asks what a recent one in the same room asks already, in other words.

Of questions that ask the same, the first one leads; later ones are compared with leaders only, and are held with the
leader's id. What is rejected or withdrawn leads no more; where one was merged, the one that speaks for it is suggested.

It suggests and decides nothing, so a wrong suggestion costs a glance. Measured on `tests/plugins/questions.py`
(15 questions in 80 wordings among 50 others, French, English and as phones write): of its suggestions 92 % are right,
and it finds 94 % of the repetitions. The lists of words were made in sight of that corpus: expect less of another one.
One call costs about 25 µs for nine words and 45 µs for twelve where many have each of them, and less where few do.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection
from heapq import nsmallest
from itertools import chain, pairwise
from math import ceil
from typing import Final

import trio

from fanout.plugins import App, Decision, RoomView, State, Submission, Verdict, hold
from fanout.plugins.options import check_number, check_whole
from fanout.plugins.question_words import Features, features
from fanout.plugins.recent import Recent

NAME: Final = "near-duplicates"

MAX_LEADERS: Final = 100_000
"""Leaders of one room that may be asked for; one is about 1 KiB."""

_POSTINGS: Final = 32
"""Leaders kept for one feature, the newest ones: what more of them share says nothing about a question."""

_CANDIDATES: Final = 16
"""Leaders that one question is compared with at most, beginning with those that share most of its rarer features."""

_LEAST_FEATURES: Final = 2
"""A text with fewer asks nothing that could be compared: `Bravo !`"""

_ROUNDING: Final = 1e-9
"""So that a share of exactly three words is three."""

_MERGES: Final = 8
"""Merges that are followed, one into the next."""

_TURN: Final = 50
"""Submissions learned at the start between two turns of others."""

_GONE: Final = ""
_OVER: Final = (State.REJECTED, State.WITHDRAWN)


class NearDuplicates:
    """Options:

    Args:
        alike: How much two questions have to share, from 0.3 to 1 (Dice: twice what they share, by what both have).
        leaders: How many questions of a room are remembered, the newest ones.
    Raises:
        ConfigurationError: An option that can't be used.
    """

    name = NAME
    order = 200  # after all that might reject it, or put other words into it

    def __init__(self, *, alike: float = 0.65, leaders: int = 20_000) -> None:
        self._alike = check_number(NAME, "alike", alike, 0.3, 1.0)
        self._most = check_whole(NAME, "leaders", leaders, 1, MAX_LEADERS)
        self._rooms: dict[str, _Leaders] = {}
        self._speaks: Recent[str, str] = Recent()
        """By the id of one that was merged: the one that speaks for it; `_GONE`: nobody; itself: it was undone."""

    async def review_submission(self, submission: Submission, room: RoomView) -> Verdict | None:
        """Hold it with the id of the one that it repeats; if there is none, it leads from now on."""
        found = self._learned(submission)
        if found is None:
            return None
        score, id = found
        return hold("Perhaps this was asked already.", rule=f"alike {score:.2f}", similar_to=id)

    async def submission_decided(self, submission: Submission, decision: Decision) -> None:
        """Follow what becomes of those that lead."""
        id = submission.id
        if submission.state in _OVER:
            self._room(submission.room).forget(id)
            self._speaks.put(id, _GONE)
        elif submission.state is State.MERGED and submission.merged_into:
            self._speaks.put(id, submission.merged_into)
        elif self._speaks.get(id) not in (None, id):
            self._speaks.put(id, id)
            self._learned(submission)

    async def room_closed(self, room: RoomView) -> None:
        """Forget it."""
        self._rooms.pop(room.name, None)

    async def run(self, app: App) -> None:
        """Learn what was asked before the server started."""
        for room in app.rooms():
            for number, submission in enumerate(await app.recent_submissions(room.name, self._most)):
                if submission.state is State.MERGED and submission.merged_into:
                    self._speaks.put(submission.id, submission.merged_into)
                if submission.state not in _OVER:
                    self._learned(submission)
                if number % _TURN == 0:
                    await trio.lowlevel.checkpoint()

    def _learned(self, submission: Submission) -> tuple[float, str] | None:
        """How alike it is to which earlier one; if to none, None, and it leads."""
        asked = features(submission.text)
        if len(asked.words) < _LEAST_FEATURES:
            return None
        leaders = self._room(submission.room)
        for score, leader in leaders.like(asked, self._alike):
            speaker = self._speaker(leader)
            if speaker == _GONE:
                leaders.forget(leader)
            elif speaker != submission.id:
                return score, speaker
        leaders.add(submission.id, asked)
        return None

    def _room(self, name: str) -> _Leaders:
        leaders = self._rooms.get(name)
        if leaders is None:
            leaders = self._rooms[name] = _Leaders(self._most)
        return leaders

    def _speaker(self, id: str) -> str:
        """Who speaks for this one in the end."""
        for _ in range(_MERGES):
            into = self._speaks.get(id)
            if into is None or into == id:
                break
            id = into
        return id


class _Leaders:
    """The newest leaders of a room, numbered as they came, found by what they ask."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._last = 0
        self._leaders: dict[int, tuple[str, Features]] = {}
        self._numbers: dict[str, int] = {}
        self._by_word: dict[str, list[int]] = {}
        """Who has a word, in the order of their numbers."""

    def __len__(self) -> int:
        return len(self._leaders)

    def add(self, id: str, asked: Features) -> None:
        self.forget(id)
        if len(self._leaders) >= self._most:
            self.forget(self._leaders[next(iter(self._leaders))][0])
        self._last += 1
        self._leaders[self._last] = (id, asked)
        self._numbers[id] = self._last
        for word in asked.words:
            having = self._by_word.setdefault(word, [])
            having.append(self._last)
            if len(having) > _POSTINGS:
                del having[0]

    def forget(self, id: str) -> None:
        number = self._numbers.pop(id, None)
        if number is None:
            return
        for word in self._leaders.pop(number)[1].words:
            having = self._by_word.get(word, [])
            place = bisect_left(having, number)
            if place < len(having) and having[place] == number:
                del having[place]
                if not having:
                    del self._by_word[word]

    def like(self, asked: Features, alike: float) -> list[tuple[float, str]]:
        """Those that are at least so alike, the likest first."""
        scores = [(_alike(asked, self._leaders[number][1]), number) for number in self._near(asked.words, alike)]
        near = sorted((each for each in scores if each[0] >= alike), key=_likest) if scores else []
        return [(score, self._leaders[number][0]) for score, number in near]

    def _near(self, words: frozenset[str], alike: float) -> Collection[int]:
        """Those worth comparing. They are counted by sorting, which takes a third of the time of counting each."""
        needed = max(1, ceil(alike / (2 - alike) * len(words) - _ROUNDING))
        postings = sorted(filter(None, map(self._by_word.get, words)), key=len)
        if len(postings) < needed:
            return ()
        share = min(2, needed)  # whatever is so alike shares two words even without the commonest ones
        having = sorted(chain.from_iterable(postings[: len(postings) - needed + share]))
        near = having if share == 1 else [one for one, next in pairwise(having) if one == next]
        if len(near) > _CANDIDATES:
            shared = Counter(near)
            return nsmallest(_CANDIDATES, shared, key=lambda number: (-shared[number], number))
        return set(near)


def _likest(scored: tuple[float, int]) -> tuple[float, int]:
    return -scored[0], scored[1]


def _alike(one: Features, other: Features) -> float:
    """0 to 1; 0 if they want another kind of answer, or other numbers."""
    if one.exact != other.exact or (one.asks and other.asks and one.asks.isdisjoint(other.asks)):
        return 0.0
    return 2 * len(one.words & other.words) / (len(one.words) + len(other.words))
