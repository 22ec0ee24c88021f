"""The conformance suite of the port `fanout.engine.ports.Log`: what a log must do to be trusted, as code.

    @pytest.mark.parametrize("check", LOG_CHECKS + DURABLE_LOG_CHECKS, ids=lambda check: check.__name__)
    async def test_my_log_keeps_the_contract(check, tmp_path):
        await check(lambda: functools.partial(open_my_log, tmp_path / secrets.token_hex(4)))

A log that keeps nothing beyond its process runs `LOG_CHECKS` alone. Each check is an async function to be run on trio;
it raises `LogContractBroken`, which says in a sentence what was expected and what was found. What a disk does when it
is full, and what is left in files after a retraction, only the log's own tests can know.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

import trio
import trio.testing

from fanout.core.message import Draft, Entry, Message, Retraction
from fanout.core.position import Position
from fanout.core.room import room_settings
from fanout.engine.ports import Appended
from fanout.errors import KeyReused, RoomNotFound
from fanout.testing.log_under_test import (
    MakeLog,
    Told,
    everything,
    expect,
    numbers,
    opened,
    publication,
    refused,
    said,
    taken_back,
)

PUBLISHERS: Final = 200
"""Tasks that publish at once; "hundreds"."""

Check = Callable[[MakeLog], Awaitable[None]]


# --- rooms -----------------------------------------------------------------------------------------------------------


async def a_saved_room_is_there_and_empty(make: MakeLog) -> None:
    """It has the settings given, no entries, and an epoch that a position can be written with."""
    async with opened(make()) as (log, _):
        expect("a new log's rooms", await log.streams(), [])
        settings = room_settings("a", mode="stage", capacity=7, follows=["b"], title="Scène")
        stream = await log.save_room(settings)
        expect("what save_room returned", (stream.settings, stream.head, stream.oldest), (settings, 0, 1))
        expect("streams", await log.streams(), [stream])
        place = Position(stream.epoch, 0)
        expect("the epoch, written and read", Position.parse(str(place)), place)
        expect("availability", log.available, True)


async def another_log_has_another_epoch(make: MakeLog) -> None:
    """A stream that was lost and begun anew must not look like the old one."""
    epochs = []
    for _ in range(3):
        async with opened(make(), "a") as (log, _):
            epochs.append((await log.streams())[0].epoch)
    expect("different epochs of three logs", len(set(epochs)), 3)


async def changing_a_room_keeps_its_stream(make: MakeLog) -> None:
    """Other settings, the same epoch, head and entries."""
    async with opened(make(), "a", "b") as (log, _):
        first = await log.append(publication(said("a", "one"), said("b", "one")))
        changed = await log.save_room(room_settings("a", mode="open", title="new"))
        expect("title and head after the change", (changed.settings.title, changed.head), ("new", 1))
        expect("the epoch after the change", changed.epoch, first.entries[0].position.epoch)
        expect("the entries after the change", await everything(log, "a"), [first.entries[0]])
        expect("streams after the change", [s.settings.title for s in await log.streams()], ["new", ""])


# --- order and atomicity ---------------------------------------------------------------------------------------------


async def numbers_are_dense_from_one(make: MakeLog) -> None:
    """In each room for itself, drafts of one publication consecutively and in their order."""
    async with opened(make(), "a", "b") as (log, told):
        await log.append(publication(said("a", "1")))
        await log.append(publication(said("b", "1"), said("a", "2"), said("b", "2"), said("a", "3")))
        await log.append(publication(taken_back("a", "id-2")))
        await log.append(publication(said("a", "5")))
        for room, count in (("a", 5), ("b", 2)):
            expect(f"numbers in {room}", numbers(await everything(log, room)), [*range(1, count + 1)])
            expect(f"numbers told of {room}", numbers(told.of(room)), [*range(1, count + 1)])
        heads = {stream.settings.name: (stream.head, stream.oldest) for stream in await log.streams()}
        expect("heads and oldest", heads, {"a": (5, 1), "b": (2, 1)})


async def entries_are_what_was_said(make: MakeLog) -> None:
    """Every field comes back as it went in, however it is asked for."""
    async with opened(make(), "a") as (log, told):
        plain = Draft("a", 5, "plain")
        odd = replace(
            said("a", "x" * 16_000 + "\0\n\u2028\U0001f3a4é' --", "odd"), data={"deep": [{"é": 1.5}, True, ""]}
        )
        appended = await log.append(publication(plain, odd))
        epoch = (await log.streams())[0].epoch
        expected = [plain.numbered(Position(epoch, 1)), odd.numbered(Position(epoch, 2))]
        expect("what append returned", list(appended.entries), expected)
        expect("what on_commit was told", told.entries, expected)
        expect("what read returned", await everything(log, "a"), expected)
        expect("what find returned", await log.find("a", "odd"), expected[1])


async def a_publication_is_all_or_nothing(make: MakeLog) -> None:
    """One unknown room, wherever it stands, and nothing is appended, told, numbered, or remembered under the key."""
    async with opened(make(), "a", "b") as (log, told):
        lost = publication(said("a", "1"), said("b", "1"), said("nowhere", "1"), key="k")
        await refused(log, RoomNotFound, lost)
        expect("told of a refused publication", told.entries, [])
        expect("entries of a refused publication", await everything(log, "a") + await everything(log, "b"), [])
        again = await log.append(publication(said("a", "1"), key="k", fingerprint=b"other"))
        expect("the first number and its novelty", (numbers(again.entries), again.repeated), ([1], False))


async def commits_are_told_before_append_returns(make: MakeLog) -> None:
    """Whoever has published finds its own entry already in the ring; and everything is told once."""
    async with opened(make(), "a", "b") as (log, told):

        async def publish(name: int) -> None:
            for turn in range(5):
                appended = await log.append(publication(said("a", f"{name}-{turn}"), said("b", f"{name}-{turn}")))
                missing = [entry for entry in appended.entries if entry not in told.entries]
                expect("returned by append, but not yet told", missing, [])

        async with trio.open_nursery() as nursery:
            for name in range(10):
                nursery.start_soon(publish, name)
        for room in ("a", "b"):
            expect(f"numbers told of {room}", numbers(told.of(room)), [*range(1, 51)])
            expect(f"entries told of {room}", told.of(room), await everything(log, room))


async def hundreds_publish_at_once(make: MakeLog) -> None:
    """No number is given twice or left out, and everybody's answer is about their own entry."""
    async with opened(make(), "a", "b") as (log, told):

        async def publish(name: int) -> None:
            room = "ab"[name % 2]
            (first,) = (await log.append(publication(said(room, f"{name}-1"), key=f"k{name}"))).entries
            (second,) = (await log.append(publication(said(room, f"{name}-2")))).entries
            expect("whether the second is after the first", first.position.seq < second.position.seq, True)
            expect("what stands at the number returned", await log.read(room, first.position.seq - 1, 1), [first])

        with trio.fail_after(60):
            async with trio.open_nursery() as nursery:
                for name in range(PUBLISHERS):
                    nursery.start_soon(publish, name)
        for room in ("a", "b"):
            expect(f"numbers in {room}", numbers(await everything(log, room)), [*range(1, PUBLISHERS + 1)])
            expect(f"entries told of {room}", told.of(room), await everything(log, room))


# --- keys ------------------------------------------------------------------------------------------------------------


async def a_used_key_appends_nothing(make: MakeLog) -> None:
    """It returns what it returned first; with other content it is refused; in another room it is another key."""
    async with opened(make(), "a", "b") as (log, told):
        asked = publication(said("a", "1"), said("b", "1"), said("a", "2"), key="k\0é")
        first = await log.append(asked)
        await log.append(publication(said("a", "3"), key="k"))
        expect("the same key again", await log.append(asked), Appended(first.entries, repeated=True))
        await refused(log, KeyReused, publication(said("a", "other"), key="k\0é", fingerprint=b"other"))
        expect("numbers told after repeating", numbers(told.of("a")), [1, 2, 3])
        expect("numbers kept after repeating", numbers(await everything(log, "a")), [1, 2, 3])
        elsewhere = await log.append(publication(said("b", "2"), key="k", fingerprint=b"other"))
        expect("the same key in another room", (numbers(elsewhere.entries), elsewhere.repeated), ([2], False))


async def a_key_used_at_once_counts_once(make: MakeLog) -> None:
    """Everybody who comes with the same key gets the same entries; one of them brought them."""
    async with opened(make(), "a", "b") as (log, told):
        answers: list[Appended] = []

        async def publish(number: int) -> None:
            await log.append(publication(said("b", f"between {number}")))
            answers.append(await log.append(publication(said("a", "1"), said("a", "2"), key="k")))

        async with trio.open_nursery() as nursery:
            for number in range(20):
                nursery.start_soon(publish, number)
        expect("how many brought it", sum(not answer.repeated for answer in answers), 1)
        others = [answer.entries for answer in answers if answer.entries != tuple(told.of("a"))]
        expect("answers with other entries", others, [])
        expect("numbers in the room", numbers(await everything(log, "a")), [1, 2])


# --- retractions -----------------------------------------------------------------------------------------------------


async def a_retraction_takes_everything_back(make: MakeLog) -> None:
    """Text, data and name are gone from read, find and a repeated key, in every room named; nothing else is."""
    async with opened(make(), "a", "b", "c") as (log, _):
        asked = publication(said("a", "x"), said("b", "x"), said("c", "x"), key="k")
        first = await log.append(asked)
        (other,) = (await log.append(publication(said("a", "y")))).entries
        expect("a retraction before there is one", await log.find_retraction("a", "id-x"), None)
        back = (await log.append(publication(taken_back("a", "id-x"), taken_back("b", "id-x")))).entries
        expect("the retraction's entry", back[0], Retraction("a", back[0].position, "id-x", 1_700_000_000_456))
        gone = [entry.redacted() for entry in first.entries if isinstance(entry, Message)]
        expect("what is left to read", await everything(log, "a"), [gone[0], other, back[0]])
        expect("what is left in the second room", await everything(log, "b"), [gone[1], back[1]])
        expect("what is left to find", await log.find("a", "id-x"), gone[0])
        expect("the room that was not named", await everything(log, "c"), [first.entries[2]])
        expect("the retraction, found", await log.find_retraction("b", "id-x"), back[1])
        expect("the retraction where there is none", await log.find_retraction("c", "id-x"), None)
        expect("the key, repeated", (await log.append(asked)).entries, (*gone[:2], first.entries[2]))


# --- reading ---------------------------------------------------------------------------------------------------------


async def reading_goes_on_where_it_was_asked_to(make: MakeLog) -> None:
    """`after` is left out, `limit` is kept to, strange values find nothing and unknown rooms are refused."""
    async with opened(make(), "a", "b") as (log, _):
        await log.append(publication(*(said("a", str(number)) for number in range(1, 11))))
        for after, limit, expected in (
            (0, 3, [1, 2, 3]),
            (3, 100, [4, 5, 6, 7, 8, 9, 10]),
            (9, 1, [10]),
            (10, 5, []),
            (11, 5, []),
            (2**70, 5, []),
            (-5, 2, [1, 2]),
            (0, 0, []),
            (0, -1, []),
        ):
            found = numbers(await log.read("a", after, limit))
            expect(f"read after {after}, at most {limit}", found, expected)
        expect("a room without entries", await log.read("b", 0, 10), [])
        for unknown in ("nobody", "", "\ud800", "id-1\0"):
            expect(f"find of {unknown!r}", await log.find("a", unknown), None)
        expect("find in another room", await log.find("b", "id-1"), None)
        with suppress(RoomNotFound):
            expect("read of an unknown room", await log.read("nowhere", 0, 1), RoomNotFound)


# --- cancelling ------------------------------------------------------------------------------------------------------


async def cancelling_leaves_all_or_nothing(make: MakeLog) -> None:
    """A cancelled append is whole or absent, told if and only if it is kept, and can be repeated with its key."""
    async with opened(make(), "a", "b") as (log, told):
        scopes = [trio.CancelScope() for _ in range(60)]

        async def publish(number: int) -> None:
            with scopes[number]:
                for _ in range(number % 4):
                    await trio.lowlevel.checkpoint()
                if number % 6 == 0:
                    scopes[number].cancel()  # before it begins; the others at whatever moment the scheduler makes it
                await log.append(publication(said("a", str(number)), said("b", str(number)), key=str(number)))

        async with trio.open_nursery() as nursery:
            for number in range(60):
                nursery.start_soon(publish, number)
            await trio.lowlevel.checkpoint()
            for scope in scopes[::2]:
                scope.cancel()
        for number in range(60):
            await log.append(publication(said("a", str(number)), said("b", str(number)), key=str(number)))
        for room in ("a", "b"):
            kept = await everything(log, room)
            expect(f"numbers in {room}", numbers(kept), [*range(1, 61)])
            expect(f"entries told of {room}", told.of(room), kept)
            texts = sorted(int(entry.text) for entry in kept if isinstance(entry, Message))
            expect(f"texts in {room}", texts, [*range(60)])


# --- restarts --------------------------------------------------------------------------------------------------------


async def a_restart_changes_nothing(make: MakeLog) -> None:
    """Rooms, settings, epochs, entries, retractions and keys are there again, and the numbers go on."""
    open_log = make()
    asked = publication(said("a", "1"), said("b", "1"), key="k")
    async with opened(open_log, "a", "b", "empty") as (log, _):
        await log.save_room(room_settings("b", mode="stage", title="B"))
        await log.append(asked)
        await log.append(publication(said("a", "2")))
        await log.append(publication(taken_back("a", "id-1")))
        repeated = (await log.append(asked)).entries
        streams, kept = await log.streams(), await everything(log, "a")
    async with opened(open_log) as (log, told):
        expect("streams after a restart", await log.streams(), streams)
        expect("entries after a restart", await everything(log, "a"), kept)
        expect("a retraction after a restart", await log.find_retraction("a", "id-1"), kept[2])
        expect("a key after a restart", await log.append(asked), Appended(repeated, repeated=True))
        await refused(log, KeyReused, replace(asked, fingerprint=b"other"))
        expect("told after a restart", told.entries, [])
        (went_on,) = (await log.append(publication(said("a", "3")))).entries
        expect("the next position", went_on.position, Position(streams[0].epoch, 4))


async def closing_finishes_what_was_begun(make: MakeLog) -> None:
    """What was on its way when the log was closed is answered, and what was answered is kept."""
    open_log = make()
    answered: list[Entry] = []
    log, told = await open_log(), Told()
    log.start(told)
    await log.save_room(room_settings("a"))

    async def publish(number: int) -> None:
        answered.extend((await log.append(publication(said("a", str(number))))).entries)

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            for number in range(50):
                nursery.start_soon(publish, number)
            await trio.testing.wait_all_tasks_blocked()
            await log.aclose()
    expect("answers", len(answered), 50)
    async with opened(open_log) as (log, _):
        kept = await everything(log, "a")
        expect("kept", kept, sorted(answered, key=lambda entry: entry.position.seq))
        expect("told", told.entries, kept)


LOG_CHECKS: Final[list[Check]] = [
    a_saved_room_is_there_and_empty,
    another_log_has_another_epoch,
    changing_a_room_keeps_its_stream,
    numbers_are_dense_from_one,
    entries_are_what_was_said,
    a_publication_is_all_or_nothing,
    commits_are_told_before_append_returns,
    hundreds_publish_at_once,
    a_used_key_appends_nothing,
    a_key_used_at_once_counts_once,
    a_retraction_takes_everything_back,
    reading_goes_on_where_it_was_asked_to,
    cancelling_leaves_all_or_nothing,
]
"""What every log does."""

DURABLE_LOG_CHECKS: Final[list[Check]] = [a_restart_changes_nothing, closing_finishes_what_was_begun]
"""What a log that survives its process does besides."""
