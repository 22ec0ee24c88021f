"""The floor under trio: the same as floor.py, but the wait for the publisher is trio's, as the server's own is.

One event loop turn, one epoll inside it, one read, one write a listener: what a message takes before any of it has been
understood.
"""

import os
import select
import socket
import struct

import trio


async def main() -> None:
    door = socket.create_server(("127.0.0.1", 0), backlog=4096)
    publishers = socket.create_server(("127.0.0.1", 0))
    print(f"listening on 127.0.0.1:{door.getsockname()[1]} publisher on {publishers.getsockname()[1]}", flush=True)
    door.setblocking(False)
    sockets: list[socket.socket] = []
    publisher: socket.socket | None = None
    epoll = select.epoll()
    for listening in (door, publishers):
        epoll.register(listening, select.EPOLLIN)
    while True:
        await trio.lowlevel.wait_readable(epoll.fileno())
        for fd, _ in epoll.poll(0):
            if fd == door.fileno():
                connection, _ = door.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sockets.append(connection)
            elif publisher is None:
                publisher, _ = publishers.accept()
                epoll.register(publisher, select.EPOLLIN)
            else:
                head = publisher.recv(4, socket.MSG_WAITALL)
                if not head:
                    return
                (length,) = struct.unpack("!I", head)
                buffer = publisher.recv(length, socket.MSG_WAITALL)
                for connection in sockets:
                    os.write(connection.fileno(), buffer)
                publisher.send(b"k")


trio.run(main)
