"""A whole event, from the questions that came before the doors opened to the transcript: two moderators, an animator, a
scribe, visitors on the web and by SMS, and a server that is killed in the middle."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import trio

from fanout.core.message import Message
from fanout.server.credentials import tokens_of
from fanout.server.settings import Config
from tests.end_to_end.staff import (
    LOOKED_AT,
    ROOM,
    House,
    Person,
    animate,
    ask_over_http,
    ask_over_websocket,
    hand_in,
    moderate,
    take_down,
)
from tests.server_process import SECRET, ServerProcess, fanout

BOTH_WAYS = True

SENT_BEFORE = [f"Question {n}: what about it, and when?" for n in range(16_000)]
SMS = [f"SMS {n}: when does the minimum wage rise?" for n in range(2_000)]
WEB = [f"Web {n}: and the trains?" for n in range(100)]
CANDIDATES = 2 * LOOKED_AT + len(WEB)
ON_AIR = CANDIDATES // 10
KILLED_AFTER = 15
"""Questions on air when the server is killed."""
DECISIONS = {"approve", "reject", "cue", "air"}
BY_STATE = {"held": [], "rejected": ["reject"], "answered": ["air", "approve", "cue"]}
"""What the audit has to say of each, once."""


def person(house: House, role: str, name: str) -> Person:
    return Person(house, name, tokens_of(Config(secret=SECRET)).issue(role, [ROOM], name=name, ttl=3600))


def import_questions(tmp_path: Path) -> None:
    """With a broken line in the middle, and again when it is mended."""
    file = tmp_path / "questions.csv"
    rows = [f'"{text}",Citizen' for text in SENT_BEFORE]
    command = ("import", ROOM, str(file), "--data", "data", "--create")
    file.write_text("text,name\n" + "\n".join([*rows[:8000], rows[8000][:-9], *rows[8001:]]))
    done = fanout(*command, folder=tmp_path)
    assert (done.returncode, done.stdout) == (1, "15999 taken in, 0 there already, 1 broken\n")
    assert "line 8002: " in done.stderr
    file.write_text("text,name\n" + "\n".join(rows))
    done = fanout(*command, folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "1 taken in, 15999 there already, 0 broken\n")


async def listen(house: House, heard: list[Message], *, until: int, killed: trio.Event) -> None:
    """A visitor who only listens; the server is killed while they do."""
    async with Person(house, "Listener").follow(ROOM) as room:
        async for item in room:
            assert isinstance(item, Message), "nothing is missing and nothing was taken back"
            heard.append(item)
            if sum(message.kind == "question" for message in heard) >= KILLED_AFTER:
                killed.set()
            if len(heard) == until:
                return


@pytest.mark.timeout(240)
async def test_nothing_is_lost_and_nothing_is_twice(start_server: Callable[..., ServerProcess], tmp_path: Path):
    await trio.to_thread.run_sync(import_questions, tmp_path)

    def start(port: int) -> ServerProcess:
        return start_server("--data", "data", "--drain-seconds", "0", port=port)

    servers = [await trio.to_thread.run_sync(start, 0)]
    house, heard, killed = House(servers[0].url), [], trio.Event()

    async def kill() -> None:
        await killed.wait()
        house.open = trio.Event()
        await trio.to_thread.run_sync(servers[0].kill)
        servers.append(await trio.to_thread.run_sync(lambda: start(servers[0].port)))
        house.open.set()

    visitors = [Person(house, f"Visitor {number}") for number in range(8)]
    everybody = [
        ann := person(house, "moderator", "Ann"), bob := person(house, "moderator", "Bob"),
        max_ := person(house, "animator", "Max"), zoe := person(house, "scribe", "Zoe"),
        gateway := person(house, "gateway", "SMS centre"), *visitors,
    ]  # fmt: skip
    reader = Person(house, "Reader")
    async with AsyncExitStack() as connections:
        for one in (*everybody, reader):
            await connections.enter_async_context(one)
        connections.enter_context(trio.fail_after(200))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(kill)
            nursery.start_soon(lambda: listen(house, heard, until=4 * ON_AIR, killed=killed))
            nursery.start_soon(hand_in, gateway, SMS)
            for number, visitor in enumerate(visitors):
                ask = ask_over_websocket if number % 4 == 0 else ask_over_http
                nursery.start_soon(ask, visitor, WEB[number :: len(visitors)])
            nursery.start_soon(moderate, ann, CANDIDATES)
            nursery.start_soon(moderate, bob, CANDIDATES)
            nursery.start_soon(animate, max_, ON_AIR)
            nursery.start_soon(take_down, zoe, ON_AIR)

        check_what_was_heard(heard)
        await check_counts(ann)
        gone = heard[0]
        await ann.do("DELETE", f"rooms/{ROOM}/messages/{gone.id}")
        public, _ = await reader.ask("GET", f"rooms/{ROOM}/transcript?format=json")
        internal, _ = await ann.ask("GET", f"rooms/{ROOM}/transcript?format=json&view=internal")
    check_public(public.json(), heard[1:], gone)
    check_internal(internal.json(), gone)
    assert await trio.to_thread.run_sync(servers[1].terminate) == 0
    await trio.to_thread.run_sync(check_the_archive, tmp_path, public.text)


def check_what_was_heard(heard: list[Message]) -> None:
    assert [message.position.seq for message in heard] == list(range(1, len(heard) + 1))
    kinds = Counter(message.kind for message in heard)
    assert kinds == {"question": ON_AIR, "answer": 2 * ON_AIR, "correction": ON_AIR}
    assert len({message.text for message in heard if message.kind == "question"}) == ON_AIR


async def check_counts(moderator: Person) -> None:
    """Messages and people, each once, whatever was sent again."""
    tallies = await moderator.get(f"rooms/{ROOM}/tallies")
    by_source = {source: (count["messages"], count["people"]) for source, count in tallies["by_source"].items()}
    assert by_source["import"][0] == len(SENT_BEFORE)
    assert by_source["sms"] == (len(SMS), 1500)
    assert by_source["web"] == (len(WEB), 8)
    states = {state: count for state, count in tallies["by_state"].items() if count}
    rest = len(SENT_BEFORE) + len(SMS) + len(WEB) - CANDIDATES
    assert states == {"held": rest, "answered": ON_AIR, "rejected": CANDIDATES - ON_AIR}


def check_public(found: dict, heard: list[Message], gone: Message) -> None:
    questions = [message for message in heard if message.kind == "question"]
    [taken_back] = [one for one in found["exchanges"] if "retracted_at" in one]
    assert (taken_back["id"], taken_back["author"]["name"]) == (gone.id, "")
    assert "text" not in taken_back
    asked = [one for one in found["exchanges"] if one["kind"] == "question" and one is not taken_back]
    assert [one["text"] for one in asked] == [message.text for message in questions]
    for one in asked:
        assert [line["text"] for line in one["replies"]] == ["On 1 July.", f"So much for: {one['text']}"]


def check_internal(found: dict, gone: Message) -> None:
    """Everything that was sent, once, and every decision once."""
    texts = Counter(submission["text"] for submission in found["submissions"])
    assert texts == Counter([*SENT_BEFORE, *SMS, *WEB])
    for submission in found["submissions"]:
        actions = Counter(entry["action"] for entry in submission.get("decisions", ()))
        decisions = sorted(action for action in actions.elements() if action in DECISIONS)
        was = "answered" if submission.get("message") == gone.id else submission["state"]
        assert decisions == BY_STATE[was], submission
        assert actions["retract"] == (submission.get("message") == gone.id)


def check_the_archive(tmp_path: Path, public: str) -> None:
    """When the server has ended: the same transcript from the files, and a trail without a fault."""
    file = tmp_path / "evening.json"
    file.write_bytes(public.encode())
    command = ("transcript", ROOM, "--format", "json", "--verify", "-o", str(file), "--data", "data")
    done = fanout(*command, folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{file} is what the log gives\n")
    done = fanout("audit", "verify", "--data", "data", folder=tmp_path)
    assert done.returncode == 0
    assert json.loads(done.stdout.split()[0]) > CANDIDATES
