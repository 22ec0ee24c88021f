"""Suggests a merge where a question asks what a recent one in the same room asks already, in other words.

Of questions that ask the same, the first one leads; later ones are compared with leaders only, and are held with the
leader's id. What is rejected or withdrawn leads no more; where one was merged, the one that speaks for it is suggested.

It suggests and decides nothing, so a wrong suggestion costs a glance. Measured on `tests/plugins/questions.py`
(15 questions in 80 wordings among 50 others, French, English and as phones write): of its suggestions 92 % are right,
and it finds 94 % of the repetitions. The lists of words were made in sight of that corpus: expect less of another one.
One call costs about 30 µs where a crowd repeats itself, and up to 200 µs for twelve words of which each is rare.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from heapq import nsmallest
from itertools import chain
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
    """The newest leaders of a room, found by what they ask."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._features: dict[str, Features] = {}
        self._by_word: dict[str, dict[str, None]] = {}

    def add(self, id: str, asked: Features) -> None:
        self.forget(id)
        if len(self._features) >= self._most:
            self.forget(next(iter(self._features)))
        self._features[id] = asked
        for word in asked.words:
            having = self._by_word.setdefault(word, {})
            having[id] = None
            if len(having) > _POSTINGS:
                del having[next(iter(having))]

    def forget(self, id: str) -> None:
        asked = self._features.pop(id, None)
        for word in asked.words if asked is not None else ():
            having = self._by_word.get(word)
            if having is not None and id in having:
                del having[id]
                if not having:
                    del self._by_word[word]

    def like(self, asked: Features, alike: float) -> Iterator[tuple[float, str]]:
        """Those that are at least so alike, the likest first."""
        words, by_word = asked.words, self._by_word
        needed = max(1, int(alike / (2 - alike) * len(words)))
        share = min(2, needed)  # whatever is so alike shares two words even without the commonest ones
        rarest = sorted((len(by_word.get(word, ())), word) for word in words)[: len(words) - needed + share]
        shared = Counter(chain.from_iterable(by_word.get(word, ()) for _, word in rarest))
        near = [(-count, id) for id, count in shared.items() if count >= share]
        if len(near) > _CANDIDATES:
            near = nsmallest(_CANDIDATES, near, key=_first)
        scores = ((_alike(asked, self._features[id]), id) for _, id in near)
        return iter(sorted((each for each in scores if each[0] >= alike), key=_first, reverse=True))


def _first(pair: tuple[float, str]) -> float:
    return pair[0]


def _alike(one: Features, other: Features) -> float:
    """0 to 1; 0 if they want another kind of answer, or other numbers."""
    if one.exact != other.exact or (one.asks and other.asks and one.asks.isdisjoint(other.asks)):
        return 0.0
    return 2 * len(one.words & other.words) / (len(one.words) + len(other.words))
