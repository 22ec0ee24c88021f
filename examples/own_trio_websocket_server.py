"""A trio-websocket server of your own whose visitors listen to a room: `fanout.attach` is the one call that it takes.

Run it: `python examples/own_trio_websocket_server.py`, then connect any WebSocket client to the address that it prints.
`?after=POSITION` resumes, `?last=N` begins with the last N. Every line that you type is published.
"""

from __future__ import annotations

import sys
from functools import partial
from urllib.parse import parse_qs, urlsplit

import trio
from trio_websocket import WebSocketRequest, serve_websocket

import fanout


async def visit(room: fanout.Room, request: WebSocketRequest) -> None:
    query = parse_qs(urlsplit(request.path).query)
    after = query.get("after", [None])[0]
    last = query.get("last", ["0"])[0]
    if not last.isdecimal() or len(last) > 6:
        await request.reject(400, body=b"last is a number\n")
        return
    connection = await request.accept()
    await fanout.attach(connection, room, after=after, last=int(last))


async def publish_what_is_typed(room: fanout.Room) -> None:
    async for line in trio.wrap_file(sys.stdin):
        try:
            await room.publish(line.rstrip("\n"))
        except fanout.InvalidInput as problem:
            print(f"not published: {problem.detail}", flush=True)


async def main(port: int = 0) -> None:
    async with fanout.open_engine() as engine, trio.open_nursery() as nursery:
        stage = await engine.open_room("stage", mode="stage")
        server = await nursery.start(partial(serve_websocket, partial(visit, stage), "127.0.0.1", port, None))
        print(f"listening on ws://127.0.0.1:{server.port}/", flush=True)
        await publish_what_is_typed(stage)
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main)
