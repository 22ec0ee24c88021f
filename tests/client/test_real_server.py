"""The client and the publisher on `fanout serve` itself, which is drained, and killed, under them."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from fanout.client import CommandRefused, Publisher, Stopped, Waiting, open_client, open_publisher
from fanout.client.client import Client
from fanout.core.message import Message
from fanout.wire.rendered import Format

BOTH_WAYS = True


class Server:
    """One `fanout serve` on a directory; it can be ended, and started again on the same port."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.url = self.start(0)
        command = [sys.executable, "-m", "fanout", "token", "--role", "operator", "--data", str(data)]
        self.token = subprocess.run(command, check=True, capture_output=True, timeout=30).stdout.decode().strip()

    def start(self, port: int) -> str:
        command = [sys.executable, "-m", "fanout", "serve", "--port", str(port), "--data", str(self.data)]
        command += ["--room", "stage:stage", "--room", "chat:stage", "--drain-seconds", "1"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self.process.stdout is not None
        found = re.search(r"http://\S+", self.process.stdout.readline().decode())
        assert found is not None
        return found[0]

    def end(self, number: signal.Signals) -> None:
        self.process.send_signal(number)
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()

    def end_and_start_again(self, number: signal.Signals) -> None:
        self.end(number)
        self.start(int(self.url.rsplit(":", 1)[1]))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "data")
    yield server
    server.end(signal.SIGKILL)


async def texts(client: Client, count: int) -> list[str]:
    got = []
    with trio.fail_after(60):
        async for item in client:
            assert isinstance(item, Message)
            got.append(item.text)
            if len(got) == count:
                return got
    raise AssertionError("the client ended early")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "drained"])
async def test_a_restart_in_the_middle_loses_nothing_and_repeats_nothing(
    server: Server, number: signal.Signals
) -> None:
    states: list[object] = []
    async with (
        open_client(server.url, rooms=["stage"], watch=states.append) as client,
        open_publisher(server.url, token=server.token) as publisher,
        trio.open_nursery() as nursery,
    ):
        await client.wait_live()

        async def publish(publisher: Publisher) -> None:
            for each in range(60):
                await publisher.publish("stage", f"line {each}")

        nursery.start_soon(publish, publisher)
        first = await texts(client, 20)
        await trio.to_thread.run_sync(server.end_and_start_again, number)
        assert first + await texts(client, 40) == [f"line {each}" for each in range(60)]
    waits = [state for state in states if isinstance(state, Waiting)]
    assert waits
    if number is signal.SIGTERM:
        assert waits[0].seconds <= 1, "the slot that the draining server gave"


async def test_the_commands_of_the_socket_work_on_the_real_server(server: Server) -> None:
    with trio.fail_after(30):
        async with open_client(server.url, rooms=["stage"], token=server.token, format=Format.MSGPACK) as client:
            published = await client.publish("chat", "before", data={"n": 1})
            assert published.position.seq == 1
            await client.subscribe("chat", last=1)
            item = await anext(client)
            assert isinstance(item, Message)
            assert (item.room, item.text, item.data) == ("chat", "before", {"n": 1})
            with pytest.raises(CommandRefused) as caught:
                await client.subscribe("nowhere")
            assert caught.value.code == "room_not_found"
            await client.unsubscribe("chat")
            await client.publish("chat", "nobody hears this")
            await client.publish("stage", "all hear this")
            item = await anext(client)
            assert isinstance(item, Message)
            assert item.text == "all hear this"
        async with open_client(server.url, rooms=["stage"]) as visitor:
            with pytest.raises(CommandRefused) as caught:
                await visitor.publish("stage", "let me in")
            assert caught.value.code == "token_missing"


async def test_a_bad_token_and_a_missing_room_stop_the_client(server: Server) -> None:
    for options, code in (({"rooms": ["stage"], "token": "x"}, "token_refused"), ({"rooms": ["no"]}, "room_not_found")):
        with trio.fail_after(30), pytest.raises(Stopped) as caught:
            async with open_client(server.url, **options) as client:  # type: ignore[arg-type]
                await anext(client)
        assert caught.value.code == code
