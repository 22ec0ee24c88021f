"""Transcripts as a whole: the same bytes from the same log, for each reader what is theirs, and nothing taken back."""

import re
from pathlib import Path

import pytest

from fanout.core.submission import Decision, Source, Step
from fanout.engine.room import Room
from fanout.errors import InvalidInput
from fanout.log.opening import open_engine
from fanout.moderation.ports import Arrival
from fanout.moderation.transcript import (
    LANGUAGES,
    TranscriptFormat,
    first_difference,
    internal_transcript,
    public_transcript,
    transcript_format,
    transcript_view,
)
from fanout.store.memory import MemoryStore
from tests.engine.evening import take
from tests.moderation.transcript.stage import AT, answered, asked, corrected, evening, open_stage

formats = pytest.mark.parametrize("format", list(TranscriptFormat))


async def internal(room: Room, store: MemoryStore, format: TranscriptFormat) -> bytes:
    return b"".join([piece async for piece in internal_transcript(room, store, format)])


async def store_with(*texts: str, person: str = "visitor:subject") -> MemoryStore:
    store = MemoryStore()
    await store.receive(
        [
            Arrival(f"s{number:011}", "stage", Source.SMS, f"sms-{number}", person, "Zoé", text, AT)
            for number, text in enumerate(texts, 1)
        ]
    )
    return store


def files_with(word: bytes, folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if word in path.read_bytes()]


@formats
async def test_what_was_taken_back_is_nowhere_public(format: TranscriptFormat, tmp_path: Path):
    secret, fixed, answer = "SLANDER about Zebulon", "SLANDER in other words", "An answer that repeats the SLANDER"
    async with open_engine(tmp_path) as engine:
        room = await open_stage(engine)
        kept = await asked(room, "When does the minimum wage rise?")
        insult = await asked(room, secret)
        reply = await answered(room, insult, answer)
        fix = await corrected(room, insult, fixed)
        for message in (fix, reply, insult):
            await room.retract(message.id)
        written = await public_transcript(room, format)
        assert b"minimum wage" in written
        assert b"SLANDER" not in written
        assert b"SLANDER" not in await internal(room, MemoryStore(), format)
        assert "SLANDER" not in repr(await room.history())
        async with room.listen(last=100) as listener:
            replayed = await take(listener, 7)
        assert "SLANDER" not in repr(replayed)
        assert replayed[0].id == kept.id
        assert files_with(b"SLANDER", tmp_path) == []
    async with open_engine(tmp_path) as engine:
        assert await public_transcript(engine.room("stage"), format) == written, "and not after a restart"
    assert files_with(b"SLANDER", tmp_path) == []


@formats
async def test_answers_to_what_was_taken_back_stand_under_its_place_in_every_form(format: TranscriptFormat):
    async with open_engine() as engine:
        room = await open_stage(engine)
        kept = await asked(room, "Are the trains late?")
        await answered(room, kept, "No.")
        insult = await asked(room, "SLANDER about Zebulon")
        await answered(room, insult, "That is not so.")
        await room.retract(insult.id)
        written = (await public_transcript(room, format)).decode()
        assert "SLANDER" not in written
        taken_back = (
            "retracted_at" if format.media_type.startswith(("text/csv", "application/json")) else "taken back at"
        )
        between = written[written.index("No.") : written.index("That is not so.")]
        assert (insult.id if taken_back == "retracted_at" else taken_back) in between
        assert taken_back in written


@formats
async def test_a_correction_that_was_not_taken_back_itself_goes_with_what_it_corrected(format: TranscriptFormat):
    async with open_engine() as engine:
        room = await open_stage(engine)
        await evening(room)
        assert b"SLANDER" not in await public_transcript(room, format)
        assert b"SLANDER" not in await internal(room, MemoryStore(), format)


@formats
async def test_the_same_log_gives_the_same_bytes_and_what_is_said_later_is_added(
    format: TranscriptFormat, tmp_path: Path
):
    async with open_engine(tmp_path) as engine:
        room = await open_stage(engine)
        await evening(room)
        written = await public_transcript(room, format)
        assert await public_transcript(room, format) == written
    async with open_engine(tmp_path) as engine:
        room = engine.room("stage")
        assert await public_transcript(room, format) == written
        await asked(room, "One more?")
        assert b"One more?" in await public_transcript(room, format)


@formats
async def test_the_queue_and_who_sent_what_stay_inside(format: TranscriptFormat):
    store = await store_with("Never aired", "Decided on")
    await store.decide([Decision("s00000000002", Step.REJECT, "Bob (moderator)", AT, reason="Already asked.")])
    async with open_engine() as engine:
        room = await open_stage(engine)
        await evening(room)
        public = (await public_transcript(room, format)).decode()
        written = (await internal(room, store, format)).decode()
    for said in ("Never aired", "Already asked", "subject", "s00000000001", "Bob", "sms-"):
        assert said not in public
        assert said in written.replace("\\", "")


async def test_a_long_queue_comes_in_pieces_and_whole():
    store = await store_with(*[f"question {number}." for number in range(1201)])
    async with open_engine() as engine:
        room = await open_stage(engine)
        pieces = [piece async for piece in internal_transcript(room, store, TranscriptFormat.TEXT)]
    assert len(pieces) == 5
    text = b"".join(pieces).decode()
    assert all(f"    question {number}.\n" in text for number in range(1201))


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_page_says_in_which_language_it_is(language: str):
    async with open_engine() as engine:
        room = await open_stage(engine)
        page = (await public_transcript(room, TranscriptFormat.HTML, language)).decode()
    assert f'<html lang="{language}">' in page
    assert ("Rien n’a été diffusé." in page) is (language == "fr")  # noqa: RUF001


@pytest.mark.parametrize(
    ("language", "day", "corrected"), [("en", "2 June 2004", "corrected at"), ("fr", "2 juin 2004", "corrigé à")]
)
async def test_people_read_times_as_they_write_them_and_programs_to_the_millisecond(
    language: str, day: str, corrected: str
):
    store = await store_with("Never aired")
    await store.decide([Decision("s00000000001", Step.REJECT, "Bob (moderator)", AT)])
    async with open_engine() as engine:
        room = await open_stage(engine)
        await evening(room)
        pieces = internal_transcript(room, store, TranscriptFormat.HTML, language)
        page = b"".join([piece async for piece in pieces]).decode()
    assert (
        f'<time datetime="2004-06-02T18:29:00.000Z">{day}, 18:29</time> – '  # noqa: RUF001
        '<time datetime="2004-06-02T18:33:20.000Z">18:33</time> UTC'
    ) in page
    at = f'<time datetime="2004-06-02T18:30:00.000Z">{day}, 18:30</time>'
    assert page.count(f'<dd dir="auto">{at}</dd>') == 2, "received and decided"
    assert f"<li>1 · {at} · " in page
    assert f"{corrected} <time" in page
    assert not re.search(r">[^<]*(\d{4}-\d\d-\d\d|\d\d:\d\d:\d\d)", page)


async def test_a_log_longer_than_a_page_of_history_is_whole():
    async with open_engine() as engine:
        room = await engine.open_room("stage", mode="stage", capacity=10)
        for number in range(1100):
            await room.publish(f"<{number}>")
        text = (await public_transcript(room, TranscriptFormat.TEXT)).decode()
    assert [text.count(f"<{number}>") for number in range(1100)] == [1] * 1100


def test_what_is_not_offered_is_refused_with_what_is():
    with pytest.raises(InvalidInput, match="html, md, json, csv, txt"):
        transcript_format("pdf")
    with pytest.raises(InvalidInput, match="public, internal"):
        transcript_view("secret")


async def test_a_language_that_there_is_not_is_refused():
    async with open_engine() as engine:
        with pytest.raises(InvalidInput, match="en, fr"):
            await public_transcript(await open_stage(engine), TranscriptFormat.TEXT, "de")


@pytest.mark.parametrize(
    ("rebuilt", "found", "says"),
    [
        (b"a\nb\n", b"a\nb\n", None),
        (b"a\nb\n", b"a\nc\n", "line 2 is 'c', and the log gives 'b'"),
        (b"a\nb\n", b"a\n", "line 2 is '', and the log gives 'b'"),
        (b"a\nb", b"a", "it ends before line 2"),
        (b"a", b"a\nb", "line 2 and what follows it are not in the log"),
        (b"x" * 99, b"x" * 98 + b"\xff", f"line 1 is …'{'x' * 20}\\ufffd', and the log gives …'{'x' * 21}'"),
        (b"", b"a", "line 1 is 'a', and the log gives ''"),
    ],
)
def test_the_first_difference_is_shown(rebuilt: bytes, found: bytes, says: str | None):
    assert first_difference(rebuilt, found) == says
