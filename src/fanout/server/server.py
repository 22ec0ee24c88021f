"""The composition root: which parts a server has, in which order they start, and in which they stop.

Start: what can be wrong with the settings first (keys, certificates, then the addresses, so that a taken port is told
at once) and the plug-ins, then the log and the engine on it, the rooms of the configuration, the store and moderation
on all of these, and last the edge, with the ordinary HTTP behind it. Only when all stands is anybody told that it
listens; who came earlier has waited in the doors' backlog.

Stop: readiness goes first, so that a proxy sends nobody new. The doors close at once: whoever comes is refused, and
looks elsewhere, instead of waiting for a server that will not come to the door. Every listener is told to come back,
each in a slot of its own, and gets what is on its way to it; requests in progress are answered, so nothing that was
acknowledged is lost and nothing half-done is acknowledged. Then the edge ends, moderation and its store, the engine,
and last the log, which finishes what it had begun.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import trio

from fanout.core.limits import FINISH_SECONDS
from fanout.edge.edge import Edge
from fanout.edge.settings import EdgeSettings
from fanout.engine.engine import Engine, open_engine_on
from fanout.errors import ConfigurationError, InvalidInput
from fanout.feed.moderated_feed import ModeratedFeed
from fanout.feed.statistics import EdgeStatistics
from fanout.log.memory import MemoryLog
from fanout.log.opening import open_engine
from fanout.moderation.hooks.hooks import Hooks
from fanout.moderation.moderation import Moderation, open_moderation
from fanout.moderation.ports import Store
from fanout.moderation.rules import protected_names
from fanout.server.credentials import tokens_of
from fanout.server.doors import close_doors, open_doors, tls_context, url_of
from fanout.server.edge_share import edge_settings
from fanout.server.house import appearance_of, chats_of
from fanout.server.plugins import hooks_of
from fanout.server.settings import Config, RoomConfig
from fanout.store.memory import MemoryStore
from fanout.store.sqlite import DESK_FILE, open_sqlite_store
from fanout.web.app import make_app
from fanout.web.appearance import Appearance
from fanout.web.http import HttpServer
from fanout.web.operate_api import Control
from fanout.web.tokens import Tokens


@dataclass(slots=True)
class Server:
    """A server that listens. `urls` says where; `control`, whether it should be sent nobody new."""

    urls: tuple[str, ...]
    engine: Engine
    moderation: Moderation
    edge: Edge
    http: HttpServer
    tokens: Tokens
    drain_seconds: float
    doors: list[socket.socket]
    control: Control

    async def drain(self) -> None:
        """Take leave of everybody, as told above; returns when all are gone.

        Cancellation: whoever is still there is cut when the server closes; what was acknowledged is in the log.
        """
        self.control.draining = True
        self.http.drain()
        self.edge.shut()
        close_doors(self.doors)
        await self.edge.drain(self.drain_seconds)
        self.control.gone.set()
        with trio.move_on_after(FINISH_SECONDS):
            while self.edge.statistics().visiting:  # noqa: ASYNC110  # the edge sets no event for one who waits once
                await trio.sleep(0.01)


@asynccontextmanager
async def open_server(
    config: Config, descriptors: int, drain: Callable[[], None] | None = None
) -> AsyncIterator[Server]:
    """Start a server; at the end of the block, stop what still runs, without waiting for anybody.

    Args:
        descriptors: How many this process may have open.
        drain: Called when an operator asks over HTTP that it be drained. None: they can't.
    Raises:
        ConfigurationError: It can't start with these settings.
    """
    settings = edge_settings(config, descriptors)
    tokens = tokens_of(config)
    tls = tls_context(config.tls_cert, config.tls_key) if config.tls_cert and config.tls_key else None
    hooks = hooks_of(config)
    appearance = appearance_of(config)
    doors = open_doors(config)
    try:
        urls = tuple(url_of(door, secure=tls is not None) for door in doors)
        async with open_house(config, hooks) as (engine, moderation), trio.open_nursery() as nursery:
            control = Control(drain, seconds=config.drain_seconds)
            server = _assembled(urls, engine, moderation, tokens, settings, control, doors, appearance)
            await nursery.start(server.edge.run, [(door, tls) for door in doors])
            yield server
            nursery.cancel_scope.cancel()
    finally:
        close_doors(doors)


@asynccontextmanager
async def open_house(config: Config, hooks: Hooks) -> AsyncIterator[tuple[Engine, Moderation]]:
    """What there is one of, however many edges there are: the engine with its rooms, and moderation on it.

    Raises:
        ConfigurationError: It can't start with these settings.
    """
    async with open_engine(None if config.memory else config.data) as engine:
        await make_rooms(engine, config.rooms)
        async with _moderated(config, engine, hooks) as moderation:
            yield engine, moderation


@asynccontextmanager
async def _moderated(config: Config, engine: Engine, hooks: Hooks) -> AsyncIterator[Moderation]:
    """Moderation on a store of this server's own, in the data directory if there is one.

    Raises:
        ConfigurationError: A setting is none that moderation takes, or the store can't be opened.
    """
    store: Store = MemoryStore() if config.memory else await open_sqlite_store(config.data / DESK_FILE)
    try:
        async with (
            open_engine_on(MemoryLog()) as desk_engine,
            open_moderation(
                engine,
                desk_engine,
                store,
                hooks,
                protected_names=_checked_names(config),
                country=config.phone_country or "",
                belonging={room: (chat,) for room, chat in chats_of(config).items()},
            ) as moderation,
        ):
            yield moderation
    finally:
        await store.aclose()


def _checked_names(config: Config) -> tuple[str, ...]:
    try:
        return protected_names(config.protected_names)
    except InvalidInput as error:
        raise ConfigurationError("protected_names", error.detail) from None


def _assembled(
    urls: tuple[str, ...],
    engine: Engine,
    moderation: Moderation,
    tokens: Tokens,
    settings: EdgeSettings,
    control: Control,
    doors: list[socket.socket],
    appearance: Appearance,
) -> Server:
    """The parts, each given what it needs of the others: edge and HTTP know each other only by these two functions."""
    edge = Edge(
        feed_of(engine, moderation),
        authenticate=tokens.authenticate,
        handle_http=lambda handover: server.http.serve(handover),
        settings=settings,
    )

    async def counted() -> EdgeStatistics:
        return edge.statistics()

    app = make_app(
        engine,
        tokens,
        counted,
        ready=lambda: not control.draining,
        moderation=moderation,
        appearance=appearance,
        control=control,
    )
    http = HttpServer(app, edge.adopt, trust_proxy=settings.trust_proxy)
    server = Server(urls, engine, moderation, edge, http, tokens, control.seconds, doors, control)
    return server


def feed_of(engine: Engine, moderation: Moderation) -> ModeratedFeed:
    """What an edge in this process is given of both."""
    return ModeratedFeed(
        engine,
        moderation.desk_engine,
        moderation.intake,
        moderation.changes,
        moderation.bans,
        moderation.hooks,
        moderation.typing,
    )


async def make_rooms(engine: Engine, rooms: Mapping[str, RoomConfig]) -> None:
    """Make these rooms, or change those that are there in what is given.

    First all without what they follow, since rooms may follow each other.

    Raises:
        ConfigurationError: A room can't be so; the key names it.
    """
    for name, room in rooms.items():
        with _named(name):
            await engine.open_room(
                name, mode=room.mode, capacity=room.capacity, overflow=room.overflow, title=room.title
            )
    for name, room in rooms.items():
        if room.follows is not None:
            with _named(name):
                await engine.open_room(name, follows=room.follows)


@contextmanager
def _named(room: str) -> Iterator[None]:
    try:
        yield
    except InvalidInput as error:
        raise ConfigurationError(f"rooms.{room}", error.detail) from None
