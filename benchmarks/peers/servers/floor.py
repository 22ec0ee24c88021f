"""The floor in Python: no protocol at all, a bare loop of send() of one prepared buffer over every socket.

Listeners connect to the first port and are sent to at once; the publisher connects to the second and hands over a
buffer: four bytes of length, then the bytes. One byte goes back when the loop is done.
"""

import select
import socket
import struct

door = socket.create_server(("127.0.0.1", 0), backlog=4096)
publishers = socket.create_server(("127.0.0.1", 0))
print(f"listening on 127.0.0.1:{door.getsockname()[1]} publisher on {publishers.getsockname()[1]}", flush=True)

sockets: list[socket.socket] = []
publisher: socket.socket | None = None
epoll = select.epoll()
epoll.register(door, select.EPOLLIN)
epoll.register(publishers, select.EPOLLIN)
while True:
    for fd, _ in epoll.poll():
        if fd == door.fileno():
            connection, _ = door.accept()
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sockets.append(connection)
        elif publisher is None:
            publisher, _ = publishers.accept()
            epoll.register(publisher, select.EPOLLIN)
        else:
            head = publisher.recv(4, socket.MSG_WAITALL)
            if not head:
                raise SystemExit
            (length,) = struct.unpack("!I", head)
            buffer = publisher.recv(length, socket.MSG_WAITALL)
            for connection in sockets:
                connection.send(buffer)
            publisher.send(b"k")
