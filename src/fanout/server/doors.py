"""The doors: listening sockets over TCP or a Unix socket, the TLS on them, and how their address is written."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import stat
from pathlib import Path
from typing import Final

from fanout.errors import ConfigurationError
from fanout.server.settings import Config

BACKLOG: Final = 4096
"""Connections that the kernel keeps for us until they are accepted: what arrives in the 50 ms of a long pass when doors
open at 20,000 a second is 1,000. The kernel cuts it to net.core.somaxconn (4096 since Linux 5.4)."""

SOCKET_MODE: Final = 0o660
"""Who may connect to a Unix socket: the owner and the group, in which the proxy is."""


def open_doors(config: Config, *, shared: bool = False) -> list[socket.socket]:
    """Bound, listening, non-blocking sockets: one for a Unix socket, one for each address that the host's name has.

    Args:
        shared: Other sockets of ours listen on the same port; the kernel gives each a share of those who come.
    Raises:
        ConfigurationError: The address is in use, not ours, or not an address.
    """
    if config.unix is not None:
        return [_unix_door(config.unix)]
    return _tcp_doors(config.host, config.port, shared)


def _tcp_doors(host: str, port: int, shared: bool) -> list[socket.socket]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        detail = error.strerror if isinstance(error, OSError) else "not a name"
        raise ConfigurationError("host", f"{host!r} is no address of this machine: {detail}.") from None
    doors: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            door = socket.socket(family, kind | socket.SOCK_NONBLOCK, protocol)
            doors.append(door)
            # A restarted server need not wait for its predecessor's connections to be forgotten (TIME_WAIT).
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if shared:
                door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                # :: means every network, also those of IPv4; the doors of one name stay apart.
                both = 1 if len(found) > 1 or address[0] != "::" else 0
                door.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, both)
            if port == 0 and len(doors) > 1:
                address = (address[0], doors[0].getsockname()[1], *address[2:])
            door.bind(address)
            door.listen(BACKLOG)
    except OSError as error:
        for door in doors:
            door.close()
        raise _refused(host, port, error) from None
    return doors


def _refused(host: str, port: int, error: OSError) -> ConfigurationError:
    if error.errno == errno.EADDRINUSE:
        return ConfigurationError("port", f"{port} on {host} is in use by another program; choose another, or 0.")
    if error.errno == errno.EACCES:
        return ConfigurationError("port", f"{port} may only be opened by root; choose one above 1023.")
    return ConfigurationError("host", f"can't listen on {host}: {error.strerror}.")


def _unix_door(path: Path) -> socket.socket:
    _remove_stale(path)
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    before = os.umask(0o777 & ~SOCKET_MODE)  # so that there is no moment with wider permissions
    try:
        door.bind(str(path))
    except OSError as error:
        door.close()
        raise ConfigurationError("unix", f"can't make the socket {path}: {error.strerror or error}.") from None
    finally:
        os.umask(before)
    door.listen(BACKLOG)
    return door


def _remove_stale(path: Path) -> None:
    """Take away a socket file that nobody listens on any more; leave anything else alone."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigurationError("unix", f"{path} can't be used: {error.strerror}.") from None
    if not stat.S_ISSOCK(found.st_mode):
        raise ConfigurationError("unix", f"{path} exists and is not a socket; choose another path.")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise ConfigurationError("unix", f"{path} can't be used: {error.strerror}.") from None
        else:
            raise ConfigurationError("unix", f"another program listens on {path}; choose another path.")


def close_doors(doors: list[socket.socket]) -> None:
    """Close them, and take a Unix socket's file away."""
    for door in doors:
        if door.family == socket.AF_UNIX and door.fileno() != -1:
            Path(door.getsockname()).unlink(missing_ok=True)
        door.close()


def url_of(door: socket.socket, *, secure: bool) -> str:
    """Where the door is, for people and for clients: `http://127.0.0.1:8700`, `https://[::1]:8700`, `unix:/run/f`."""
    if door.family == socket.AF_UNIX:
        return f"unix:{door.getsockname()}"
    host, port = door.getsockname()[:2]
    written = f"[{host}]" if door.family == socket.AF_INET6 else host
    return f"{'https' if secure else 'http'}://{written}:{port}"


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """A server's TLS: version 1.2 or newer, HTTP/1.1 only, no renegotiation, no compression.

    Raises:
        ConfigurationError: A file can't be read, or the two do not belong together.
    """
    for name, path in (("tls_cert", certificate), ("tls_key", key)):
        if not os.access(path, os.R_OK):
            raise ConfigurationError(name, f"{path} can't be read.")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except ssl.SSLError as error:
        raise ConfigurationError(
            "tls_key", f"{certificate} and {key} are not a certificate and its key: {error.reason}."
        ) from None
    return context


def _no_password() -> str:
    raise ConfigurationError(
        "tls_key", "the key is locked with a password; give one without, readable by the server alone."
    )
