"""Formats, and TLS contexts made once."""

from __future__ import annotations

import ssl

import pytest
import trustme

from fanout.edge.sender import Sender, SendLoop
from fanout.edge.uring import open_sender
from fanout.wire.rendered import Format


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
