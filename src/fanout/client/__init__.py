"""Clients of a fanout server: `open_client` listens and comes back by itself, `open_publisher` publishes over HTTP.

What runs on trio is imported when it is first asked for: a crowd, and a load test in locust's process, use modules of
this package that know nothing of trio, and must not start it (locust removes `select.epoll`, which trio runs on).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fanout.client.comeback import Stopped

if TYPE_CHECKING:
    from fanout.client.client import Client as Client
    from fanout.client.client import open_client as open_client
    from fanout.client.news import CommandRefused as CommandRefused
    from fanout.client.news import Connecting as Connecting
    from fanout.client.news import Finished as Finished
    from fanout.client.news import Live as Live
    from fanout.client.news import NotConfirmed as NotConfirmed
    from fanout.client.news import Waiting as Waiting
    from fanout.client.publisher import Publisher as Publisher
    from fanout.client.publisher import Receipt as Receipt
    from fanout.client.publisher import Unreachable as Unreachable
    from fanout.client.publisher import open_publisher as open_publisher

_HOME = {
    "Client": "client",
    "open_client": "client",
    "CommandRefused": "news",
    "Connecting": "news",
    "Finished": "news",
    "Live": "news",
    "NotConfirmed": "news",
    "Waiting": "news",
    "Publisher": "publisher",
    "Receipt": "publisher",
    "Unreachable": "publisher",
    "open_publisher": "publisher",
}

__all__ = [
    "Client",
    "CommandRefused",
    "Connecting",
    "Finished",
    "Live",
    "NotConfirmed",
    "Publisher",
    "Receipt",
    "Stopped",
    "Unreachable",
    "Waiting",
    "open_client",
    "open_publisher",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
