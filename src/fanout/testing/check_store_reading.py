"""What a store shows: pages by every filter, the search, the run sheet, what is left to be reviewed, the tallies.

Run by way of `fanout.testing.check_store`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from fanout.core.submission import Source, State, Step
from fanout.moderation.ports import Count, Kind, Query, Tallies
from fanout.testing.store_under_test import (
    AT,
    EVERYTHING,
    Check,
    MakeStore,
    arrival,
    counts,
    everything,
    expect,
    id_of,
    lead,
    numbers,
    opened,
    received,
    standing,
    step,
)

LONG: Final = "word " * 2_000
"""A search far longer than any text."""


async def a_page_has_what_was_asked_for(make: MakeStore) -> None:
    """Each filter alone and all together, oldest first, no more than the limit, and on after the last one."""
    async with opened(make()) as store:
        await store.receive(
            [
                arrival(1, person="p"),
                arrival(2, source=Source.SMS, at=AT + 10),
                arrival(3, "b", person="p"),
                arrival(4, person="p", at=AT + 20),
                arrival(5, source=Source.API, at=AT + 5, person=""),
                arrival(6, at=AT + 30, text="needle"),
            ]
        )
        await lead(store, 2, Step.HOLD)
        await lead(store, 4, Step.APPROVE)
        await lead(store, 5, Step.REJECT)
        await store.decide([step(6, Step.HOLD), step(6, Step.MERGE, into=id_of(4))])
        held, done = State.HELD, State.REJECTED
        asked: list[tuple[dict[str, Any], list[int]]] = [
            ({}, [1, 2, 3, 4, 5, 6]),
            ({"room": "a"}, [1, 2, 4, 5, 6]),
            ({"room": "b"}, [3]),
            ({"states": frozenset({held})}, [2]),
            ({"states": frozenset({held, done, State.RECEIVED})}, [1, 2, 3, 5]),
            ({"sources": frozenset({Source.SMS})}, [2]),
            ({"sources": frozenset({Source.SMS, Source.API})}, [2, 5]),
            ({"after": 4}, [5, 6]),
            ({"after": 6}, []),
            ({"limit": 2}, [1, 2]),
            ({"limit": 2, "after": 2}, [3, 4]),
            ({"since": AT + 10}, [2, 4, 6]),
            ({"until": AT + 10}, [1, 3, 5]),
            ({"since": AT + 5, "until": AT + 20}, [2, 5]),
            ({"person": "p"}, [1, 3, 4]),
            ({"person": ""}, []),
            ({"merged_into": id_of(4)}, [6]),
            ({"search": "needle"}, [6]),
            ({"room": "a", "person": "p", "limit": 1}, [1]),
            ({"room": "a", "person": "p", "after": 1, "since": AT + 20}, [4]),
            ({"room": "a", "states": frozenset({held, done}), "sources": frozenset({Source.API})}, [5]),
            ({"room": "b", "search": "needle"}, []),
            ({"search": "text", "limit": 2, "after": 1}, [2, 3]),
        ]
        for filters, expected in asked:
            expect(f"the page of {filters}", numbers(await store.page(replace(Query(), **filters))), expected)
        expect("how many are shown when no limit is said", Query().limit, 50)


async def pages_follow_decisions(make: MakeStore) -> None:
    """Whoever comes into a state or leaves it is on its pages at once, in its own place."""
    async with opened(make()) as store:
        await received(store, *range(1, 6))
        queue = frozenset({State.HELD})
        for number, taken, expected in (
            (4, Step.HOLD, [4]),
            (2, Step.HOLD, [2, 4]),
            (5, Step.HOLD, [2, 4, 5]),
            (4, Step.APPROVE, [2, 5]),
            (4, Step.UNDO, [2, 4, 5]),
            (2, Step.WITHDRAW, [4, 5]),
        ):
            await lead(store, number, taken)
            expect(f"the queue after {taken} of {number}", numbers(await everything(store, states=queue)), expected)


async def a_search_finds_words_wherever_they_stand(make: MakeStore) -> None:
    """In the text, the original and the name; all of them, the last by its beginning, whatever the case and accents;
    nothing in a search is an operator."""
    async with opened(make()) as store:
        await store.receive(
            [
                arrival(1, name="Zoë", text="Où est l'ÉCOLE ?"),
                arrival(2, name="Ada", text='A school, 100% free_of charge: "really" OR not*'),
                arrival(3, name="Größe", text="second school"),
                arrival(4, name="", text="!!!"),
            ]
        )
        await lead(store, 3, Step.HOLD)
        await store.decide([step(3, Step.EDIT, text="a university")])
        for search, expected in (
            ("ecole", [1]),
            ("OU EST", [1]),
            ("zoe école", [1]),
            ("école zo", [1]),
            ("éco", [1]),
            ("cole", []),
            ("eco est", []),
            ("est eco", [1]),
            ("school", [2, 3]),
            ("university", [3]),
            ("second univ", [3]),
            ("school ada", [2]),
            ("grosse", [3]),
            ("free of", [2]),
            ("100", [2]),
            ("école school", []),
            ("école OR school", []),
            ("or really", [2]),
            ("-school", [2, 3]),
            ('"school', [2, 3]),
            ("NOT school", [2]),
            ("sch*", [2, 3]),
            ("text:school", []),
            ("charge) OR (x", []),
            ("", [1, 2, 3, 4]),
            (" ?!* \" _ ' ", [1, 2, 3, 4]),
            ("school \0", [2, 3]),
            ("\ud800", [1, 2, 3, 4]),
            (LONG, []),
        ):
            found = numbers(await everything(store, search=search))
            expect(f"what the search for {search[:40]!r} finds", found, expected)


async def what_is_still_received_is_left_to_be_reviewed(make: MakeStore) -> None:
    """Over all rooms, above the number given, and no more than asked for."""
    async with opened(make()) as store:
        await received(store, 1, 2, 3)
        await received(store, 4, 5, room="b")
        await store.decide([step(2, Step.HOLD)], audited=False)
        await lead(store, 4, Step.APPROVE)
        for after, limit, expected in ((0, 10, [1, 3, 5]), (1, 10, [3, 5]), (0, 2, [1, 3]), (5, 10, []), (0, 0, [])):
            found = numbers(await store.unreviewed(after, limit))
            expect(f"left after {after}, at most {limit}", found, expected)


async def the_run_sheet_has_the_pinned_first(make: MakeStore) -> None:
    """Then the others, each group by rank, ranks compared as strings; only what is cued, only of that room."""
    async with opened(make()) as store:
        await received(store, *range(1, 8))
        await received(store, 8, room="b")
        ranks = {1: "z", 2: "i", 3: "ii", 4: "9", 5: "iz", 6: "a", 8: "c"}
        await store.decide([step(number, Step.APPROVE) for number in range(1, 9)])
        await store.decide([step(number, Step.CUE, rank=rank) for number, rank in ranks.items()])
        expect("the sheet by rank", numbers(await store.run_sheet("a")), [4, 6, 2, 3, 5, 1])
        await store.decide([step(5, Step.PIN), step(3, Step.PIN), step(1, Step.MOVE, rank="4")])
        await lead(store, 6, Step.AIR)
        expect("the sheet with pins", numbers(await store.run_sheet("a")), [3, 5, 1, 4, 2])
        await lead(store, 3, Step.UNPIN)
        await lead(store, 4, Step.SKIP)
        expect("the sheet as it is left", numbers(await store.run_sheet("a")), [5, 1, 2, 3])
        expect("what stands on the sheet", (await store.run_sheet("a"))[0], await standing(store, 5))
        expect("another room's sheet", numbers(await store.run_sheet("b")), [8])


async def tallies_are_exact(make: MakeStore) -> None:
    """Messages by source and state, people once each, the unknown not among them; of one room only."""
    async with opened(make()) as store:
        await store.receive(
            [
                arrival(1, person="p"),
                arrival(2, person="p"),
                arrival(3, person="q"),
                arrival(4, person="p", source=Source.SMS),
                arrival(5, person="", source=Source.SMS),
                arrival(6, person="", source=Source.IMPORT),
                arrival(7, "b", person="p"),
            ]
        )
        await store.decide([step(1, Step.APPROVE), step(1, Step.AIR), step(2, Step.HOLD)])
        await store.decide([step(3, Step.HOLD), step(3, Step.MERGE, into=id_of(2))])
        await received(store, 1, 2, 3)
        sources = {Source.WEB: Count(3, 2), Source.SMS: Count(2, 1), Source.IMPORT: Count(1, 0)}
        states = {State.AIRED: 1, State.HELD: 1, State.MERGED: 1, State.RECEIVED: 3}
        expect("tallies", await counts(store), Tallies(Count(6, 2), sources, states))
        await lead(store, 3, Step.UNMERGE)
        await lead(store, 1, Step.RETRACT)
        states = {State.REJECTED: 1, State.HELD: 2, State.RECEIVED: 3}
        expect("tallies after more steps", await counts(store), Tallies(Count(6, 2), sources, states))
        other = Tallies(Count(1, 1), {Source.WEB: Count(1, 1)}, {State.RECEIVED: 1})
        expect("another room's tallies", await counts(store, "b"), other)


async def strange_questions_find_nothing(make: MakeStore) -> None:
    """What is not there, no name at all, numbers beyond any file's: empty answers, and no harm."""
    async with opened(make()) as store:
        kept = await received(store, 1)
        await lead(store, 1, Step.APPROVE, Step.AIR)
        kept = [await standing(store, 1)]
        for strange in ("", "nowhere", "\ud800", id_of(1) + "\0"):
            expect(f"find of {strange!r}", await store.find(strange), None)
            expect(f"find_message of {strange!r}", await store.find_message(strange), None)
            expect(f"the page of room {strange!r}", await everything(store, room=strange), [])
            expect(f"the page of person {strange!r}", await everything(store, person=strange), [])
            expect(f"the page merged into {strange!r}", await everything(store, merged_into=strange), [])
            expect(f"the sheet of {strange!r}", await store.run_sheet(strange), [])
            expect(f"the tallies of {strange!r}", await counts(store, strange), Tallies(Count(), {}, {}))
            expect(f"the records of {strange!r}", await store.documents(Kind.BAN, strange), [])
            expect(f"the audit of {strange!r}", await store.audit(subject=strange), [])
        for after, limit, expected in ((2**70, 5, []), (-5, 5, kept), (-(2**70), 5, kept), (0, 0, []), (0, -1, [])):
            found = await store.page(Query(after=after, limit=limit))
            expect(f"the page after {after}, at most {limit}", found, expected)
            expect(f"the review after {after}, at most {limit}", await store.unreviewed(after, limit), [])
            told = [entry.number for entry in await store.audit(after, limit)]
            expect(f"the audit after {after}, at most {limit}", told, [1, 2] if expected else [])
        expect("the page since long ago", await everything(store, since=-(2**70), until=2**70), kept)
        expect("the page of the far future", await everything(store, since=2**70), [])
        expect("everything", await store.page(Query(limit=EVERYTHING)), kept)


READING_CHECKS: Final[list[Check]] = [
    a_page_has_what_was_asked_for,
    pages_follow_decisions,
    a_search_finds_words_wherever_they_stand,
    what_is_still_received_is_left_to_be_reviewed,
    the_run_sheet_has_the_pinned_first,
    tallies_are_exact,
    strange_questions_find_nothing,
]
