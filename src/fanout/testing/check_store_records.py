"""What a store does with the desk's other records, the audit, telephone keys, and when a room is purged.

Run by way of `fanout.testing.check_store`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import trio

from fanout.core.audit import AuditDraft
from fanout.core.submission import Source, State, Step
from fanout.core.verdict import Opinion, VerdictKind
from fanout.moderation.ports import Count, Document, Kind, Purged, Store, Tallies
from fanout.testing.store_under_test import (
    AT,
    Check,
    MakeStore,
    arrival,
    counts,
    everything,
    expect,
    id_of,
    lead,
    message_of,
    numbers,
    opened,
    received,
    standing,
    step,
    trail,
)

PURGE: Final = AuditDraft(AT + 9_000, "Ada (admin)", "purge", "a", "", {"why": "asked for"})


def document(name: str, room: str = "a", kind: Kind = Kind.RULES, **body: Any) -> Document:
    """A record of that id."""
    return Document(kind, room, name, body)


async def a_record_takes_the_place_of_the_one_before(make: MakeStore) -> None:
    """Of the same kind, room and id, and of no other; the order is that of their making."""
    async with opened(make()) as store:
        first = document("z", n=1, deep={"é\0": [1.5, None, True, 2**53, "\U0001f3a4"]})
        others = [document("z", "b"), document("z", kind=Kind.BAN), document("a", n=2)]
        await store.put([first, others[0]])
        await store.put(others[1:])
        expect("records of all rooms", await store.documents(Kind.RULES), [first, others[0], others[2]])
        changed = replace(first, body={"n": 3})
        await store.put([changed])
        expect("a room's records", await store.documents(Kind.RULES, "a"), [changed, others[2]])
        expect("another room's records", await store.documents(Kind.RULES, "b"), [others[0]])
        expect("another kind's records", await store.documents(Kind.BAN), [others[1]])
        expect("records of a kind that has none", await store.documents(Kind.AIRING), [])


async def a_record_without_a_body_is_gone(make: MakeStore) -> None:
    """The others stay; one made anew is the last; to take away what is not there is no fault."""
    async with opened(make()) as store:
        first, second = document("x", n=1), document("y")
        gone = replace(first, body=None)
        await store.put([first, second, document("x", "b")])
        await store.put([gone, replace(first, id="nobody", body=None)])
        expect("what is left", await store.documents(Kind.RULES, "a"), [second])
        await store.put([first])
        expect("what was made anew", await store.documents(Kind.RULES, "a"), [second, first])
        await store.put([gone, second, first, gone])
        expect("the last word of one call", await store.documents(Kind.RULES, "a"), [second])


async def what_was_given_is_kept_as_it_was(make: MakeStore) -> None:
    """Whoever goes on using what it gave, changes nothing that is kept: neither a record nor the audit."""
    async with opened(make()) as store:
        body: dict[str, Any] = {"list": [1]}
        detail = {"why": "first"}
        await store.put([Document(Kind.RULES, "a", "x", body)], [replace(PURGE, detail=detail)])
        body["list"].append(2)
        detail["why"] = "second"
        expect("the record", await store.documents(Kind.RULES), [document("x", list=[1])])
        expect("the audit", [dict(entry.draft.detail) for entry in await trail(store)], [{"why": "first"}])


async def the_audit_goes_on_where_it_was_asked_to(make: MakeStore) -> None:
    """One chain of all that was said, whatever said it: oldest first, after a number, about one subject."""
    async with opened(make()) as store:
        await received(store, 1)
        odd = AuditDraft(0, "command line\0é", "ban", "", "", {"z": "\n", "a": ""})
        drafts = [replace(PURGE, action=f"do {number}", subject="xy"[number % 2]) for number in range(4)]
        await store.put([document("x")], drafts[:2])
        await lead(store, 1, Step.HOLD)
        await store.put([], [odd])
        await store.put([document("x")], drafts[2:])
        entries = await trail(store)
        expect("numbers", [entry.number for entry in entries], [*range(1, 7)])
        said = [entry.draft for entry in entries]
        expect("what was recorded", said, [*drafts[:2], said[2], odd, *drafts[2:]])
        for after, limit, subject, expected in (
            (0, 2, None, [1, 2]),
            (2, 2, None, [3, 4]),
            (5, 9, None, [6]),
            (6, 9, None, []),
            (0, 9, "x", [1, 5]),
            (1, 9, "x", [5]),
            (0, 1, "y", [2]),
            (0, 9, id_of(1), [3]),
        ):
            found = await store.audit(after, limit, subject)
            asked = f"the audit after {after}, at most {limit}, about {subject}"
            expect(asked, found, [entries[number - 1] for number in expected])


async def an_event_has_one_telephone_key(make: MakeStore) -> None:
    """Of 32 bytes, always the same, also for those who ask first at the same moment, and another than any other
    event's."""
    async with opened(make()) as store, opened(make()) as other:
        keys: list[bytes] = []

        async def ask() -> None:
            keys.append(await store.phone_key())

        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(ask)
        expect("different keys of one event", len({*keys, await store.phone_key()}), 1)
        expect("its length", len(keys[0]), 32)
        expect("whether another event has it too", await other.phone_key() == keys[0], False)


def answer_lines(room: str) -> list[Document]:
    """A draft, a final line on its way, and one that is on air."""
    shapes: list[tuple[str, bool, str | None]] = [("draft", False, None), ("due", True, None), ("aired", True, "m1")]
    return [
        document(name, room, Kind.ANSWER_LINE, text=f"secret line {name}", final=final, message=message)
        for name, final, message in shapes
    ]


async def an_evening_to_purge(store: Store) -> None:
    """Six submissions in `a`: received, held, aired after an edit, answered, retracted, rejected; one in `b`; bans."""
    opinions = (Opinion("words", VerdictKind.HOLD, "secret opinion"),)
    for number in range(1, 7):
        await received(store, number, text=f"secret {number}", name=f"name {number}", person="phone:1")
    await received(store, 7, room="b", text="secret 7")
    await store.decide([step(number, Step.HOLD, opinions=opinions) for number in range(2, 7)])
    await store.decide([step(3, Step.APPROVE, text="aired 3"), step(3, Step.AIR)])
    await store.decide([step(4, Step.APPROVE, text="aired 4"), step(4, Step.AIR), step(4, Step.ANSWER)])
    await store.decide([step(5, Step.APPROVE), step(5, Step.AIR), step(5, Step.RETRACT, reason="secret slip")])
    await store.decide([step(6, Step.REJECT, reason="secret reason")])
    bans = [document("ban", room, Kind.BAN, target="phone:1") for room in ("a", "b", "*")]
    await store.put([*bans, document("rules", slow_s=5), *(line for room in "ab" for line in answer_lines(room))])


async def a_purge_destroys_what_tells_of_people(make: MakeStore) -> None:
    """Pseudonyms, senders' ids, originals and opinions everywhere; texts, names and reasons of what is not on air; the
    room's bans. Final texts on air and states stay, and another room is not touched."""
    async with opened(make()) as store:
        await an_evening_to_purge(store)
        before = {submission.id: submission for submission in await everything(store)}
        expect("what it went through, and who has people", await store.purge("a", PURGE), Purged(6, ("b",)))
        for number in range(1, 7):
            now, then = await standing(store, number), before[id_of(number)]
            on_air = now.state in (State.AIRED, State.ANSWERED)
            expect(f"who sent {number}", (now.person, now.source_id), ("", ""))
            expect(f"what was said of {number}", (now.original, now.before, now.opinions), (None, None, ()))
            left = (then.name, then.text, then.reason) if on_air else ("", "", "")
            expect(f"name, text and reason of {number}", (now.name, now.text, now.reason), left)
            kept = replace(then, person="", source_id="", original=None, before=None, opinions=())
            expect(f"the rest of {number}", now, replace(kept, name=left[0], text=left[1], reason=left[2]))
        expect("another room's submission", await standing(store, 7), before[id_of(7)])
        expect("what is found on air by its message", await store.find_message(message_of(3)), await standing(store, 3))
        expect("what a search finds", numbers(await everything(store, search="secret")), [7])
        expect("what a search finds on air", numbers(await everything(store, search="aired")), [3, 4])
        expect("what the pseudonym finds", await everything(store, room="a", person="phone:1"), [])
        bans = [ban.room for ban in await store.documents(Kind.BAN)]
        expect("bans, while another room has people", bans, ["b", "*"])
        _, due, aired = answer_lines("a")
        lines = [due, replace(aired, body={**(aired.body or {}), "text": ""})]
        expect("lines of answers", await store.documents(Kind.ANSWER_LINE), [*lines, *answer_lines("b")])
        expect("rules", await store.documents(Kind.RULES), [document("rules", slow_s=5)])
        nowhere = await store.purge("nowhere", replace(PURGE, room="nowhere"))
        expect("a purge of an empty room", nowhere, Purged(0, ("b",)))


async def what_is_the_whole_events_goes_with_the_last_room_that_has_people(make: MakeStore) -> None:
    """The telephone key, bans for every room, and those of telephones wherever: in whatever order the rooms are purged,
    and with a room in which nobody has sent anything. Another ban of such a room stays."""
    async with opened(make()) as store:
        await an_evening_to_purge(store)
        early = [
            document("phone", "c", Kind.BAN, target="phone:1"),
            document("cookie", "c", Kind.BAN, target="visitor:1"),
        ]
        await store.put(early)
        key = await store.phone_key()
        steps = [("nowhere", "ab", "ab*cc"), ("b", "a", "a*cc"), ("a", "", "c")]
        for room, peopled, left in steps:
            purged = await store.purge(room, replace(PURGE, room=room))
            expect(f"rooms with people after a purge of {room}", "".join(purged.peopled), peopled)
            bans = await store.documents(Kind.BAN)
            expect(f"bans after a purge of {room}", "".join(ban.room for ban in bans), left)
            expect(
                f"whether the key is the old one after a purge of {room}", await store.phone_key() == key, peopled != ""
            )
        expect("bans of a room without people", bans, early[1:])


async def a_purge_says_how_far_it_is(make: MakeStore) -> None:
    """In the end that it has gone through all of them."""
    async with opened(make()) as store:
        await received(store, *range(600))
        told: list[int] = []
        await store.purge("a", PURGE, told.append)
        expect("the last word on how far it is", told[-1:], [600])
        expect("whether it goes up", told, sorted(told))


async def a_purge_keeps_tallies_and_audit(make: MakeStore) -> None:
    """What was counted stays counted, the trail stays sound, and the purge itself is its last entry."""
    async with opened(make()) as store:
        await an_evening_to_purge(store)
        tallies, entries = await counts(store), await trail(store)
        expect("messages and people", tallies.total, Count(6, 1))
        await store.purge("a", PURGE)
        expect("tallies", await counts(store), tallies)
        after = await trail(store)
        expect("the entries before", after[:-1], entries)
        expect("the last entry", after[-1].draft, PURGE)


async def after_a_purge_the_room_goes_on(make: MakeStore) -> None:
    """What comes again is no repeat and is counted anew; ids stay taken, and nothing that was purged comes back by an
    undo."""
    async with opened(make()) as store:
        await an_evening_to_purge(store)
        await store.purge("a", PURGE)
        again = await store.receive([arrival(11, source_id="sent-1", person="phone:1"), arrival(7, "b")])
        expect("repeats", [receipt.repeated for receipt in again], [False, True])
        expect("its number", again[0].submission.number, 8)
        tallies = await counts(store)
        expect("messages and people", (tallies.total, tallies.by_source), (Count(7, 2), {Source.WEB: Count(7, 2)}))
        expect("what it went through again", await store.purge("a", PURGE), Purged(7, ("b",)))
        expect("messages and people of all", (await counts(store)).total, Count(7, 2))
        held = await lead(store, 2, Step.APPROVE, Step.UNDO)
        expect("text and name after an undo", (held.text, held.name), ("", ""))
        other_room = Tallies(Count(1, 1), {Source.WEB: Count(1, 1)}, {State.RECEIVED: 1})
        expect("another room's tallies", await counts(store, "b"), other_room)


RECORD_CHECKS: Final[list[Check]] = [
    a_record_takes_the_place_of_the_one_before,
    a_record_without_a_body_is_gone,
    what_was_given_is_kept_as_it_was,
    the_audit_goes_on_where_it_was_asked_to,
    an_event_has_one_telephone_key,
    a_purge_destroys_what_tells_of_people,
    what_is_the_whole_events_goes_with_the_last_room_that_has_people,
    a_purge_says_how_far_it_is,
    a_purge_keeps_tallies_and_audit,
    after_a_purge_the_room_goes_on,
]
