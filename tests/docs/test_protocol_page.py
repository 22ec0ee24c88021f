"""The page about the protocol says what the code does: codes, statuses, frames, endpoints, metrics, roles, commands."""

from __future__ import annotations

import argparse
import re
import typing
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec
import pytest

from fanout.cli.program import build_parser
from fanout.client.comeback import Ending
from fanout.client.speech import read_spoken
from fanout.core.closing import COMES_BACK, Bye, CloseCode
from fanout.core.message import Gap, Message, Retraction
from fanout.core.principal import MAY, Action, Role
from fanout.web.openapi import document
from fanout.wire.commands import Command, read_command
from fanout.wire.join import SESSION_COOKIE, SUBPROTOCOLS
from fanout.wire.rendered import Format, as_object
from fanout.wire.replies import Reply, reply_as_object
from tests.docs.codes import status_by_code
from tests.docs.page_session import blocks
from tests.server_process import SECRET, ServerProcess, fanout

PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()


def section(title: str) -> str:
    """What stands under a heading, up to the next of the same depth or above."""
    found = re.search(rf"^(#+) {title}\n(.*?)(?=^#{{1,2}} |\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[2].partition(f"\n{found[1]} ")[0]


def rows(title: str) -> list[list[str]]:
    """The rows of the tables in a section, without their headings."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    rules = [index for index, line in enumerate(lines) if line.startswith("|---")]
    return [row for index, row in enumerate(cells) if index not in rules and index + 1 not in rules]


def json_lines(title: str) -> list[str]:
    return [line for block in blocks(section(title), "json") for line in block]


def test_every_close_code_is_there_with_whether_to_come_back():
    said = {int(code): answer.startswith("yes") for code, _, answer in rows("Close codes")}
    assert said == {int(code): code in COMES_BACK for code in CloseCode}


def test_every_error_code_is_there_with_its_status():
    said = {code.strip("`"): status for code, status, _ in rows("Error codes")}
    sent = status_by_code()
    assert set(said) == set(sent)
    assert {code: int(status) for code, status in said.items() if status} == {
        code: status for code, status in sent.items() if said[code]
    }


@pytest.mark.parametrize("line", json_lines("A client says"))
def test_every_command_on_the_page_is_understood(line: str):
    read_command(line, Format.JSON)


def test_no_command_is_missing():
    said = {type(read_command(line, Format.JSON)) for line in json_lines("A client says")}
    assert said == set(typing.get_args(Command))


@pytest.mark.parametrize("line", json_lines("The server says"))
def test_every_frame_on_the_page_is_one_that_the_server_writes(line: str):
    fields = msgspec.json.decode(line)
    spoken = read_spoken(line)
    if isinstance(spoken, Message | Retraction | Gap):
        assert as_object(spoken) == fields
    elif isinstance(spoken, Ending):
        named = {name: fields.get(name) for name in ("reason", "after_ms", "position", "room")}
        assert reply_as_object(Bye(CloseCode(fields["code"]), **named)) == fields
    elif spoken is not None:
        assert reply_as_object(spoken) == fields
    else:
        assert fields == {"type": "pong"}


def test_no_frame_is_missing():
    said = {msgspec.json.decode(line)["type"] for line in json_lines("The server says")}
    replies = {kind.__name__.lower() for kind in typing.get_args(Reply)}
    assert said == replies | {"message", "retraction", "gap"}


def test_every_endpoint_is_there():
    said = {tuple(call.strip("`").split()) for call, *_ in rows("HTTP")}
    paths = document()["paths"]
    assert said == {(method.upper(), path) for path in paths for method in paths[path] if method != "parameters"}


def test_every_metric_is_there_with_its_type_and_labels(start_server: Callable[..., ServerProcess], tmp_path: Path):
    server = start_server("--memory", "--workers", "1", "--room", "stage:stage")
    token = fanout("token", "--role", "publisher", folder=tmp_path, env={"FANOUT_SECRET": SECRET}).stdout.strip()
    fanout("publish", "stage", "Hello", "--url", server.url, "--token", token, folder=tmp_path)
    text = httpx.get(f"{server.url}/metrics").text
    types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.MULTILINE))
    said = {name.strip("`"): (kind, labels.strip("`")) for name, kind, labels, _ in rows("Metrics")}
    assert {name: kind for name, (kind, _) in said.items()} == types
    for name, label in re.findall(r"^(fanout_\w+?)\{(\w+)=", text, re.MULTILINE):
        if label != "le":
            assert said[name][1] == label


def test_every_role_may_what_the_page_says():
    said = {role.strip("`"): cells for role, *cells in rows("Tokens") if len(cells) == 3}
    order = (Action.PUBLISH, Action.RETRACT, Action.SET_ROOM)
    assert said == {str(role): ["yes" if role in MAY[action] else "" for action in order] for role in Role}


def test_every_command_of_the_shell_is_there_with_its_flags():
    said = {command.strip("`"): set(re.findall(r"--[a-z-]+", flags)) for command, flags in rows("Command line")}
    commands = next(
        action for action in build_parser()._actions if isinstance(action, argparse._SubParsersAction)
    ).choices
    flags = {
        f"fanout {name}": {flag for action in parser._actions for flag in action.option_strings if flag[:2] == "--"}
        - {"--help"}
        for name, parser in commands.items()
        if name != "process"  # which `serve --workers` starts, and nobody else
    }
    assert said == flags


@pytest.mark.parametrize("name", [SESSION_COOKIE, *SUBPROTOCOLS])
def test_names_of_the_handshake_are_there(name: str):
    assert f"`{name}`" in PAGE
