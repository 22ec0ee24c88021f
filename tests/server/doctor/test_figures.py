"""The doctor's figures are true: what an evening writes to disk, and how unevenly chance deals listeners to workers."""

from __future__ import annotations

import random
import select
import socket
from collections.abc import Callable
from pathlib import Path

import httpx

from fanout.server.credentials import tokens_of
from fanout.server.doctor.demand import LOGGED_BYTES, SUBMISSION_BYTES, fullest
from fanout.server.settings import Config
from tests.server_process import SECRET, ServerProcess

TOKENS = tokens_of(Config(secret=SECRET))
WORDS = [f"{first}{vowel}{last}" for first in "bcdfglmnprst" for vowel in "aeiou" for last in ("", "nt", "re", "tion")]


def sentence(characters: int, chance: random.Random) -> str:
    words = ""
    while len(words) < characters:
        words += chance.choice(WORDS) + " "
    return words[:characters]


def post(server: ServerProcess, path: str, role: str, body: object) -> None:
    token = TOKENS.issue(role, ["*"], name="Claire", ttl=3600)
    answer = httpx.post(server.url + path, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=60)
    assert answer.status_code in (200, 201), answer.text


def test_submissions_and_messages_take_what_the_doctor_reckons_with(
    start_server: Callable[..., ServerProcess], tmp_path: Path
):
    data, chance = tmp_path / "data", random.Random(7)
    arguments = ("--data", str(data), "--room", "stage:stage", "--room", "questions:moderated")
    arguments = (*arguments, "--drain-seconds", "0")
    assert start_server(*arguments).terminate() == 0
    before = {name: (data / name).stat().st_size for name in ("desk.sqlite3", "log.sqlite3")}
    server = start_server(*arguments)
    for batch in range(4):
        sms = [
            {"from": f"+336{chance.randrange(10**8):08}", "text": sentence(120, chance), "id": f"{batch}-{number}"}
            for number in range(1000)
        ]
        post(server, "/v1/sms?room=questions", "gateway", sms)
    for _ in range(20):
        messages = [{"text": sentence(200, chance)} for _ in range(100)]
        post(server, "/v1/rooms/stage/messages", "publisher", messages)
    assert server.terminate() == 0
    submission = ((data / "desk.sqlite3").stat().st_size - before["desk.sqlite3"]) / 4000
    message = ((data / "log.sqlite3").stat().st_size - before["log.sqlite3"]) / 2000
    assert SUBMISSION_BYTES / 2 < submission <= SUBMISSION_BYTES
    assert LOGGED_BYTES / 2 < message <= LOGGED_BYTES


def test_the_fullest_of_several_doors_on_one_port_has_no_more_than_reckoned():
    doors: list[socket.socket] = []
    port = 0
    for _ in range(4):
        door = socket.socket()
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        door.bind(("127.0.0.1", port))
        port = door.getsockname()[1]
        door.listen(1024)
        doors.append(door)
    dealt = dict.fromkeys(doors, 0)
    for _ in range(1000):
        with socket.create_connection(("127.0.0.1", port)):
            (door,), _, _ = select.select(doors, [], [], 10)
            door.accept()[0].close()
            dealt[door] += 1
    for door in doors:
        door.close()
    assert sum(dealt.values()) == 1000
    assert max(dealt.values()) <= fullest(1000, 4)
