"""Pages out of many: the same as by looking at every submission, and without doing so."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from fanout.core.submission import Source, State, Submission
from fanout.database.file import open_for_reading
from fanout.moderation.ports import Query
from fanout.store.pages import Pages
from fanout.store.words import search_of
from tests.store.many import AT, EVERY_MS, fill, many

COUNT = 12_000
LIMIT = 20

MOST_STEPS = 100
"""Thousands of steps of SQLite's machine that a page may take; looking at each of the 12,000 takes more than 120."""

HELD = frozenset({State.HELD})
ON_AIR = frozenset({State.AIRED, State.ANSWERED})


@pytest.fixture(scope="module")
def everything() -> list[Submission]:
    return list(many(COUNT))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("desk") / "desk.sqlite3"
    fill(path, COUNT)
    return path


@pytest.fixture
def pages(file: Path) -> Iterator[tuple[Pages, list[int]]]:
    """And how many thousand steps it has taken."""
    connection = open_for_reading(file)
    steps: list[int] = []
    connection.set_progress_handler(lambda: steps.append(1), 1000)
    yield Pages(connection), steps
    connection.close()


def _fits(submission: Submission, query: Query) -> bool:
    search = search_of(query.search)
    return (
        submission.number > query.after
        and query.room in (None, submission.room)
        and (not query.states or submission.state in query.states)
        and (not query.sources or submission.source in query.sources)
        and (query.since is None or submission.at >= query.since)
        and (query.until is None or submission.at < query.until)
        and query.person in (None, submission.person)
        and (search is None or search.fits(submission))
    )


def _queries() -> Iterator[Query]:
    """Every filter with every other, by chance."""
    chance = random.Random(16_000)
    middle = AT + COUNT // 2 * EVERY_MS
    for _ in range(150):
        yield Query(
            room=chance.choice([None, "stage", "stage", "nowhere"]),
            states=chance.choice([frozenset(), HELD, ON_AIR, frozenset({State.CUED, State.RECEIVED})]),
            sources=chance.choice([frozenset(), frozenset({Source.SMS}), frozenset({Source.API, Source.WEB})]),
            after=chance.choice([0, 0, COUNT // 2, COUNT - 100]),
            limit=chance.choice([1, LIMIT]),
            search=chance.choice(["", "", "question", "my q", "l", "visitor 77", "nothing", "question b1 a"]),
            since=chance.choice([None, None, middle, AT + COUNT * EVERY_MS - 3_600_000 - 400, AT * 2]),
            until=chance.choice([None, None, middle + 60_000]),
            person=chance.choice([None, None, None, None, f"phone:{77:064x}"]),
        )


def test_a_page_is_what_looking_at_everything_finds(
    everything: list[Submission], pages: tuple[Pages, list[int]]
) -> None:
    """Whatever filters come together."""
    for query in _queries():
        expected = list(islice((one for one in everything if _fits(one, query)), query.limit))
        assert pages[0].page(query) == expected, query


@pytest.mark.parametrize(
    "query",
    [
        Query(limit=LIMIT, after=COUNT - 200),
        Query("stage", limit=LIMIT, after=COUNT // 2),
        Query("stage", HELD, limit=LIMIT, after=COUNT - 500),
        Query(None, frozenset({State.CUED}), limit=LIMIT),
        Query(None, frozenset({State.RECEIVED}), limit=LIMIT),
        Query("stage", sources=frozenset({Source.API}), limit=LIMIT),
        Query("stage", ON_AIR, frozenset({Source.WEB}), limit=LIMIT, after=COUNT // 2),
        Query("stage", HELD, limit=LIMIT, since=AT + (COUNT - 100) * EVERY_MS),
        Query("stage", limit=LIMIT, until=AT + 1000),
        Query("stage", limit=LIMIT, since=AT * 2),
        Query("stage", limit=LIMIT, person=f"phone:{77:064x}"),
        Query("stage", limit=LIMIT, merged_into="nothing"),
        Query("stage", limit=LIMIT, search="question"),
        Query("stage", HELD, limit=LIMIT, search="my question q", after=COUNT // 2),
        Query("stage", HELD, limit=LIMIT, search="xc8 question"),
        Query("stage", limit=LIMIT, search="nothing"),
    ],
)
def test_a_page_looks_at_few(query: Query, pages: tuple[Pages, list[int]]) -> None:
    """However many there are that are not on it."""
    pages[0].page(query)
    assert len(pages[1]) < MOST_STEPS
