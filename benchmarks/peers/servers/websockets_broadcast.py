"""The websockets library and its own broadcast(), on uvloop where that is installed. /pub is the publisher."""

import asyncio
import importlib.util

from websockets.asyncio.server import ServerConnection, broadcast, serve

listeners: set[ServerConnection] = set()


async def handle(connection: ServerConnection) -> None:
    if connection.request is not None and connection.request.path == "/pub":
        async for text in connection:
            broadcast(listeners, text)
            await connection.send("ok")
    else:
        listeners.add(connection)
        try:
            await connection.wait_closed()
        finally:
            listeners.discard(connection)


async def main() -> None:
    async with serve(handle, "127.0.0.1", 0, compression=None, backlog=4096, ping_interval=None) as server:
        host, port = server.sockets[0].getsockname()
        print(f"listening on {host}:{port}", flush=True)
        await asyncio.get_running_loop().create_future()


loop = importlib.import_module("uvloop" if importlib.util.find_spec("uvloop") else "asyncio")
loop.run(main())
