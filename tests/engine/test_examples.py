"""The examples run, as a newcomer would run them."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import trio
from trio_websocket import open_websocket_url

EXAMPLES = Path(__file__).parents[2] / "examples"


async def run(*command: str) -> list[str]:
    with trio.fail_after(60):
        done = await trio.run_process([sys.executable, *command], capture_stdout=True, check=True)
    return done.stdout.decode().splitlines()


async def test_the_embedded_engine_publishes_and_listens(tmp_path):
    lines = await run(str(EXAMPLES / "embedded_engine.py"))
    for room in ("stage", "hall"):
        heard = [line for line in lines if line.startswith(room)]
        assert heard[0] == f"{room} 1: Ann: Good evening."
        assert heard[1] in {f"{room} 2: Ann: This should not have gone out.", f"{room} 2: (taken back)"}
        assert heard[2].endswith("was taken back")
        assert len(heard) == 3


async def test_the_embedded_engine_remembers_what_it_has_a_directory_for(tmp_path):
    await run(str(EXAMPLES / "embedded_engine.py"), str(tmp_path))
    lines = await run(str(EXAMPLES / "embedded_engine.py"), str(tmp_path))
    stage = [line for line in lines if line.startswith("stage")]
    assert stage[:2] == ["stage 1: Ann: Good evening.", "stage 2: (taken back)"]
    assert len(stage) == 5, "the greeting has a key: it was not published again"


async def test_the_own_server_carries_what_is_typed_to_whoever_connects():
    command = [sys.executable, str(EXAMPLES / "own_trio_websocket_server.py")]
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            process = await nursery.start(
                partial(trio.run_process, command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            )
            announced = (await process.stdout.receive_some()).decode()
            url = announced.split()[-1]
            await process.stdin.send_all(b"before\n")
            async with open_websocket_url(url) as client:
                assert json.loads(await client.get_message())["type"] == "welcome"
                await process.stdin.send_all(b"Good evening\n")
                while (heard := json.loads(await client.get_message()))["text"] == "before":
                    pass
                assert heard["text"] == "Good evening"
            async with open_websocket_url(url + "?last=1") as client:
                await client.get_message()
                assert json.loads(await client.get_message())["text"] == "Good evening"
            await process.stdin.aclose()
