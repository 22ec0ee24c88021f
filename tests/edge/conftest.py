"""Formats, and TLS contexts made once."""

from __future__ import annotations

import ssl

import pytest
import trustme

from fanout.edge.sender import Sender, SendLoop
from fanout.edge.uring import open_sender
from fanout.wire.rendered import Format
from tests.edge.site import Where


@pytest.fixture(params=list(Format), ids=[format.name.lower() for format in Format])
def format(request: pytest.FixtureRequest) -> Format:
    """Each way to listen."""
    return request.param


@pytest.fixture(scope="session")
def tls() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context and that of a client who trusts it."""
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client


@pytest.fixture(params=[open_sender, SendLoop], ids=["the best sender", "send loop"])
def each_sender(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type[Sender]:
    """What this machine allows, and what is left where io_uring is refused."""
    monkeypatch.setattr("fanout.edge.hub.open_sender", request.param)
    return request.param


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests of a whole edge are run twice."""
    if hasattr(metafunc.module, "open_site"):
        metafunc.parametrize("where_the_engine_is", [False, True], ids=["one process", "two"], indirect=True)


@pytest.fixture(autouse=True)
def where_the_engine_is(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """An edge must not be able to tell whether the engine is in its process or behind a socket."""
    monkeypatch.setattr(Where, "behind_a_socket", getattr(request, "param", False))
