"""Advance questions out of a file: whatever is wrong with one line, the others go in; and nothing goes in twice."""

import io
import json
import time

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st

from fanout.core.submission import Source, State
from fanout.moderation.importing import (
    MAX_LINE_BYTES,
    Broken,
    FileFormat,
    Imported,
    Question,
    import_questions,
    read_questions,
)
from fanout.moderation.ports import Query
from fanout.store.memory import MemoryStore

NOW = 1_086_000_000_000


def read(content: bytes | str, format: FileFormat = FileFormat.CSV) -> list[Question | Broken]:
    written = content.encode() if isinstance(content, str) else content
    return list(read_questions(io.BytesIO(written), format))


def shown(found: list[Question | Broken]) -> list:
    return [one.text if isinstance(one, Question) else one.line for one in found]


def test_columns_are_named_by_a_first_line_in_any_order_and_else_stand_in_ours():
    named = read("at,name,text,town,source_id\n2004-06-02T18:30:00Z,Zoé,Why?,Lyon,q1\n")
    plain = read("Why?,Zoé,q1,2004-06-02T20:30:00+02:00\n")
    assert named == [Question(2, "Why?", "Zoé", "q1", 1_086_201_000_000)]
    assert plain == [Question(1, "Why?", "Zoé", "q1", 1_086_201_000_000)]


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (b"\xef\xbb\xbftext\r\nWhy?\r\nWhen?\r\n", ["Why?", "When?"]),
        ("text;name\nWhy, really?;Zoé\n", ["Why, really?"]),
        ("text\tname\nWhy?\tZoé", ["Why?"]),
        ('text,name\n"one\ntwo ""three""\n\nfour",Zoé\nnext,\n', ['one\ntwo "three"\n\nfour', "next"]),
        ('text\r\n"one\r\ntwo"\r\n', ["one\ntwo"]),
        ("text\n\n   \n,\nWhy?\n", ["Why?"]),
        ("", []),
        ("text\n", []),
    ],
)
def test_what_spreadsheets_write_is_read(content: bytes | str, texts: list):
    assert shown(read(content)) == texts


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"caf\xe9", "not UTF-8 (byte 4)"),
        (b"   ,Max", "empty"),
        (b"x" * 2001, "at most 2000 characters"),
        (b"x" * (MAX_LINE_BYTES + 5), "longer than 64 KiB"),
        (b"one,two,three,,five", "5 cells"),
        (b'say "what",Max', ""),
        (b'"open,Max', "quotation mark"),
        (b'"closed" too early,Max', "not CSV"),
        ("Why?,\u202eMax".encode(), "name"),
        (b"Why?," + b"M" * 100, "name"),
        (b"Why?,Max," + b"1" * 300, "source_id"),
        (b"Why?,Max,7,yesterday", "at is a time with its zone"),
        (b"Why?,Max,7,2004-06-02T18:30:00", "zone"),
        (b"Why?,Max,7,99999999999999999", "at is"),
        ("Wh\u202ey?".encode(), "U+202E"),
        (b"nul\x00", "U+0000"),
    ],
)
def test_a_broken_line_in_the_middle_is_reported_by_its_number_and_the_rest_goes_in(line: bytes, says: str):
    found = read(b"text,name,source_id,at\nfirst,,1,\n" + line + b"\nlast,,2,\nvery last,,3,\n")
    if not says:
        assert shown(found) == ["first", 'say "what"', "last", "very last"], "quotation marks inside are text"
        return
    assert shown(found) == ["first", 3, "last", "very last"]
    assert says in found[1].what


def test_an_open_quotation_mark_swallows_nothing_even_when_others_follow():
    found = read('a\n"open\nb\n"c ""quoted"" here"\n"also open\n"d"\ne\n')
    assert shown(found) == ["a", 2, "b", 'c "quoted" here', 5, "d", "e"]


def test_many_open_quotation_marks_take_no_time():
    began = time.process_time()
    found = read(b'"a question, and its mark is left open\n' * 4001)
    assert len(found) >= 2000
    assert all(isinstance(one, Broken) for one in found)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{", "not an object"),
        (b'{"name":"Max"}', "text"),
        (b'{"text":4}', "text"),
        (b"[1]", "not an object"),
        (b'{"text":"\xff"}', "UTF-8"),
        (b'{"text":"\\ud800"}', ""),
        (b"[" * 20_000, "not an object"),
        (b'{"text":"Why?","x":' + b"[" * 20_000 + b"]" * 20_000 + b"}", "nested too deeply"),
    ],
)
def test_json_lines_are_read_in_the_same_way(line: bytes, says: str):
    lines = [
        b'{"text":"Why?","name":null,"source_id":7,"at":1086201000000,"town":"Lyon"}',
        line,
        b"",
        b'{"text":"End"}',
    ]
    first, broken, last = read(b"\r\n".join(lines), FileFormat.JSON_LINES)
    assert first == Question(1, "Why?", "", "7", 1_086_201_000_000)
    assert isinstance(broken, Broken)
    assert broken.line == 2
    assert says in broken.what
    assert (last.line, last.text) == (4, "End")


CELLS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "M", "Cn", "Co"]), min_size=1, max_size=40).filter(
    lambda text: text.strip() == text and any(character.isalnum() for character in text)
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(CELLS, CELLS.filter(str.isprintable)), max_size=8),
    st.sampled_from([b"\n", b"\r\n"]),
    st.booleans(),
)
def test_what_a_csv_writer_writes_comes_back(rows: list[tuple[str, str]], end: bytes, mark: bool):
    quoted = ['"{}","{}"'.format(*(cell.replace('"', '""') for cell in row)) for row in (("text", "source_id"), *rows)]
    content = (b"\xef\xbb\xbf" if mark else b"") + end.join(row.encode() for row in quoted)
    found = [(one.text, one.source_id) for one in read(content)]
    assert found == [(text.replace("\u2028", "\n").replace("\u2029", "\n"), name) for text, name in rows]


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.sampled_from(list(FileFormat)))
def test_no_bytes_at_all_are_a_crash_and_every_line_is_accounted_for_once(content: bytes, format: FileFormat):
    lines = [one.line for one in read(content, format)]
    assert lines == sorted(set(lines))


async def imported(store: MemoryStore, content: str, **how) -> Imported:
    return await import_questions(
        store, "stage", io.BytesIO(content.encode()), how.pop("format", FileFormat.CSV), now=NOW, **how
    )


async def test_questions_are_received_from_the_import_and_wait_for_the_plug_ins():
    store = MemoryStore()
    done = await imported(store, "text,name,source_id,at\nWhy?,Zoé,q1,\nWhen?,,,2004-06-02T18:30:00Z\n")
    assert (done.taken, done.repeated, done.broken) == (2, 0, [])
    first, second = await store.page(Query())
    assert (first.source, first.state, first.source_id, first.name) == (Source.IMPORT, State.RECEIVED, "q1", "Zoé")
    assert (first.at, second.at) == (NOW, 1_086_201_000_000)


async def test_a_second_run_takes_nothing_twice_and_what_was_mended_goes_in():
    store = MemoryStore()
    broken = "Why?\nWhy?\n\u202e\nWhen?,Zoé\nWhy?\n"
    done = await imported(store, broken)
    assert (done.taken, done.repeated, [one.line for one in done.broken]) == (4, 0, [3])
    again = await imported(store, broken.replace("\u202e", "mended"))
    assert (again.taken, again.repeated, again.broken) == (1, 4, [])
    assert len(await store.page(Query())) == 5


@pytest.mark.parametrize("format", list(FileFormat))
async def test_an_import_that_breaks_off_goes_on_when_it_is_run_again(format: FileFormat):
    texts = [f"question {number}" for number in range(2000)]
    content = "\n".join(texts if format is FileFormat.CSV else [json.dumps({"text": text}) for text in texts])
    store = MemoryStore()

    def stop(done: Imported) -> None:
        if done.taken >= 1000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await imported(store, content, format=format, progress=stop)
    before = len(await store.page(Query(limit=5000)))
    assert 0 < before < 2000
    done = await imported(store, content, format=format)
    assert (done.taken, done.repeated) == (2000 - before, before)
    assert [one.text for one in await store.page(Query(limit=5000))] == texts


async def test_sixteen_thousand_take_seconds_and_progress_is_told():
    reported = []
    content = "".join(f'"Question {number}, what about it?",Zoé,q{number}\n' for number in range(16_000))
    with trio.fail_after(30):
        done = await imported(MemoryStore(), content, progress=lambda done: reported.append(done.read))
    assert done.taken == 16_000
    assert reported == sorted(reported)
    assert reported[-1] == len(content.encode())
    assert len(reported) >= 32
