"""Rooms and their messages over HTTP: what `/v1/rooms` and everything below it answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fanout.core.limits import MAX_HISTORY_PAGE
from fanout.core.message import Author, Entry, Gap, GapReason, Message, Retraction
from fanout.core.position import Position
from fanout.core.principal import Action, Principal, to_publish
from fanout.core.say import Say
from fanout.engine.correcting import check_corrections
from fanout.engine.engine import Engine
from fanout.engine.room import Room
from fanout.errors import LogUnavailable
from fanout.feed.statistics import EdgeStatistics
from fanout.web.answers import json_answer, public_json, resource
from fanout.web.bearer import principal_of
from fanout.web.programme import Programme
from fanout.web.reading import one_value, page_limit, read_json
from fanout.web.tokens import Tokens
from fanout.wire.rendered import as_object

DEFAULT_PAGE: Final = 100
"""Messages in a page of history when `limit` does not say."""

MAX_PAGE_BYTES: Final = 1024 * 1024
"""Characters of text after which a page of history ends early: sixty of the longest messages, or any page of ordinary
ones. `next` tells where to go on."""


class RoomChange(msgspec.Struct, frozen=True):
    """What `PUT` may set; what is left out stays as it is."""

    mode: str | None = None
    capacity: int | None = None
    overflow: str | None = None
    follows: list[str] | None = None
    title: str | None = None


class NewMessage(msgspec.Struct, frozen=True):
    """What `POST` publishes."""

    text: str
    kind: str = "message"
    re: str | None = None
    data: dict[str, Any] | None = None


_room_change: Final = msgspec.json.Decoder(RoomChange)
_new_messages: Final = msgspec.json.Decoder(NewMessage | list[NewMessage])


class RoomsApi:
    """The handlers, on one engine.

    Args:
        edge_statistics: Counts the listeners.
        programme: Knows how far the event is.
        retract: Takes a message off the air where there is a desk that has to know of it.
    """

    def __init__(
        self,
        engine: Engine,
        tokens: Tokens,
        edge_statistics: Callable[[], Awaitable[EdgeStatistics]],
        programme: Programme,
        retract: Callable[[Principal, str, str], Awaitable[Retraction]] | None = None,
    ) -> None:
        self._engine, self._tokens, self._edge_statistics = engine, tokens, edge_statistics
        self._programme = programme
        self._retract = retract or self._retract_here

    def routes(self) -> list[Route]:
        return [
            resource("/v1/rooms/{room}/messages", GET=self.history, POST=self.publish),
            resource("/v1/rooms/{room}/messages/{id}", DELETE=self.retract),
            resource("/v1/rooms/{room}", GET=self.one_room, PUT=self.set_room),
            resource("/v1/rooms", GET=self.all_rooms),
        ]

    async def all_rooms(self, request: Request) -> Response:
        """`GET /v1/rooms`."""
        statistics = await self._edge_statistics()
        rooms = [described(self._engine.rooms[name], statistics) for name in sorted(self._engine.rooms)]
        return public_json({"rooms": rooms})

    async def one_room(self, request: Request) -> Response:
        """`GET /v1/rooms/{room}`."""
        return public_json(await self._described(self._engine.room(request.path_params["room"])))

    async def set_room(self, request: Request) -> Response:
        """`PUT /v1/rooms/{room}`: 201 for a new room, 200 for one that was there."""
        name = request.path_params["room"]
        principal_of(request, self._tokens).check(Action.SET_ROOM, name)
        wanted = await read_json(request, _room_change)
        created = name not in self._engine.rooms
        room = await self._engine.open_room(
            name,
            mode=wanted.mode,
            capacity=wanted.capacity,
            overflow=wanted.overflow,
            follows=wanted.follows,
            title=wanted.title,
        )
        return json_answer(await self._described(room), 201 if created else 200)

    async def publish(self, request: Request) -> Response:
        """`POST /v1/rooms/{room}/messages`: answered when durable."""
        name = request.path_params["room"]
        principal = principal_of(request, self._tokens)
        principal.check(Action.PUBLISH, name)
        room = self._engine.room(name)
        given = await read_json(request, _new_messages)
        author = Author(principal.name, principal.role)
        news = given if isinstance(given, list) else [given]
        for new in news:
            principal.check(to_publish(new.kind), name)
        says = [Say(new.text, author, new.kind, new.re, new.data) for new in news]
        await check_corrections(room, says)
        published = await room.publish_all(says, key=request.headers.get("idempotency-key"))
        receipts = [{"id": message.id, "position": str(message.position)} for message in published]
        return json_answer(receipts if isinstance(given, list) else receipts[0], 201)

    async def retract(self, request: Request) -> Response:
        """`DELETE /v1/rooms/{room}/messages/{id}`."""
        name, message = request.path_params["room"], request.path_params["id"]
        principal = principal_of(request, self._tokens)
        return json_answer(as_object(await self._retract(principal, name, message)))

    async def _retract_here(self, principal: Principal, room: str, message: str) -> Retraction:
        principal.check(Action.RETRACT, room)
        return await self._engine.room(room).retract(message)

    async def history(self, request: Request) -> Response:
        """`GET /v1/rooms/{room}/messages`."""
        room = self._engine.room(request.path_params["room"])
        written = one_value(request, "after")
        after = None if written is None else Position.parse(written)
        limit = page_limit(request, DEFAULT_PAGE, MAX_HISTORY_PAGE)
        extent = room.extent
        entries = _page(await room.history(after, limit))
        reached = entries[-1].position if entries else after or Position(extent.epoch, extent.head)
        objects = [as_object(entry) for entry in (*_expired(room, after, entries), *entries)]
        return public_json({"messages": objects, "next": str(reached)})

    async def _described(self, room: Room) -> dict[str, Any]:
        told = described(room, await self._edge_statistics())
        with suppress(LogUnavailable):  # all else is known without the log
            phase = await self._programme.of(room)
            told |= {"phase": phase.name, "note": phase.note}
            told["starts_at"] = phase.starts_at.isoformat() if phase.starts_at else None
        return told


def described(room: Room, statistics: EdgeStatistics) -> dict[str, Any]:
    """A room as it is now. `delivery_seconds` is of the whole server since it started, as upper bounds of buckets."""
    settings, extent = room.settings, room.extent
    counts = statistics.rooms.get(room.name)
    delivery = statistics.delivery
    return {
        "name": settings.name,
        "title": settings.title,
        "mode": str(settings.mode),
        "position": str(room.position),
        "oldest": str(Position(extent.epoch, extent.oldest)),
        "listeners": counts.listeners if counts else 0,
        "visitors": counts.visitors if counts else 0,
        "capacity": settings.capacity,
        "overflow": str(settings.overflow),
        "follows": list(settings.follows),
        "delivery_seconds": {
            "p50": _finite(delivery.quantile(0.5)),
            "p99": _finite(delivery.quantile(0.99)),
            "count": delivery.count,
        },
    }


def _finite(seconds: float) -> float | None:
    """JSON has no infinity: null is more than the last bound."""
    return seconds if seconds < float("inf") else None


def _page(entries: list[Entry]) -> list[Entry]:
    """As many of them as fit a page, at least one."""
    characters = 0
    for count, entry in enumerate(entries):
        characters += len(entry.text) if isinstance(entry, Message) else 0
        if count and characters > MAX_PAGE_BYTES:
            return entries[:count]
    return entries


def _expired(room: Room, after: Position | None, entries: list[Entry]) -> Iterable[Gap]:
    """The gap between what was asked for and the oldest that is kept: said, never silent."""
    if after is None or not entries or entries[0].position.seq == after.seq + 1:
        return ()
    first, last = after.seq + 1, entries[0].position.seq - 1
    return (Gap(room.name, Position(after.epoch, first), Position(after.epoch, last), GapReason.EXPIRED),)
