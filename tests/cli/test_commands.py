"""The commands as somebody at a terminal or a script sees them: what they print, where, and with which exit code."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jwt
import pytest

from fanout.cli import main
from fanout.server.credentials import tokens_of
from fanout.server.settings import Config
from tests.server_process import FANOUT, SECRET, fanout

TOKEN = tokens_of(Config(secret=SECRET)).issue("publisher", ["*"], name="Claire", ttl=3600)
COMMANDS = (
    "serve", "demo", "token", "publish", "listen", "import", "transcript", "audit", "purge", "plugins", "check-config",
    "doctor", "plan", "record", "rehearse", "version",
)  # fmt: skip


def as_claire(url: str) -> dict[str, str]:
    return {"FANOUT_URL": url, "FANOUT_TOKEN": TOKEN}


@pytest.fixture
def server(start_server):
    return start_server("--memory", "--room", "stage:stage")


@contextmanager
def running(*arguments: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A command that goes on until the test ends it; at the latest when the block ends."""
    with subprocess.Popen(
        [*FANOUT, *arguments],
        cwd=folder, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()


def reads_its_input(pid: int) -> bool:
    """Whether a thread of the process waits in a call on descriptor 0 (proc(5): its number, then its arguments)."""
    calls = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/syscall")]
    return any(call[1:2] == ["0x0"] for call in calls)


def test_the_help_names_every_command_and_each_has_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    overview = fanout("--help", folder=tmp_path)
    assert overview.returncode == 0
    for command in COMMANDS:
        assert f"\n    {command} " in overview.stdout or f"\n    {command}\n" in overview.stdout
        assert main([command, "--help"]) == 0
        own = capsys.readouterr()
        assert own.err == ""
        assert own.out.startswith(f"usage: fanout {command}")


def test_the_version_is_the_distributions(tmp_path: Path):
    done = fanout("version", folder=tmp_path)
    assert (done.returncode, done.stdout.split()[0]) == (0, "fanout")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "required: COMMAND"),
        (["fly"], "invalid choice: 'fly'"),
        (["serve", "--workers", "many"], "--workers"),
        (["serve", "--port"], "--port"),
        (["serve", "--port", "many"], "--port: a whole number from 0 to 65535"),
        (["serve", "--memory", "--data", "x"], "not allowed with"),
        (["serve", "--room", "stage:loud"], "--room: NAME or NAME:MODE"),
        (["serve", "--room", "no spaces"], "letters, digits"),
        (["serve", "--config", "absent.toml"], "absent.toml can't be read"),
        (["serve", "--tls-cert", "absent.pem"], "tls_key"),
        (["serve", "--tls-cert", "absent.pem", "--tls-key", "absent.pem"], "absent.pem can't be read"),
        (["demo", "--port", "99999"], "--port: a whole number"),
        (["demo", "--listeners", "0"], "--listeners: a whole number"),
        (["token"], "--role"),
        (["token", "--role", "king"], "invalid choice: 'king'"),
        (["token", "--role", "visitor"], "invalid choice: 'visitor'"),
        (["token", "--role", "scribe", "--ttl", "soon"], "a number and s, m, h or d"),
        (["token", "--role", "scribe", "--ttl", "0h"], "a number and s, m, h or d"),
        (["publish"], "ROOM"),
        (["listen"], "ROOM"),
        (["listen", "stage", "--last", "many"], "--last"),
        (["listen", "stage", "--after", "yesterday"], "position"),
        (["check-config", "--host", ""], "--host: the name or address"),
    ],
)
def test_a_usage_error_is_two_plain_lines_at_most_and_exit_code_2(tmp_path: Path, arguments: list[str], says: str):
    done = fanout(*arguments, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert 1 <= len(done.stderr.splitlines()) <= 2
    assert done.stderr.startswith("fanout")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["publish", "nowhere", "hello"], "nowhere"),
        (["publish", "stage", "x" * 20_000], "text"),
        (["publish", "no spaces", "hello"], "letters, digits"),
        (["publish", "stage", "hello", "--token", "not.a.token"], "token"),
        (["listen", "nowhere"], "nowhere"),
        (["listen", "stage", "--token", "not.a.token"], "token"),
    ],
)
def test_what_the_server_refuses_is_one_plain_line_and_exit_code_1(
    server, tmp_path: Path, arguments: list[str], says: str
):
    done = fanout(*arguments, folder=tmp_path, env=as_claire(server.url))
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("fanout: ")
    assert says in line


@pytest.mark.parametrize("command", [["publish", "stage", "hello"], ["listen", "stage"]])
def test_an_address_that_is_none_is_one_plain_line(tmp_path: Path, command: list[str]):
    done = fanout(*command, "--url", "gopher://x", folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("fanout: A server's address looks like")


def test_a_token_stands_alone_on_stdout_and_says_what_was_asked_for(tmp_path: Path):
    asked = ("--role", "scribe", "--room", "a", "--room", "b", "--name", "Zoé", "--ttl", "30m")
    done = fanout("token", *asked, folder=tmp_path, env={"FANOUT_SECRET": SECRET})
    assert (done.returncode, done.stderr) == (0, "")
    claims = jwt.decode(done.stdout.strip(), SECRET, algorithms=["HS256"])
    assert (claims["role"], claims["rooms"], claims["name"]) == ("scribe", ["a", "b"], "Zoé")
    assert claims["exp"] - claims["iat"] == 1800
    assert list(tmp_path.iterdir()) == [], "with a secret of its own it needs no directory"


def test_a_server_in_memory_has_tokens_only_with_a_secret(tmp_path: Path):
    done = fanout("token", "--role", "scribe", folder=tmp_path, env={"FANOUT_MEMORY": "true"})
    assert done.returncode == 2
    assert "FANOUT_SECRET" in done.stderr


def test_every_line_of_the_standard_input_is_acknowledged_in_order(server, tmp_path: Path):
    said = ["Bonsoir", "deuxième ligne", "  indented", "last without a newline"]
    text = "\n\n".join(said)
    done = fanout("publish", "stage", folder=tmp_path, input=text, env=as_claire(server.url))
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split(":")[1] for line in done.stdout.splitlines()] == ["1", "2", "3", "4"]
    with running("listen", "stage", "--last", "10", "--url", server.url, folder=tmp_path) as listener:
        heard = [json.loads(listener.stdout.readline()) for _ in said]
        listener.terminate()
    assert [message["text"] for message in heard] == said
    assert {message["author"]["name"] for message in heard} == {"Claire"}


def test_a_line_that_can_not_be_published_is_named_and_those_before_it_stand(server, tmp_path: Path):
    done = subprocess.run(
        [*FANOUT, "publish", "stage", "--url", server.url, "--token", TOKEN],
        input=b"one\ntwo\n\xff\xfe\nfour\n", capture_output=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 2
    assert b"line 3: It is not UTF-8. (2 published before it.)" in done.stderr


def test_each_line_is_published_when_it_comes_and_ctrl_c_does_not_wait_for_the_next(server, tmp_path: Path):
    with running("publish", "stage", "--url", server.url, "--token", TOKEN, folder=tmp_path) as publisher:
        publisher.stdin.write("typed by hand\n")
        publisher.stdin.flush()
        assert publisher.stdout.readline().strip().endswith(":1")
        deadline = time.monotonic() + 30
        while not reads_its_input(publisher.pid):
            assert time.monotonic() < deadline
        publisher.send_signal(signal.SIGINT)
        assert publisher.wait(30) == 1
        assert publisher.stderr.read() == "fanout: interrupted\n"


def test_listening_begins_after_a_position_and_ends_with_zero_at_ctrl_c(server, tmp_path: Path):
    said = fanout("publish", "stage", folder=tmp_path, input="a\nb\nc\n", env=as_claire(server.url))
    first = said.stdout.splitlines()[0]
    with running("listen", "stage", "--after", first, "--url", server.url, folder=tmp_path) as listener:
        heard = [json.loads(listener.stdout.readline()) for _ in range(2)]
        listener.send_signal(signal.SIGINT)
        assert listener.wait(30) == 0
        assert listener.stderr.read() == ""
    assert [(message["type"], message["text"]) for message in heard] == [("message", "b"), ("message", "c")]


def test_a_reader_that_goes_away_ends_a_listener_without_a_word(server, tmp_path: Path):
    fanout("publish", "stage", "one", folder=tmp_path, env=as_claire(server.url))
    with running("listen", "stage", "--last", "1", "--url", server.url, folder=tmp_path) as listener:
        listener.stdout.readline()
        listener.stdout.close()
        fanout("publish", "stage", "two", folder=tmp_path, env=as_claire(server.url))
        assert listener.wait(30) == 1
        assert listener.stderr.read() == ""


@pytest.mark.parametrize("command", [["--help"], ["check-config"], ["version"]])
def test_a_pipe_that_nobody_reads_is_no_traceback(tmp_path: Path, command: list[str]):
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*FANOUT, *command], stdout=writing, stderr=subprocess.PIPE, timeout=60, cwd=tmp_path)
    os.close(writing)
    assert done.stderr == b""


def test_check_config_shows_what_holds_and_no_secret(tmp_path: Path):
    (tmp_path / "fanout.toml").write_text(f'secret = "{SECRET}"\nport = 9000\n[rooms.stage]\nmode = "stage"\n')
    done = fanout("check-config", "--config", "fanout.toml", "--port", "9001", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "port = 9001\n" in done.stdout
    assert 'rooms.stage = {"mode":"stage"}\n' in done.stdout
    assert "secret = (set)\n" in done.stdout
    assert SECRET not in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["fanout.toml"], "it only looks"


def test_check_config_looks_into_the_files(tmp_path: Path):
    (tmp_path / "key.pem").write_text("no key")
    env = {"FANOUT_PUBLIC_KEYS": "key.pem"}
    done = fanout("check-config", folder=tmp_path, env=env)
    assert done.returncode == 2
    assert "key.pem" in done.stderr
    done = fanout("check-config", "--tls-cert", "key.pem", "--tls-key", "key.pem", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("fanout: tls_key: ")


def test_the_demo_plays_to_a_real_audience_that_gets_everything(tmp_path: Path):
    with running("demo", "--port", "0", "--listeners", "200", folder=tmp_path) as demo:
        assert demo.stdout.readline().startswith("fanout listening on http://127.0.0.1:"), "the address comes first"
        while not (line := demo.stdout.readline()).startswith("200 listeners"):
            assert line, demo.stderr.read()
        demo.send_signal(signal.SIGINT)
        said, errors = demo.communicate(timeout=60)
        assert (demo.returncode, errors) == (0, "")
    assert said.endswith("Everybody got everything, once and in order.\n")
    assert "gaps 0  lost or repeated 0" in said
    assert list(tmp_path.iterdir()) == []
