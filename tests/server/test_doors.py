"""Listening sockets: their addresses as they are printed, and what is refused."""

import os
import socket
import stat
from pathlib import Path

import pytest

from fanout.errors import ConfigurationError
from fanout.server.doors import close_doors, open_doors, url_of
from fanout.server.settings import Config


def test_a_free_port_is_found_and_told():
    (door,) = open_doors(Config(port=0))
    assert url_of(door, secure=False) == f"http://127.0.0.1:{door.getsockname()[1]}"
    assert url_of(door, secure=True).startswith("https://127.0.0.1:")
    close_doors([door])


def test_an_ipv6_address_is_written_in_brackets():
    (door,) = open_doors(Config(host="::1", port=0))
    assert url_of(door, secure=False) == f"http://[::1]:{door.getsockname()[1]}"
    close_doors([door])


def test_every_network_means_ipv4_too():
    (door,) = open_doors(Config(host="::", port=0))
    with socket.create_connection(("127.0.0.1", door.getsockname()[1]), timeout=5):
        pass
    close_doors([door])


def test_a_port_in_use_is_named():
    (door,) = open_doors(Config(port=0))
    port = door.getsockname()[1]
    with pytest.raises(ConfigurationError, match=f"^port: {port} on 127.0.0.1 is in use"):
        open_doors(Config(port=port))
    close_doors([door])


@pytest.mark.parametrize("host", ["no.such.host.invalid", "256.1.1.1", "192.0.2.1", "a" * 200, "\ud800"])
def test_a_host_that_is_not_ours_is_named(host: str):
    with pytest.raises(ConfigurationError, match=r"^host: "):
        open_doors(Config(host=host, port=0))


def test_a_port_can_be_opened_again_at_once_after_connections(tmp_path: Path):
    """Closed connections linger in TIME_WAIT; a server that restarts must not have to wait for them."""
    (door,) = open_doors(Config(port=0))
    port = door.getsockname()[1]
    with socket.create_connection(("127.0.0.1", port)):
        door.accept()[0].close()  # the side that closes first keeps TIME_WAIT
    close_doors([door])
    close_doors(open_doors(Config(port=port)))


def test_a_unix_socket_is_for_owner_and_group_and_goes_when_it_closes(tmp_path: Path):
    path = tmp_path / "fanout.sock"
    before = os.umask(0)
    (door,) = open_doors(Config(unix=path))
    os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    assert url_of(door, secure=False) == f"unix:{path}"
    close_doors([door])
    assert not path.exists()


def test_a_stale_unix_socket_is_replaced(tmp_path: Path):
    path = tmp_path / "fanout.sock"
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
    (door,) = open_doors(Config(unix=path))
    close_doors([door])


def test_a_unix_socket_that_somebody_listens_on_is_left_alone(tmp_path: Path):
    path = tmp_path / "fanout.sock"
    (door,) = open_doors(Config(unix=path))
    with pytest.raises(ConfigurationError, match=r"^unix: another program listens"):
        open_doors(Config(unix=path))
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    close_doors([door])


def test_a_file_in_the_place_of_a_unix_socket_is_left_alone(tmp_path: Path):
    path = tmp_path / "precious.txt"
    path.write_text("mine")
    with pytest.raises(ConfigurationError, match="is not a socket"):
        open_doors(Config(unix=path))
    assert path.read_text() == "mine"


@pytest.mark.parametrize("path", ["missing/folder/f.sock", "x" * 200])
def test_a_unix_path_that_can_not_be_is_named(tmp_path: Path, path: str):
    with pytest.raises(ConfigurationError, match=r"^unix: "):
        open_doors(Config(unix=tmp_path / path))
