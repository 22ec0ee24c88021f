"""A trio-websocket server as one would first write it: a task and a memory channel per listener. /pub is the
publisher."""

import trio
from trio_websocket import ConnectionClosed, WebSocketRequest, WebSocketServer, serve_websocket

BACKLOG = 1024  # messages a listener may be behind

channels: set[trio.MemorySendChannel[str | bytes]] = set()


async def handle(request: WebSocketRequest) -> None:
    connection = await request.accept()
    try:
        if request.path == "/pub":
            while True:
                text = await connection.get_message()
                for channel in list(channels):
                    await channel.send(text)
                await connection.send_message("ok")
        send_channel, receive_channel = trio.open_memory_channel[str | bytes](BACKLOG)
        channels.add(send_channel)
        try:
            async for text in receive_channel:
                await connection.send_message(text)
        finally:
            channels.discard(send_channel)
    except ConnectionClosed:
        pass


async def main() -> None:
    async with trio.open_nursery() as nursery:
        server: WebSocketServer = await nursery.start(serve_websocket, handle, "127.0.0.1", 0, None)
        print(f"listening on 127.0.0.1:{server.port}", flush=True)


trio.run(main)
