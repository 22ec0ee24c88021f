"""Formats, and TLS contexts made once."""

from __future__ import annotations

import ssl

import pytest
import trustme

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
