"""The floor of a handshake in Python: accept, read, answer, and not one thing that a server needs besides.

No request is parsed, nobody is counted or remembered, nothing is said after the 101. As in the server, a burst is
accepted before any of it is answered.
"""

import binascii
import hashlib
import select
import socket

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY_FIELD = b"Sec-WebSocket-Key: "
ANSWER = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n"
)

door = socket.create_server(("127.0.0.1", 0), backlog=4096)
door.setblocking(False)
print(f"listening on 127.0.0.1:{door.getsockname()[1]}", flush=True)
epoll = select.epoll()
epoll.register(door, select.EPOLLIN)
connections: dict[int, socket.socket] = {}
while True:
    for fd, _ in epoll.poll(-1, 1024):
        if fd == door.fileno():
            for _ in range(64):
                try:
                    connection, _ = door.accept()
                except BlockingIOError:
                    break
                connection.setblocking(False)
                connections[connection.fileno()] = connection
                epoll.register(connection.fileno(), select.EPOLLIN)
        elif head := connections[fd].recv(65536):
            begin = head.find(KEY_FIELD) + len(KEY_FIELD)
            key = head[begin : begin + 24]
            accept = binascii.b2a_base64(hashlib.sha1(key + GUID).digest(), newline=False)
            connections[fd].send(ANSWER % accept)
        else:
            connections.pop(fd).close()
