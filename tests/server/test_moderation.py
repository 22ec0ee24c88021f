"""Moderation in a real server: what a visitor submits, what a plug-in says, and what settings do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import trio

from fanout.client import CommandRefused, Stopped, open_client
from fanout.core.message import Message
from fanout.core.principal import Role
from fanout.core.typed_lines import TypedLine
from fanout.web.tokens import Tokens
from fanout.wire.replies import Submission, Typing
from tests.server_process import SECRET, ServerProcess, fanout

BOTH_WAYS = True

NO_SHOUTING = """
from fanout.plugins import reject, refuse


class NoShouting:
    name = "no-shouting"

    async def review_submission(self, submission, room):
        if submission.text.isupper():
            return reject("Please do not shout.")


class Doorman:
    name = "doorman"

    async def admit_visitor(self, visitor):
        if "closed" in visitor.rooms:
            return refuse("Only those who are invited.")
"""


pytestmark = pytest.mark.xdist_group("server with moderation")  # which is started once

ROOMS = (
    "foyer:open",
    "hall:moderated",
    "court:moderated",
    "salon:moderated",
    "yard:moderated",
    "stage:stage",
    "closed:open",
)
ARGUMENTS = ("--memory", "--drain-seconds", "0", *(word for room in ROOMS for word in ("--room", room)))


@pytest.fixture(scope="module")
def server(workers: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """Without plug-ins, for tests that use rooms of their own."""
    folder = tmp_path_factory.mktemp("server")
    server = ServerProcess("--port", "0", *ARGUMENTS, folder=folder, env={"FANOUT_SECRET": SECRET})
    try:
        yield server.listens()
    finally:
        server.kill()


async def test_what_a_visitor_submits_is_held_or_goes_live_by_the_rooms_mode(server: ServerProcess):
    async with open_client(server.url, rooms=["foyer", "hall"]) as client:
        with trio.fail_after(20):
            assert (await client.submit("hall", "When?", name="Samira")).state == "held"
            live = await client.submit("foyer", "Hello", name="Samira")
            message = await anext(client)
            assert isinstance(message, Message)
            assert (message.room, message.text, message.author.name) == ("foyer", "Hello", "Samira")
            assert (live.state, live.message) == ("aired", message.id)
            with pytest.raises(CommandRefused) as refusal:
                await client.submit("stage", "Me too", name="Samira")
            assert refusal.value.code == "submissions_closed"


async def test_somebody_with_an_identity_may_send_the_same_again(server: ServerProcess):
    token = Tokens(SECRET.encode()).issue(Role.VISITOR, ["*"], ttl=600, subject="somebody")
    news: list[object] = []
    async with open_client(server.url, rooms=["salon"], token=token, watch=news.append) as client:
        with trio.fail_after(20):
            first = await client.submit("salon", "When?", name="Samira", ref="mine")
            again = await client.submit("salon", "When?", name="Samira", ref="mine")
            other = await client.submit("salon", "Where?", name="Samira", ref="mine")
    assert first == again
    assert other.id != first.id
    assert not [item for item in news if isinstance(item, Submission)]


async def test_plug_ins_refuse_what_they_are_there_to_refuse_until_the_server_is_told_to_stop(
    start_server: Callable[..., ServerProcess], tmp_path: Path
):
    (tmp_path / "house_rules.py").write_text(NO_SHOUTING)
    server = start_server(*ARGUMENTS, "--plugin", "house_rules:NoShouting", "--plugin", "house_rules:Doorman")
    async with open_client(server.url, rooms=["foyer"]) as client:
        with trio.fail_after(20):
            with pytest.raises(CommandRefused) as refusal:
                await client.submit("foyer", "WHEN?", name="Samira")
            assert (refusal.value.code, refusal.value.detail) == ("rejected", "Please do not shout.")
            assert (await client.submit("foyer", "When?", name="Samira")).state == "aired"
    async with open_client(server.url, rooms=["closed"]) as client:
        with trio.fail_after(20), pytest.raises(Stopped) as stopped:
            await client.wait_live()
        assert (stopped.value.code, stopped.value.close_code) == ("banned", 4003)
        assert "invited" in stopped.value.detail
    assert server.terminate() == 0


async def test_the_desk_is_followed_like_a_room(server: ServerProcess):
    token = Tokens(SECRET.encode()).issue(Role.MODERATOR, ["*"], ttl=600)
    async with open_client(server.url, rooms=["@desk/yard"], token=token) as desk:
        with trio.fail_after(20):
            await desk.wait_live()
            async with open_client(server.url, rooms=["yard"]) as client:
                submission = await client.submit("yard", "When?", name="Samira")
            told = await anext(desk)
            assert isinstance(told, Message)
            assert told.kind == "desk"
            assert told.data is not None
            assert told.data["changes"][-1]["id"] == submission.id
    scribe = Tokens(SECRET.encode()).issue(Role.SCRIBE, ["yard"], ttl=600)
    async with open_client(server.url, rooms=["@stage/yard"], token=scribe) as stage:
        with trio.fail_after(20):
            await stage.wait_live()
    for known, room in ((None, "@desk/yard"), (None, "@stage/yard"), (scribe, "@desk/yard"), (scribe, "@stage/foyer")):
        async with open_client(server.url, rooms=[room], token=known) as client:
            with trio.fail_after(20), pytest.raises(Stopped) as stopped:
                await client.wait_live()
            assert stopped.value.code == "room_not_found"


async def test_a_client_is_told_what_is_being_typed_and_then_that_it_is_not(server: ServerProcess):
    told: list[Typing] = []
    changed = trio.Event()

    def watch(news: object) -> None:
        nonlocal changed
        if isinstance(news, Typing):
            told.append(news)
            changed.set()

    async def until(*texts: str) -> None:
        nonlocal changed
        while not told or [line.text for line in told[-1].lines] != [*texts]:
            changed = trio.Event()
            await changed.wait()

    token = Tokens(SECRET.encode()).issue(Role.MODERATOR, ["*"], name="Sue", ttl=600)
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx.AsyncClient(base_url=server.url, headers=headers) as staff,
        open_client(server.url, rooms=["court"], watch=watch) as client,
    ):
        with trio.fail_after(20):
            asked = await client.submit("court", "When?", name="Samira")
            for action in ("approve", "air"):
                await staff.post(f"/v1/submissions/{asked.id}/decisions", json={"action": action})
            question = await anext(client)
            await staff.patch("/v1/rooms/court/rules", json={"typing": "text"})
            line = f"/v1/submissions/{asked.id}/lines/a"
            await staff.put(line, json={"text": "On 1 Ju"})
            await until("On 1 Ju")
            assert told[-1].lines == (TypedLine(question.id, "Sue", "moderator", "On 1 Ju"),)
            await staff.put(line, json={"text": "On 1 July.", "final": True})
            assert (await anext(client)).text == "On 1 July."
            await until()


@pytest.mark.parametrize(
    ("command", "arguments", "says"),
    [
        ("serve", ("--plugin", "nowhere:Nothing"), "nowhere"),
        ("check-config", ("--plugin", "nowhere:Nothing"), "nowhere"),
        ("check-config", ("--plugin", "house_rules:NoShoutin"), "NoShouting"),
        ("serve", ("--plugin-folder", "absent"), "plugin_folder"),
    ],
)
def test_a_plug_in_that_can_not_be_loaded_stops_the_start(
    tmp_path: Path, command: str, arguments: tuple[str, ...], says: str
):
    (tmp_path / "house_rules.py").write_text(NO_SHOUTING)
    done = fanout(command, "--memory", *arguments, folder=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_names_that_can_not_be_protected_stop_the_start(tmp_path: Path):
    done = fanout("serve", "--memory", "--port", "0", folder=tmp_path, env={"FANOUT_PROTECTED_NAMES": "x" * 200})
    assert done.returncode == 2
    assert "protected_names" in done.stderr
