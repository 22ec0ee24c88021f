"""A recording: everything that happened, when and how long it was, and nothing of anybody who was there."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fanout.core.audit import AuditDraft
from fanout.core.message import Author
from fanout.core.submission import Decision, Source, Step
from fanout.errors import ConfigurationError
from fanout.log.opening import LOG_FILE, open_engine
from fanout.moderation.ports import Arrival
from fanout.rehearsal.recording.acts import (
    Act,
    Ask,
    End,
    Say,
    TakeBack,
    open_recording,
)
from fanout.rehearsal.recording.made_up import shape_of
from fanout.rehearsal.recording.recorder import Choice
from fanout.rehearsal.recording.writing import record
from fanout.rehearsal.scenario import read_scenario
from fanout.store.sqlite import DESK_FILE, open_sqlite_store
from tests.server_process import fanout

NOON = 1_773_316_800_000


# --- from a data directory --------------------------------------------------------------------------------------------


async def filled(folder: Path, arrivals: list[Arrival], messages: list[tuple[str, str]], seed: int = 1) -> None:
    """A data directory with these submissions, of which some are decided on by somebody, and these messages."""
    chance = random.Random(seed)
    async with open_engine(folder) as engine:
        await engine.open_room("stage")
        await engine.open_room("salon", follows=["stage"], mode="stage")
        room = engine.room("stage")
        said = []
        for text, name in messages:
            data = {"by": name} if chance.random() < 0.5 else None
            said.append(await room.publish(text or "-", author=Author(name, "guest"), data=data))
        for message in said[::3]:
            await room.retract(message.id)
    store = await open_sqlite_store(folder / DESK_FILE)
    try:
        receipts = await store.receive(arrivals)
        for receipt in receipts[::2]:
            one = receipt.submission
            held = Decision(one.id, Step.HOLD, "the room", one.at + 10)
            await store.decide([held], audited=False)
            await store.decide([Decision(one.id, Step.EDIT, "Ann (moderator)", one.at + 20, text="Other " + one.text)])
            await store.decide([Decision(one.id, Step.REJECT, "Ann (moderator)", one.at + 30, reason="no")])
        await store.put([], [AuditDraft(NOON, "Ann (moderator)", "purge", "stage")])
    finally:
        await store.aclose()


LOUD = "ABCDEFGHIJKLMNOPQRSTUVWXYZÉÈÜßñøЖД日本語🙂🎤"
"""What the file itself has none of: so any three of them in a row are somebody's."""
WORDS = st.text(LOUD, min_size=3, max_size=40)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    asked=st.lists(st.tuples(WORDS, WORDS, WORDS, st.sampled_from(Source)), max_size=12),
    said=st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=8),
)
def test_no_fragment_of_a_text_name_or_subject_is_in_what_was_made(
    asked: list[tuple[str, str, str, Source]], said: list[tuple[str, str]], tmp_path_factory: pytest.TempPathFactory
):
    folder = tmp_path_factory.mktemp("evening")
    arrivals = [
        Arrival(f"aaaaaaaaa{n:03d}", "stage", source, f"{sub}-{n}", f"visitor:{sub}", name, text, NOON + n)
        for n, (text, name, sub, source) in enumerate(asked)
    ]
    trio.run(filled, folder, arrivals, said)
    record(folder, folder / "again.toml", Choice(), None, lambda _: None)
    made = (folder / "again.recording").read_text() + (folder / "again.toml").read_text()
    for word in {word for one in (*asked, *said) for word in one[:3]}:
        for begin in range(len(word) - 2):
            assert word[begin : begin + 3] not in made, word
    assert "aaaaaaaaa" not in made
    assert "Ann" not in made
    acts = [act for act in open_recording(folder / "again.recording").acts() if isinstance(act, Ask)]
    assert Counter(act.text for act in acts) == Counter(shape_of(text) for text, *_ in asked)
    persons = Counter(act.person for act in acts)
    assert sorted(persons.values()) == sorted(Counter(sub for *_, sub, _ in asked).values()), "each keeps their own"
    words = Counter(act.words for act in acts)
    assert sorted(words.values()) == sorted(Counter(text for text, *_ in asked).values()), "who repeats, repeats"


ALL = Choice()


def arrival(number: int, at: int, text: str = "What time is it?", person: str = "visitor:a") -> Arrival:
    return Arrival(f"bbbbbbbbb{number:03d}", "stage", Source.WEB, f"ref{number}", person, "Somebody", text, at)


def recorded(folder: Path, choice: Choice = ALL, listeners: int | None = None) -> list[Act | End]:
    record(folder, folder / "again.toml", choice, listeners, lambda _: None)
    return list(open_recording(folder / "again.recording").acts())


async def desk_only(folder: Path, *arrivals: Arrival) -> None:
    async with open_engine(folder) as engine:
        await engine.open_room("stage")
    store = await open_sqlite_store(folder / DESK_FILE)
    await store.receive(arrivals)
    await store.aclose()


TIMES = [NOON + 5000, NOON, NOON + 250, NOON + 3_600_000]


def test_the_times_between_are_kept_and_long_silences_shortened_where_that_is_wished(tmp_path: Path):
    trio.run(desk_only, tmp_path, *(arrival(number, at) for number, at in enumerate(TIMES)))
    acts = recorded(tmp_path)
    assert [act.at for act in acts] == [0, 250, 5000, 3_600_000, 3_600_000]
    assert open_recording(tmp_path / "again.recording").head.began == NOON
    *acts, end = recorded(tmp_path, Choice(longest_silence=60))
    assert [act.at for act in acts] == [0, 250, 5000, 65_000]
    assert isinstance(end, End)
    assert end.ended == NOON + 3_600_000
    *acts, end = recorded(tmp_path, Choice(since=NOON + 100, until=NOON + 3_600_000))
    assert [act.at for act in acts] == [0, 4750]


def test_a_gateway_whose_clock_is_ahead_does_not_turn_the_order_around(tmp_path: Path):
    async def decided_before_it_was_sent() -> None:
        store = await open_sqlite_store(tmp_path / DESK_FILE)
        for step, by, at in ((Step.HOLD, "the room", NOON), (Step.APPROVE, "Ann (moderator)", NOON + 10)):
            await store.decide([Decision("bbbbbbbbb001", step, by, at)], audited=step is Step.APPROVE)
        await store.aclose()

    trio.run(desk_only, tmp_path, arrival(1, NOON + 4000), arrival(2, NOON))
    trio.run(decided_before_it_was_sent)
    acts = recorded(tmp_path)
    assert [(type(act).__name__, act.at) for act in acts] == [
        ("Ask", 0), ("Ask", 4000), ("Decide", 4000), ("End", 4000),
    ]  # fmt: skip
    *acts, _ = recorded(tmp_path, Choice(until=NOON + 2000))
    assert len(acts) == 1, "and what is decided on is left out with it"


def test_somebody_has_one_number_in_all_rooms_and_what_was_said_has_another_one_in_each_recording(tmp_path: Path):
    async def in_two_rooms() -> None:
        async with open_engine(tmp_path) as engine:
            await engine.open_room("talk", mode="open")
        store = await open_sqlite_store(tmp_path / DESK_FILE)
        await store.receive([replace(arrival(3, NOON + 3, person="visitor:b"), room="talk")])
        await store.receive([replace(arrival(4, NOON + 4), room="talk")])
        await store.aclose()

    trio.run(desk_only, tmp_path, arrival(1, NOON), arrival(2, NOON + 2, "And where?", person="visitor:b"))
    trio.run(in_two_rooms)
    one, other = ([act for act in recorded(tmp_path) if isinstance(act, Ask)] for _ in range(2))
    persons = [act.person for act in one]
    assert (persons[0], persons[1]) == (persons[3], persons[2])
    assert persons[0] != persons[1]
    words = [act.words for act in one]
    assert words[0] == words[2] == words[3] != words[1]
    assert not set(words) & {act.words for act in other}, "nobody can try out what was said"


def test_what_was_purged_or_taken_back_keeps_its_moment_and_about_its_length(tmp_path: Path):
    trio.run(filled, tmp_path, [arrival(1, NOON), arrival(2, NOON + 1, "x" * 30)], [("A long first word.", "Zed")] * 3)

    async def purge() -> None:
        store = await open_sqlite_store(tmp_path / DESK_FILE)
        await store.purge("stage", AuditDraft(NOON + 9, "command line", "purge", "stage"))
        await store.aclose()

    trio.run(purge)
    acts = recorded(tmp_path)
    assert [act.text.one for act in acts if isinstance(act, Ask)] == [80, 80]
    assert [act.person for act in acts if isinstance(act, Ask)] == [0, 0]
    said = [act for act in acts if isinstance(act, Say)]
    assert len(said) == 3, "and none for the room that follows"
    assert 18 <= said[0].text.one <= 40
    assert said[1].text.one == 18
    back = [act for act in acts if isinstance(act, TakeBack)]
    assert [act.message for act in back] == [said[0].message], "the first is the one that was taken back"
    text = (tmp_path / "again.toml").read_text()
    assert "2 texts were purged" in text


def test_a_log_alone_is_enough(tmp_path: Path):
    async def one() -> None:
        async with open_engine(tmp_path) as engine:
            room = await engine.open_room("stage", mode="stage")
            await room.publish("One", author=Author("Ann", "singer"))

    trio.run(one)
    *acts, _ = recorded(tmp_path, listeners=30)
    assert [(act.text.one, act.role) for act in acts if isinstance(act, Say)] == [(3, "")]
    scenario = read_scenario((tmp_path / "again.toml").read_text())
    assert scenario.totals.visitors == 30
    judged = {objective.measure for objective in scenario.objectives}
    assert {"lost", "repeated", "disordered", "gaps", "behind", "absent", "sent_away"} <= judged
    assert "delivery_p99_ms" not in judged, "a text of three characters carries no time"


def test_the_directory_is_read_while_a_server_has_it_and_is_not_changed(tmp_path: Path):
    async def record_beside_a_writer() -> None:
        store = await open_sqlite_store(tmp_path / DESK_FILE)
        await store.receive([arrival(2, NOON + 1)])
        before = files(tmp_path)
        assert len(recorded(tmp_path)) == 3
        assert set(files(tmp_path)) - set(before) == {"again.toml", "again.recording"}
        await store.receive([arrival(3, NOON + 2)])
        await store.aclose()

    trio.run(desk_only, tmp_path, arrival(1, NOON))
    trio.run(record_beside_a_writer)
    (tmp_path / "out").mkdir()
    before = files(tmp_path)
    record(tmp_path, tmp_path / "out" / "again.toml", Choice(), None, lambda _: None)
    assert len(list(open_recording(tmp_path / "out" / "again.recording").acts())) == 4
    assert files(tmp_path) == before


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


# --- what can't be recorded -------------------------------------------------------------------------------------------


def test_a_directory_that_can_t_be_recorded_is_exit_code_2_and_leaves_nothing_behind(tmp_path: Path):
    trio.run(desk_only, tmp_path / "empty")
    trio.run(desk_only, tmp_path / "torn", *(arrival(number, NOON + number) for number in range(200)))
    desk = tmp_path / "torn" / DESK_FILE
    desk.write_bytes(desk.read_bytes()[:20_000] + b"\x99" * 30_000)
    (tmp_path / "noise").mkdir()
    (tmp_path / "noise" / LOG_FILE).write_bytes(b"This is no database at all." * 50)
    trio.run(desk_only, tmp_path / "newer", arrival(1, NOON))
    with sqlite3.connect(tmp_path / "newer" / DESK_FILE) as newer:
        newer.execute("UPDATE schema_version SET version = 99")
    for data, said in {
        "nowhere": "there is no log.sqlite3 in it",
        "empty": "nothing was said, asked or decided there",
        "torn": "can't be read",
        "noise": "can't be read",
        "newer": "was written by a newer fanout (schema 99",
    }.items():
        done = fanout("record", data, "-o", "again.toml", folder=tmp_path)
        assert done.returncode == 2, (data, done.stdout, done.stderr)
        assert said in done.stderr
        assert not list(tmp_path.glob("again*")), data


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    trio.run(filled, folder, [arrival(number, NOON + number) for number in range(40)], [("What they said.", "Zed")] * 9)
    return folder


@settings(max_examples=15, deadline=None)
@given(st.sampled_from([LOG_FILE, DESK_FILE]), st.randoms(use_true_random=False), st.sampled_from([1, 4, 300]))
def test_whatever_is_broken_in_a_directory_is_said(
    whole: Path, tmp_path_factory: pytest.TempPathFactory, file: str, chance: random.Random, times: int
):
    broken = tmp_path_factory.mktemp("broken")
    for name in (LOG_FILE, DESK_FILE):
        content = bytearray((whole / name).read_bytes())
        for _ in range(times if name == file else 0):
            content[chance.randrange(len(content))] = chance.randrange(256)
        (broken / name).write_bytes(content)
    with suppress(ConfigurationError):
        assert isinstance(recorded(broken)[-1], End)
        return
    assert not list(broken.glob("again*"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--since", "yesterday"], "a time like 2026-03-12T20:00"),
        (["--listeners", "0"], "a whole number above 0"),
        (["-o", "again.txt"], "ends in .toml: again.toml"),
        (["-o", "nowhere/again.toml"], "nowhere is no folder"),
        (["-o", "by-hand.toml"], "by-hand.toml is there, and somebody may have changed it"),
    ],
)
def test_a_mistake_in_the_command_says_what_is_accepted(tmp_path: Path, arguments: list[str], said: str):
    trio.run(desk_only, tmp_path, arrival(1, NOON))
    (tmp_path / "by-hand.toml").touch()
    done = fanout("record", ".", "-o", "again.toml", *arguments, folder=tmp_path)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr
