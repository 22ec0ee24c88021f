"""What is done with the data directory before and after an evening: import, transcript, audit, purge."""

import json
import os
import pty
import signal
import sqlite3
import subprocess
from collections.abc import Awaitable, Callable
from contextlib import chdir, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest
import trio

from fanout.cli import main
from fanout.core.audit import AuditDraft
from fanout.core.submission import Decision, Source, Step
from fanout.log.opening import open_engine
from fanout.moderation.ports import Arrival, Document, Kind, Query, Store
from fanout.store.sqlite import DESK_FILE, open_sqlite_store
from tests.moderation.transcript.stage import evening, open_stage
from tests.server_process import FANOUT, ServerProcess

T = TypeVar("T")
QUESTIONS = "text,name,source_id\nWhy?,Zoé,q1\nWhen?,Max,q2\n"


@dataclass
class Done:
    """What a command came to."""

    returncode: int
    stdout: str
    stderr: str


class Directory:
    """A data directory as a server leaves it: a stage with an evening on it, and a room with a queue."""

    def __init__(self, path: Path, captured) -> None:
        self.path, self._captured = path, captured
        trio.run(self._make)

    async def _make(self) -> None:
        async with open_engine(self.path) as engine:
            await evening(await open_stage(engine))
            await engine.open_room("salon", mode="moderated")

    def run(self, *arguments: str, path: Path | None = None) -> Done:
        """One command, in this process: starting one takes a second, and there are many here."""
        with chdir(self.path.parent):
            code = main([*arguments, "--data", str(path or self.path)])
        said, errors = self._captured.readouterr()
        return Done(code, said.decode(), errors.decode())

    def take_in(self, content: str | bytes = QUESTIONS, *more: str, name: str = "questions.csv") -> Done:
        (self.path.parent / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return self.run("import", "salon", name, *more)

    def ask(self, question: Callable[[Store], Awaitable[T]]) -> T:
        """What the store in the directory says."""

        async def look() -> T:
            store = await open_sqlite_store(self.path / DESK_FILE)
            try:
                return await question(store)
            finally:
                await store.aclose()

        return trio.run(look)

    def alter(self, deed: str) -> None:
        """Do something to the desk's file, past the desk."""
        with closing(sqlite3.connect(self.path / DESK_FILE)) as database, database:
            database.execute(deed)


@pytest.fixture
def data(tmp_path: Path, capfdbinary) -> Directory:
    return Directory(tmp_path / "data", capfdbinary)


# --- import ----------------------------------------------------------------------------------------------------------


def test_questions_go_into_the_queue_once(data: Directory):
    done = data.take_in()
    assert (done.returncode, done.stdout, done.stderr) == (0, "2 taken in, 0 there already, 0 broken\n", "")
    again = data.take_in(QUESTIONS + "Who?,,\n")
    assert again.stdout == "1 taken in, 2 there already, 0 broken\n"
    queue = data.ask(lambda store: store.page(Query(room="salon")))
    assert [one.text for one in queue] == ["Why?", "When?", "Who?"]


def test_broken_lines_are_named_and_the_rest_goes_in(data: Directory):
    lines = "".join(f"question {number}\n" for number in range(5))
    done = data.take_in(b'{"text":"a"}\nno\n{"text":"b"}\n\xff\n', name="questions.jsonl")
    assert (done.returncode, done.stdout) == (1, "2 taken in, 0 there already, 2 broken\n")
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == [
        "questions.jsonl, line 2", "questions.jsonl, line 4",
    ]  # fmt: skip
    done = data.take_in(lines + "\u202e\n" * 70)
    assert done.stdout == "5 taken in, 0 there already, 70 broken\n"
    assert done.stderr.splitlines()[-1] == "fanout: and 20 more"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["import", "nowhere", "questions.csv"], 1, "no room called 'nowhere'"),
        (["import", "stage", "questions.csv"], 1, "stage is a stage"),
        (["import", "salon", "absent.csv"], 1, "absent.csv"),
        (["import", "salon", "questions.txt"], 2, "say csv or jsonl"),
        (["import", "salon", "data", "--format", "csv"], 2, "no ordinary file"),
        (["import", "salon", "questions.csv", "--format", "xls"], 2, "--format"),
        (["transcript", "nowhere"], 1, "no room called 'nowhere'"),
        (["transcript", "stage", "--verify"], 2, "-o FILE"),
        (["transcript", "stage", "--format", "pdf"], 2, "--format"),
        (["transcript", "stage", "-o", "absent/file"], 1, "absent/"),
        (["transcript", "stage", "--verify", "-o", "absent"], 1, "absent"),
        (["audit"], 2, "verify"),
        (["audit", "verify", "--head", "abc"], 2, "64 hexadecimal"),
        (["purge", "nowhere", "--yes"], 1, "no room called 'nowhere'"),
        (["purge", "salon"], 2, "--yes"),
    ],
)
def test_what_can_not_be_done_is_said_plainly(data: Directory, arguments: list[str], code: int, says: str):
    for name in ("questions.csv", "questions.txt"):
        (data.path.parent / name).write_text(QUESTIONS)
    done = data.run(*arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert says in done.stderr
    assert 1 <= len(done.stderr.splitlines()) <= 2


@pytest.mark.parametrize("command", [["transcript", "stage"], ["audit", "verify"], ["purge", "salon", "--yes"]])
def test_where_no_server_has_been_nothing_is_made(data: Directory, tmp_path: Path, command: list[str]):
    done = data.run(*command, path=tmp_path / "nothing")
    assert done.returncode == 2
    assert "is no data directory" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["data"]


def test_a_room_is_made_when_that_is_asked_for(data: Directory, tmp_path: Path):
    (tmp_path / "questions.csv").write_text(QUESTIONS)
    done = data.run("import", "new", "questions.csv", "--create", path=tmp_path / "another")
    assert (done.returncode, done.stdout) == (0, "2 taken in, 0 there already, 0 broken\n")


def test_a_directory_that_a_server_has_is_left_alone_and_the_server_is_named(data: Directory, start_server):
    (data.path.parent / "questions.csv").write_text(QUESTIONS)
    server: ServerProcess = start_server("--data", str(data.path))
    for command in (
        ["import", "salon", "questions.csv"], ["transcript", "stage"], ["audit", "verify"], ["purge", "salon", "--yes"],
    ):  # fmt: skip
        done = data.run(*command)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"in use by process {server.process.pid}" in done.stderr


def test_an_import_that_is_killed_in_the_middle_is_finished_by_the_next(data: Directory):
    file = data.path.parent / "questions.csv"
    file.write_text("".join(f"question {number},Zoé\n" for number in range(12_000)))
    commands = [*FANOUT, "import", "salon", str(file), "--data", str(data.path)]
    leader, follower = pty.openpty()
    with subprocess.Popen(commands, stderr=follower, stdout=subprocess.PIPE, text=True) as first:
        os.close(follower)
        told = b""
        while b"questions" not in told:
            told += os.read(leader, 1000)
        first.send_signal(signal.SIGKILL)
    os.close(leader)
    before = data.ask(lambda store: store.tallies("salon")).total.messages
    assert 0 < before < 12_000, told
    done = data.run("import", "salon", str(file))
    assert done.stdout == f"{12_000 - before} taken in, {before} there already, 0 broken\n"
    assert data.ask(lambda store: store.tallies("salon")).total.messages == 12_000


# --- transcript ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["html", "md", "json", "csv", "txt"])
@pytest.mark.parametrize("view", ["public", "internal"])
def test_a_transcript_is_the_same_each_time_and_verified(data: Directory, format: str, view: str):
    data.take_in()
    asked = ("transcript", "stage", "--format", format, "--view", view)
    file = data.path.parent / f"evening.{format}"
    assert data.run(*asked, "-o", str(file)).returncode == 0
    assert file.read_bytes().decode() == data.run(*asked).stdout
    assert file.stat().st_mode & 0o777 == (0o600 if view == "internal" else 0o644)
    verified = data.run(*asked, "--verify", "-o", str(file))
    assert (verified.returncode, verified.stdout) == (0, f"{file} is what the log gives\n")
    written = file.read_bytes()
    file.write_bytes(written.replace(b"e", b"\xff", 1))
    refused = data.run(*asked, "--verify", "-o", str(file))
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "line " in refused.stderr
    assert "ufffd" in refused.stderr


def test_an_internal_transcript_has_the_whole_queue_with_its_decisions(data: Directory):
    data.take_in()

    async def decide(store) -> None:
        first, second = await store.page(Query(room="salon"))
        await store.decide([Decision(first.id, Step.HOLD, "", 1), Decision(second.id, Step.HOLD, "", 2)], audited=False)
        await store.decide([Decision(first.id, Step.EDIT, "Ann (moderator)", 3, text="Why not?")])
        await store.decide([Decision(second.id, Step.REJECT, "Bob (moderator)", 4, reason="Already asked.")])
        await store.put([], [AuditDraft(5, "Ann (moderator)", "set_rules", "salon", "", {"slow_s": "30"})])

    data.ask(decide)
    found = json.loads(data.run("transcript", "salon", "--format", "json", "--view", "internal").stdout)
    first, second = found["submissions"]
    assert (first["text"], first["original"], first["by"]) == ("Why not?", "Why?", "Ann (moderator)")
    assert (second["state"], second["reason"], second["source_id"]) == ("rejected", "Already asked.", "q2")
    assert [entry["action"] for entry in first["decisions"] + second["decisions"]] == ["edit", "reject"]
    assert [entry["action"] for entry in found["audit"]] == ["set_rules"]
    for format in ("html", "md", "csv", "txt"):
        text = data.run("transcript", "salon", "--format", format, "--view", "internal").stdout
        for said in ("Why not?", "Why?", "Bob", "Already asked.", "q2"):
            assert said in text.replace("\\", "").replace("&#46;", "."), format


# --- audit -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def trail(data: Directory) -> list[str]:
    """The hashes of a trail of four entries."""

    async def write(store) -> list[str]:
        for number in range(4):
            await store.put([], [AuditDraft(number, "Ann (moderator)", "set_rules", "salon", f"s{number}")])
        return [entry.hash for entry in await store.audit()]

    return data.ask(write)


def test_a_sound_trail_is_told_with_its_head(data: Directory, trail: list[str]):
    done = data.run("audit", "verify")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"4 entries, head {trail[3]}\n", "")
    noted = data.run("audit", "verify", "--head", trail[1].upper())
    assert (noted.returncode, noted.stdout.splitlines()[1]) == (0, "the head that was noted is that of entry 2")


@pytest.mark.parametrize(
    ("deed", "says"),
    [
        ("UPDATE audit SET by = 'Bob (moderator)' WHERE number = 2", "entry 2 was changed"),
        ("DELETE FROM audit WHERE number = 3", "entry 3 is missing"),
        ("UPDATE audit SET previous = zeroblob(32) WHERE number = 4", "entry 4 does not carry"),
    ],
)
def test_what_was_changed_or_removed_is_found(data: Directory, trail: list[str], deed: str, says: str):
    data.alter(deed)
    done = data.run("audit", "verify")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"fanout: {says}")


def test_a_trail_that_was_cut_short_is_found_by_whoever_noted_its_head(data: Directory, trail: list[str]):
    data.alter("DELETE FROM audit WHERE number = 4")
    assert data.run("audit", "verify").returncode == 0, "nobody can tell from the trail alone"
    done = data.run("audit", "verify", "--head", trail[3])
    assert (done.returncode, done.stdout) == (1, "")
    assert "cut short" in done.stderr


# --- purge -----------------------------------------------------------------------------------------------------------


def test_a_purge_says_what_went_and_what_stays_and_tallies_and_the_public_text_are_there(data: Directory):
    data.take_in("PRIVATE TEXT,Zebulon,private-id\n")
    before = data.run("transcript", "stage").stdout
    done = data.run("purge", "salon", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    gone, key, kept = done.stdout.splitlines()
    assert gone.startswith("gone: pseudonyms")
    assert gone.endswith("(1 submissions)")
    assert key == "gone: the key that telephone numbers were hashed with, and bans for every room"
    assert kept.endswith("(1 messages of 0 people)")
    assert data.run("transcript", "stage").stdout == before
    assert data.run("audit", "verify").stdout.startswith("1 entries, head ")
    for file in data.path.iterdir():
        assert not any(word in file.read_bytes() for word in (b"PRIVATE TEXT", b"Zebulon", b"private-id")), file


def test_a_purge_says_how_far_it_is_where_somebody_watches(data: Directory):
    data.take_in("text\n" + "\n".join(f"Question {number}?" for number in range(1000)))
    leader, follower = pty.openpty()
    done = subprocess.run(
        [*FANOUT, "purge", "salon", "--yes", "--data", str(data.path)],
        stderr=follower, stdout=subprocess.PIPE, timeout=60,
    )  # fmt: skip
    os.close(follower)
    said = os.read(leader, 10_000).decode()
    os.close(leader)
    assert done.returncode == 0
    assert "\r512 of 1,000 submissions\r" in said
    assert said.endswith("\r1,000 of 1,000 submissions; now making the file anew\r\n")


def test_a_purge_says_that_the_key_and_bans_for_every_room_stay_while_another_room_has_people(data: Directory):
    async def two_rooms(store: Store) -> None:
        for number, room in enumerate(("salon", "stage")):
            await store.receive([Arrival(f"{number:012}", room, Source.WEB, "", f"visitor:{room}", "Zoé", "Why?", 1)])
        await store.put([Document(Kind.BAN, "*", "a-ban", {"target": "address:192.0.2.7"})])

    data.ask(two_rooms)
    key = data.ask(lambda store: store.phone_key())
    last = data.run("purge", "salon", "--yes").stdout.splitlines()[-1]
    assert last.startswith("kept: the key that telephone numbers were hashed with, and bans for every room")
    assert last.endswith("as long as there are people in: stage")
    assert all(one in (data.path / DESK_FILE).read_bytes() for one in (b"192.0.2.7", key))
    assert "gone: the key" in data.run("purge", "stage", "--yes").stdout
    assert not any(one in (data.path / DESK_FILE).read_bytes() for one in (b"192.0.2.7", key))


@pytest.mark.parametrize(("answer", "code"), [("salon\n", 0), ("yes\n", 1)])
def test_a_purge_asks_for_the_rooms_name(data: Directory, answer: str, code: int):
    data.take_in()
    leader, follower = pty.openpty()
    os.write(leader, answer.encode())
    done = subprocess.run(
        [*FANOUT, "purge", "salon", "--data", str(data.path)],
        stdin=follower, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    os.close(leader)
    os.close(follower)
    assert done.returncode == code
    assert "Type the room's name" in done.stderr
    assert ("gone:" in done.stdout) is (code == 0)
