"""`fanout plugins` as an operator sees it: before the event from the settings, and during it from the server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import trio

from fanout.cli import main
from fanout.core.submission import decide
from fanout.moderation.hooks import Hooks, as_plugin, plugins_as_objects
from fanout.plugins import Decision, Opinion, Step, VerdictKind, hold
from fanout.server.credentials import tokens_of
from fanout.server.settings import Config
from tests.moderation.hooks.samples import ROOM, Filter, asked
from tests.server_process import SECRET
from tests.server_process import fanout as fanout_process

PLUGIN = """
class Gate:
    name = "gate"
    deadline = 0.25
    order = 7

    async def review_submission(self, submission, room):
        return None

    async def admit_visitor(self, visitor):
        return None

    async def room_opened(self, room):
        pass

    async def run(self, app):
        pass
"""

TABLE = """
plugin_folder = "plugins"

[plugins.gate]
shadow = true
rooms = ["stage", "lobby"]
on_failure = "accept"
concurrency = 2
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "gate.py").write_text(PLUGIN)
    (tmp_path / "fanout.toml").write_text(TABLE)
    return tmp_path


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def fanout(folder, monkeypatch, capsys):
    """The command, run within this process."""

    def run(*arguments: str) -> Done:
        monkeypatch.chdir(folder)
        capsys.readouterr()  # what the test itself has made us say
        code = main(arguments)
        return Done(code, *capsys.readouterr())

    return run


def test_each_is_listed_with_its_hooks_and_all_that_is_set(fanout):
    done = fanout("plugins", "--config", "fanout.toml")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "gate (plugins/gate.py)",
        "  filter     review_submission",
        "  provide    admit_visitor",
        "  notify     room_opened",
        "  background run",
        "  order 7, deadline 0.25 s, concurrency 2, on failure accept, in lobby, stage",
        "  shadow mode: its verdicts are written down and not applied",
    ]


def test_a_flag_names_one_in_the_directory_that_one_is_in(folder):
    (folder / "mine.py").write_text(PLUGIN)
    done = fanout_process("plugins", "--plugin", "mine:Gate", folder=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("gate (mine:Gate)\n")
    assert "in every room" in done.stdout
    assert "shadow" not in done.stdout


def test_that_there_is_none_is_said(fanout):
    assert fanout("plugins") == Done(0, "no plug-ins\n", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--plugin", "wrods"), "wrods: no plug-in has this name; is it words?"),
        (("--plugin", "gone:Gate"), "gone:Gate: it does not import: ModuleNotFoundError"),
        (("--config", "wrong.toml"), "plugin gate (plugins/gate.py): deadline: seconds above 0"),
    ],
)
def test_one_that_would_not_load_is_named(folder, fanout, arguments, said):
    (folder / "wrong.toml").write_text(TABLE + "deadline = 0\n")
    done = fanout("plugins", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """A server that answers every request so, and keeps what it was asked; its URL."""

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == "/v1/plugins" and self.headers["Authorization"] == "Bearer t"
            self.send_response(status if known else 500)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def statistics() -> bytes:
    """What a server says after three reviews, one of which failed, and a decision."""
    filter = Filter(None, "shade")
    hooks = Hooks([as_plugin(filter, origin="here", table={"shadow": True})])

    async def evening() -> None:
        for filter.answer in (None, hold("odd"), "no verdict"):
            await hooks.review(asked(), ROOM)
        first = Decision("abcdefghijkl", Step.HOLD, "", 1, opinions=(Opinion("shade", VerdictKind.HOLD, shadow=True),))
        held = decide(asked(), first)
        hooks.notify("submission_decided", held, Decision("abcdefghijkl", Step.APPROVE, "Mia, moderator", 2))

    trio.run(evening)
    return json.dumps({"plugins": plugins_as_objects(hooks.statistics())}).encode()


def test_a_running_server_tells_what_they_cost(fanout):
    with answering(200, statistics()) as url:
        done = fanout("plugins", "--url", url, "--token", "t")
    assert (done.returncode, done.stderr) == (0, "")
    first, hook, *rest = done.stdout.splitlines()
    assert first == "shade (here)"
    assert hook.startswith("  filter     review_submission: 3 calls, mean ")
    assert hook.endswith("; said none 1, hold 1; failed wrong_answer 1")
    assert [line.split() for line in rest[-4:]] == [
        ["it", "said", "approved", "rejected", "by", "people"],
        ["accept", "0", "0"],
        ["hold", "1", "0"],
        ["reject", "0", "0"],
    ]


def test_what_is_switched_off_or_behind_is_said(fanout):
    body = json.loads(statistics())
    body["plugins"][0]["enabled"] = False
    body["plugins"][0]["hooks"]["review_submission"] |= {"breaker": "half_open", "under_way": 2, "queued": 3000}
    with answering(200, json.dumps(body).encode()) as url:
        done = fanout("plugins", "--url", url, "--token", "t")
    assert done.stdout.splitlines()[1].endswith("; breaker half open; 2 under way; 3,000 queued")
    assert "  switched off by an operator" in done.stdout.splitlines()


def test_a_server_as_it_is_tells_it_to_its_staff_alone(folder, fanout, start_server):
    server = start_server("--memory", "--config", "fanout.toml", "--drain-seconds", "0")
    token = tokens_of(Config(secret=SECRET)).issue("operator", ["*"], ttl=3600)
    done = fanout("plugins", "--url", server.url, "--token", token)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("gate (plugins/gate.py)\n  filter     review_submission: 0 calls\n")
    refused = fanout("plugins", "--url", server.url)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "staff token" in refused.stderr


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (403, b'{"code": "role_refused", "detail": "This is for the staff."}', "This is for the staff."),
        (200, b"<html>", "does not answer as a fanout server does"),
        (200, b"[]", "does not answer as a fanout server does"),
        (502, b"Bad Gateway", "does not answer as a fanout server does"),
    ],
)
def test_what_a_server_refuses_or_is_not_is_said_in_a_line(fanout, status, body, said):
    with answering(status, body) as url:
        done = fanout("plugins", "--url", url, "--token", "t")
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_what_is_not_there_or_no_address_is_said_too(fanout):
    assert "can't be asked" in fanout("plugins", "--url", "http://127.0.0.1:1").stderr
    assert "address looks like" in fanout("plugins", "--url", "nonsense").stderr
