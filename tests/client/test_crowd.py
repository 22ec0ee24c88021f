"""The crowd, as the process that people start: it meets a good server, and catches a bad one in every lie."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest
import trio

from fanout.client.crowd.listener import Listener
from fanout.client.crowd.loop import Loop, source_addresses
from fanout.client.crowd.reading import Readings
from fanout.client.crowd.tally import Tally
from fanout.client.target import Target
from tests.client.faults import drop_every, repeat_every, swap_every
from tests.client.small_server import SmallServer, small_server

LISTENERS = 40
MESSAGES = 200


async def crowd(
    server: SmallServer, *options: str, meanwhile: Callable[[trio.Process], Any] | None = None
) -> tuple[int, dict[str, Any]]:
    """Run a crowd, publish when all are seated, end it with SIGTERM; its exit code and verdict."""
    command = [sys.executable, "-m", "fanout.client.crowd", "--url", server.url, "--room", "stage"]
    command += ["--listeners", str(LISTENERS), "--settle", "0.5", *options]
    with trio.fail_after(30):
        process = await trio.lowlevel.open_process(command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        await server.until(lambda: bool(server.lines))
        await seated(server)
        for number in range(MESSAGES):
            server.publish("stage", data={"sent_ns": time.monotonic_ns()})
            if number % 20 == 0:
                await seated(server)
            if number == MESSAGES // 2 and meanwhile is not None:
                await meanwhile(process)
        await seated(server)
        process.send_signal(signal.SIGTERM)
        said = b"".join([bytes(part) async for part in process.stdout])
        code = await process.wait()
    return code, json.loads(said.splitlines()[-1])


async def seated(server: SmallServer) -> None:
    """Wait until everybody is connected and was sent all there is; or nobody is, because they were sent away."""
    await server.until(
        lambda: not server.lines or (len(server.lines) == LISTENERS and all(line.idle for line in server.lines))
    )


async def test_a_good_server_meets_the_objectives() -> None:
    async with small_server() as server:
        code, verdict = await crowd(server, "--p99-ms", "60000")
    assert (code, verdict["verdict"], verdict["missed"]) == (0, "met", [])
    assert verdict["delivered"] == LISTENERS * MESSAGES
    assert verdict["p99_ms"] > 0


async def test_everybody_is_back_after_a_cut_from_either_side_and_nothing_is_lost() -> None:
    async with small_server() as server:

        async def cut_twice(process: trio.Process) -> None:
            for cut in (server.cut_all, lambda: trio.to_thread.run_sync(os.kill, process.pid, signal.SIGUSR1)):
                before = len(server.requests)
                await cut()
                await server.until(lambda: len(server.requests) >= before + LISTENERS)  # noqa: B023  # awaited at once
                await seated(server)

        code, verdict = await crowd(server, "--p99-ms", "60000", meanwhile=cut_twice)
    assert (code, verdict["missed"]) == (0, [])
    assert verdict["delivered"] == LISTENERS * MESSAGES
    assert verdict["resumed"] == 2 * LISTENERS


@pytest.mark.parametrize(
    ("bend", "figure", "word"),
    [
        (drop_every(1000), "lost", "lost"),
        (repeat_every(100), "repeated", "duplicate"),
        (swap_every(100), "disordered", "order"),
    ],
)
async def test_a_server_that_breaks_its_promises_is_caught(bend: Any, figure: str, word: str) -> None:
    """With one message in a thousand left out, of 200 for each of forty, eight are missing."""
    async with small_server() as server:
        server.bend = bend
        code, verdict = await crowd(server, "--p99-ms", "60000")
    assert code == 1
    assert verdict[figure] >= 8
    assert [sentence.split(":")[0] for sentence in verdict["missed"]] == [word]


async def test_a_server_that_loses_the_very_last_message_is_caught() -> None:
    async with small_server() as server:
        server.bend = lambda number, entries: [each for each in entries if each["seq"] < MESSAGES or number % 4]
        code, verdict = await crowd(server, "--p99-ms", "60000")
    assert (code, verdict["behind"]) == (1, LISTENERS // 4)


async def test_a_server_that_answers_late_is_caught() -> None:
    async with small_server() as server:
        server.delay_seconds = 0.15
        code, verdict = await crowd(server, "--p99-ms", "100")
    assert code == 1
    assert [sentence.split(":")[0] for sentence in verdict["missed"]] == ["late"]


async def test_listeners_that_are_sent_away_for_good_are_a_fault() -> None:
    async with small_server() as server:

        async def ban(process: trio.Process) -> None:
            await server.bye_all(4003, reconnect=False)

        code, verdict = await crowd(server, "--p99-ms", "60000", meanwhile=ban)
    assert code == 1
    assert verdict["stopped"] == verdict["absent"] == LISTENERS


def test_nobody_there_and_bad_usage_have_exit_codes_of_their_own() -> None:
    command = [sys.executable, "-m", "fanout.client.crowd", "--room", "stage", "--duration", "0.2", "--settle", "0"]
    assert subprocess.run([*command, "--url", "http://127.0.0.1:1"], capture_output=True, timeout=20).returncode == 4
    for bad in ("ftp://x", "https://127.0.0.1:1"):
        assert subprocess.run([*command, "--url", bad], capture_output=True, timeout=20).returncode == 2


def test_a_line_that_is_cut_leaves_its_port_free_at_once() -> None:
    """20,000 that come back look for ports among those of their own old lines for seconds, if those wait a minute."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        target, tally = Target("127.0.0.1", door.getsockname()[1], secure=False), Tally()
        one = Listener(target, ["stage"], tally, Readings())
        loop = Loop(target, [one], tally, rate=100)
        loop.run(time.monotonic() + 0.05)
        served, _ = door.accept()
        with served:
            assert served.recv(4) == b"GET "
            loop.cut_one(one)
            with pytest.raises(ConnectionResetError):
                [*iter(lambda: served.recv(65536), b"")]


def test_each_of_several_processes_has_addresses_of_its_own() -> None:
    target = Target("127.0.0.1", 8700, secure=False)
    every = [source_addresses(target, 30_000, number=number) for number in range(200)]
    assert [len(each) for each in every] == [2] * 200
    assert len({address for each in every for address in each}) == 400
    assert source_addresses(Target("192.0.2.1", 8700, secure=False), 30_000) == []
