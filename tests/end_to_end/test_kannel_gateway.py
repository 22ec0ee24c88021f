"""SMS through a real Kannel, set up as the documentation says: each is kept once, whatever its characters, also those
that came while the server was dead."""

from __future__ import annotations

import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote_from_bytes

import httpx
import pytest

from fanout.core.principal import Role
from fanout.web.tokens import Tokens
from tests.components import component
from tests.docs.page_session import free_port
from tests.server_process import SECRET, ServerProcess

BOTH_WAYS = True

pytestmark = [pytest.mark.kannel, pytest.mark.timeout(60), pytest.mark.xdist_group("alone")]

CONFIG = Path(__file__).parents[2] / "docs" / "configs" / "kannel.conf"
ACCENTED = "Étudiante à Noël, 5 € 😀"
PLAIN = "va  til ogmenter à Noël ?"
SECONDS = 20
SENDER = "+33612345678"


class Kannel:
    """A bearerbox and a smsbox, with the file of the documentation on ports of their own."""

    def __init__(self, folder: Path, server_port: int) -> None:
        self._folder = folder
        self.port = free_port()
        (folder / "spool").mkdir()
        token = Tokens(SECRET.encode()).issue(Role.GATEWAY, ["questions"], ttl=600)
        config = CONFIG.read_text()
        for before, after in (
            ("= 13000", f"= {free_port()}"),
            ("= 13001", f"= {free_port()}"),
            ("= 13013", f"= {free_port()}"),
            ("= 10000", f"= {self.port}"),
            ("/var/spool/kannel/store", f"{folder}/spool"),
            ("127.0.0.1:8700", f"127.0.0.1:{server_port}"),
            ("token=TOKEN", f"token={token}"),
            ("http-queue-delay = 5", "http-queue-delay = 1"),
        ):
            assert before in config
            config = config.replace(before, after)
        (folder / "kannel.conf").write_text(config)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Both boxes, from the moment that they take SMS."""
        with self._box("bearerbox", "smsc_fake: start called"), self._box("smsbox", "Connected to bearerbox"):
            yield

    @contextmanager
    def _box(self, name: str, ready: str) -> Iterator[None]:
        log = self._folder / f"{name}.log"
        with log.open("w") as said:
            box = subprocess.Popen([f"/usr/sbin/{name}", "kannel.conf"], cwd=self._folder, stdout=said, stderr=said)
        try:
            until(lambda: ready in log.read_text() or box.poll() is not None, log)
            assert box.poll() is None, log.read_text()[-2000:]
            yield
        finally:
            box.send_signal(signal.SIGINT)
            try:
                box.wait(10)
            except subprocess.TimeoutExpired:
                box.kill()
                box.wait()

    def send(self, count: int, kind: str, text: str) -> None:
        """That many SMS of the same words, through the fake SMS centre."""
        program = str(component("kannel").path())
        message = f"{SENDER} 32000 {kind} {text}"
        wanted = self._taken() + count
        sender = subprocess.Popen(
            [program, "-H", "127.0.0.1", "-r", str(self.port), "-m", str(count), "-i", "0.001", message],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            until(lambda: self._taken() >= wanted, self._taken)
        finally:  # it goes on waiting for answers, of which there are none
            sender.terminate()
            sender.communicate()

    def _taken(self) -> int:
        return (self._folder / "bearerbox.log").read_text().count("smsc_fake: new message received")


def until(holds: Callable[[], Any], what: object) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def ucs2(text: str) -> str:
    return quote_from_bytes(text.encode("utf-16-be"))


class Desk:
    """What the moderators see."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self._headers = {
            "Authorization": f"Bearer {Tokens(SECRET.encode()).issue(Role.MODERATOR, ['questions'], ttl=600)}"
        }

    def count(self) -> int:
        return self._get("tallies")["by_source"]["sms"]["messages"]

    def queue(self) -> list[dict[str, Any]]:
        return self._get("submissions?limit=500")["submissions"]

    def people(self) -> int:
        return self._get("tallies")["people"]

    def _get(self, what: str) -> Any:
        answer = httpx.get(f"{self.server.url}/v1/rooms/questions/{what}", headers=self._headers, timeout=SECONDS)
        assert answer.status_code == 200, answer.text
        return answer.json()


def test_every_sms_is_kept_once_also_those_that_came_while_the_server_was_dead(
    start_server: Callable[..., ServerProcess], tmp_path: Path
):
    server_port = free_port()
    arguments = ("--data", str(tmp_path / "data"), "--room", "questions:moderated")
    server = start_server(*arguments, port=server_port)
    desk = Desk(server)
    kannel = Kannel(tmp_path, server_port)
    with kannel.running():
        kannel.send(60, "text", PLAIN)
        kannel.send(60, "ucs2", ucs2(ACCENTED))
        until(lambda: desk.count() == 120, desk.count)
        server.kill()
        kannel.send(40, "text", PLAIN)
        kannel.send(40, "ucs2", ucs2(ACCENTED))
        desk.server = again = start_server(*arguments, port=server_port)
        until(lambda: desk.count() == 200, desk.count)
    texts = [submission["text"] for submission in desk.queue()]
    assert Counter(texts) == {PLAIN: 100, ACCENTED: 100}
    assert desk.people() == 1
    assert "612345678" not in server.log + again.log + server.out + again.out
    assert "token=" not in server.log + again.log
