"""Moderation in a real server: what a visitor submits, what a plug-in says, and what settings do."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from fanout.client import CommandRefused, Stopped, open_client
from fanout.core.message import Message
from fanout.wire.replies import Submission
from tests.server_process import SECRET, ServerProcess, fanout

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


@pytest.fixture
def start(start_server: Callable[..., ServerProcess], tmp_path: Path) -> Callable[..., ServerProcess]:
    (tmp_path / "house_rules.py").write_text(NO_SHOUTING)
    rooms = ("--room", "foyer:open", "--room", "hall:moderated", "--room", "stage:stage", "--room", "closed:open")
    return lambda *more: start_server("--memory", "--drain-seconds", "0", *rooms, *more)


async def test_what_a_visitor_submits_is_held_or_goes_live_by_the_rooms_mode(start: Callable[..., ServerProcess]):
    server = start()
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


async def test_somebody_with_an_identity_may_send_the_same_again(start: Callable[..., ServerProcess], tmp_path: Path):
    server = start()
    from fanout.core.principal import Role
    from fanout.web.tokens import Tokens

    token = Tokens(SECRET.encode()).issue(Role.VISITOR, ["*"], ttl=600, subject="somebody")
    news: list[object] = []
    async with open_client(server.url, rooms=["hall"], token=token, watch=news.append) as client:
        with trio.fail_after(20):
            first = await client.submit("hall", "When?", name="Samira", ref="mine")
            again = await client.submit("hall", "When?", name="Samira", ref="mine")
            other = await client.submit("hall", "Where?", name="Samira", ref="mine")
    assert first == again
    assert other.id != first.id
    assert not [item for item in news if isinstance(item, Submission)]


async def test_plug_ins_refuse_what_they_are_there_to_refuse(start: Callable[..., ServerProcess], tmp_path: Path):
    server = start("--plugin", "house_rules:NoShouting", "--plugin", "house_rules:Doorman")
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


async def test_the_desk_is_followed_like_a_room(start: Callable[..., ServerProcess], tmp_path: Path):
    server = start()
    made = fanout("token", "--role", "moderator", folder=tmp_path, env={"FANOUT_SECRET": SECRET})
    async with open_client(server.url, rooms=["@desk/hall"], token=made.stdout.strip()) as desk:
        with trio.fail_after(20):
            await desk.wait_live()
            async with open_client(server.url, rooms=["hall"]) as client:
                submission = await client.submit("hall", "When?", name="Samira")
            told = await anext(desk)
            assert isinstance(told, Message)
            assert told.kind == "desk"
            assert told.data is not None
            assert told.data["changes"][-1]["id"] == submission.id
    async with open_client(server.url, rooms=["@desk/hall"]) as client:
        with trio.fail_after(20), pytest.raises(Stopped) as stopped:
            await client.wait_live()
        assert stopped.value.code == "room_not_found"


def test_a_server_with_moderation_stops_when_it_is_told_to(start: Callable[..., ServerProcess]):
    server = start("--plugin", "house_rules:NoShouting")
    server.process.send_signal(signal.SIGTERM)
    assert server.wait() == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--plugin", "nowhere:Nothing"), "nowhere"),
        (("--plugin", "house_rules:NoShoutin"), "NoShouting"),
        (("--plugin-folder", "absent"), "plugin_folder"),
    ],
)
def test_a_plug_in_that_can_not_be_loaded_stops_the_start(tmp_path: Path, arguments: tuple[str, ...], says: str):
    (tmp_path / "house_rules.py").write_text(NO_SHOUTING)
    for command in ("serve", "check-config"):
        done = fanout(command, "--memory", *arguments, folder=tmp_path)
        assert done.returncode == 2
        assert says in done.stderr
        assert "Traceback" not in done.stderr


def test_names_that_can_not_be_protected_stop_the_start(tmp_path: Path):
    done = fanout("serve", "--memory", "--port", "0", folder=tmp_path, env={"FANOUT_PROTECTED_NAMES": "x" * 200})
    assert done.returncode == 2
    assert "protected_names" in done.stderr
