"""Questions that ask the same are brought together, those that do not are left apart, and merges are followed."""

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.plugins import ConfigurationError, Decision, RoomView, Source, State, Step, Submission, Verdict, VerdictKind
from fanout.plugins.near_duplicates import NearDuplicates, _alike, _Leaders
from fanout.plugins.question_words import Features, features
from tests.moderation.house import ANN, open_house
from tests.plugins.questions import OTHERS, SAME

ROOM = RoomView("questions")


def asked(id: str, text: str, state: State = State.RECEIVED, into: str | None = None, room: str = "questions"):
    return Submission(
        1, id, room, Source.WEB, id, "visitor:ann", "Ann", text, 1_700_000_000_000, state, merged_into=into
    )


async def similar(plugin: NearDuplicates, id: str, text: str, room: RoomView = ROOM) -> str | None:
    found: Verdict | None = await plugin.review_submission(asked(id, text, room=room.name), room)
    if found is None:
        return None
    assert found.kind is VerdictKind.HOLD
    assert found.rule.startswith("alike ")
    return found.similar_to


async def decided(plugin: NearDuplicates, id: str, state: State, into: str | None = None, text: str = "") -> None:
    await plugin.submission_decided(asked(id, text, state, into), Decision(id, Step.MERGE, "Ann", 1, into=into))


async def test_on_the_corpus_it_is_right_and_finds_as_often_as_its_docstring_says():
    plugin = NearDuplicates()
    texts = [
        (text, number) for turn in range(12) for number, words in enumerate(SAME) for text in words[turn : turn + 1]
    ]
    texts += [(text, -number) for number, text in enumerate(OTHERS, 1)]
    right = wrong = 0
    of: dict[str, int] = {}
    for number, (text, question) in enumerate(texts):
        of[str(number)] = question
        if found := await similar(plugin, str(number), text):
            right += of[found] == question
            wrong += of[found] != question
    precision, recall = right / (right + wrong), right / sum(len(wordings) - 1 for wordings in SAME)
    assert (round(precision, 2), round(recall, 2)) == (0.92, 0.94)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("When does the concert begin?", "Where does the concert begin?"),
        ("Question 1 du budget", "Question 2 du budget"),
        ("When does the debate start?", "When does the debate end?"),
        ("Bravo !", "Bravo !"),
        ("Merci pour tout", "Merci pour tout"),
    ],
)
async def test_what_wants_another_answer_or_asks_nothing_is_no_repetition(first: str, second: str):
    plugin = NearDuplicates()
    assert [await similar(plugin, "a", first), await similar(plugin, "b", second)] == [None, None]


async def test_the_first_leads_also_for_what_repeats_a_repetition_and_rooms_are_apart():
    plugin = NearDuplicates()
    found = [await similar(plugin, id, "Why did you choose this theme?") for id in "abc"]
    assert found == [None, "a", "a"]
    assert await similar(plugin, "d", "Why did you choose this theme?", RoomView("other")) is None
    assert await similar(plugin, "a", "Why did you choose this theme?") is None, "nobody repeats themself"
    await plugin.room_closed(ROOM)
    assert await similar(plugin, "e", "Why did you choose this theme?") is None


@pytest.mark.parametrize("state", [State.REJECTED, State.WITHDRAWN])
async def test_what_was_rejected_or_withdrawn_leads_no_more_until_it_is_undone(state: State):
    plugin, text = NearDuplicates(), "Why did you choose this theme?"
    await similar(plugin, "a", text)
    await decided(plugin, "a", state)
    assert [await similar(plugin, "b", text), await similar(plugin, "c", text)] == [None, "b"]
    plugin = NearDuplicates()
    await similar(plugin, "a", text)
    await decided(plugin, "a", state)
    await decided(plugin, "a", State.HELD, text=text)
    assert await similar(plugin, "b", text) == "a"


async def test_merges_are_followed_to_the_one_that_speaks_in_the_end():
    plugin, text = NearDuplicates(), "Why did you choose this theme?"
    await similar(plugin, "a", text)
    await decided(plugin, "a", State.MERGED, "x")
    assert await similar(plugin, "b", text) == "x"
    await decided(plugin, "x", State.MERGED, "y")
    assert await similar(plugin, "b", text) == "y"
    await decided(plugin, "y", State.MERGED, "a")
    assert await similar(plugin, "b", text) is not None, "in a ring there is an end too"
    await decided(plugin, "a", State.HELD, text=text)
    assert await similar(plugin, "b", text) == "a"
    await decided(plugin, "a", State.MERGED, "z")
    await decided(plugin, "z", State.REJECTED)
    assert await similar(plugin, "b", text) is None, "what spoke for it is gone"


class Past:
    """The server, with what was asked before it started."""

    def rooms(self) -> list[RoomView]:
        return [ROOM]

    async def recent_submissions(self, room: str, limit: int) -> list[Submission]:
        return [
            asked("a", "Why did you choose this theme?", State.HELD),
            asked("b", "When does the concert start?", State.REJECTED),
            asked("c", "Where can we download the slides?", State.MERGED, "y"),
        ][:limit]


async def test_after_a_restart_it_knows_what_was_asked():
    plugin = NearDuplicates()
    await plugin.run(Past())
    assert await similar(plugin, "k", "why this theme, why choose it") == "a"
    assert await similar(plugin, "l", "When does the concert start?") is None
    assert await similar(plugin, "m", "download of the slides?") == "y"


async def test_what_it_remembers_is_bounded_and_the_oldest_goes_first():
    plugin = NearDuplicates(leaders=100)
    chance = random.Random(1)
    for number in range(1000):
        await similar(plugin, str(number), f"{number} {chance.randrange(10**9)} subject common theme")
    leaders: _Leaders = plugin._rooms["questions"]
    assert len(leaders) == 100
    assert max(map(len, leaders._by_word.values())) == 32, "what everybody says finds nobody"
    assert await similar(plugin, "x", "999 subject common theme") is None
    for number in range(1000):
        leaders.forget(str(number))
    assert set(leaders._numbers) == {"x"}
    assert len(leaders) == 1
    assert set(leaders._by_word) == features("999 subject common theme").words


def feature_sets(least: int) -> st.SearchStrategy[Features]:
    words = st.sampled_from(["?when", "?where", "=end", "7", "8", *"abcdefgh"])
    return st.frozensets(words, min_size=least, max_size=10).map(
        lambda chosen: Features(
            chosen,
            frozenset(word for word in chosen if word[0] == "?"),
            frozenset(word for word in chosen if word[0] in "78="),
        )
    )


@given(st.lists(feature_sets(2), max_size=12), feature_sets(2), st.sampled_from([0.3, 0.5, 0.65, 0.8, 1.0]))
def test_of_few_leaders_it_finds_all_that_comparing_would(leading: list[Features], one: Features, alike: float):
    leaders = _Leaders(100)
    for number, each in enumerate(leading):
        leaders.add(str(number), each)
    scores = [(_alike(one, each), str(number)) for number, each in enumerate(leading)]
    assert leaders.like(one, alike) == sorted(
        (each for each in scores if each[0] >= alike), key=lambda scored: (-scored[0], int(scored[1]))
    )


async def test_the_time_of_one_call_does_not_follow_the_length_of_the_evening():
    plugin = NearDuplicates()
    chance = random.Random(1)
    syllables = [a + b for a in "bcdfgjklmnprstv" for b in ("a", "ou", "in")]
    words = ["".join(chance.choices(syllables, k=3)) for _ in range(3000)]

    async def seconds(begin: int) -> float:
        texts = [" ".join(words[int(3000 * chance.random() ** 3)] for _ in range(12)) for _ in range(300)]
        begun = time.thread_time()
        for number, text in enumerate(texts, begin):
            await similar(plugin, str(number), text)
        return time.thread_time() - begun

    times = [await seconds(turn * 1000) for turn in range(12)]
    assert min(times[-3:]) < 3 * min(times[3:6])


async def test_at_the_desk_the_suggestion_stands_with_the_question():
    async with open_house(plugins=[NearDuplicates]) as house:
        first = await house.ask("Why did you choose this theme?")
        second = await house.ask("why choose this theme ?", person="visitor:v2")
        assert [opinion.similar_to for opinion in second.opinions] == [first.id]
        await house.moderation.desk.decide(ANN, second.id, Step.MERGE, into=first.id)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"alike": 0.1}, "plugins.near-duplicates.alike:"),
        ({"alike": "much"}, "plugins.near-duplicates.alike:"),
        ({"leaders": 0}, "plugins.near-duplicates.leaders:"),
        ({"leaders": 1e9}, "plugins.near-duplicates.leaders:"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(options: dict[str, object], named: str):
    with pytest.raises(ConfigurationError) as refused:
        NearDuplicates(**options)  # type: ignore[arg-type]
    assert str(refused.value).startswith(named)
