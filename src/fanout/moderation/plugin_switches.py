"""Plug-ins switched off and on by people while the server runs: kept, so that a restart brings back none of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog
import trio

from fanout.core.audit import AuditDraft
from fanout.core.principal import EVERY_ROOM, Action, Principal
from fanout.errors import RecordNotFound
from fanout.moderation.hooks.hooks import Hooks
from fanout.moderation.people import signature
from fanout.moderation.ports import Document, Kind, Store

_NO_ROOM: Final = ""


@dataclass(frozen=True, slots=True)
class Switched:
    """How somebody has last switched a plug-in. `at` is in milliseconds since 1970, UTC."""

    enabled: bool
    by: str
    at: int


class PluginSwitches:
    """The switches of all plug-ins. `load` comes first.

    Args:
        clock: Milliseconds since 1970, UTC.
    """

    def __init__(self, hooks: Hooks, store: Store, clock: Callable[[], int]) -> None:
        self._hooks = hooks
        self._store = store
        self._clock = clock
        self._switched: dict[str, Switched] = {}
        self._changing = trio.Lock()

    async def load(self) -> None:
        """Take up what the store has, and say in the log what is off: nobody should wonder why it does nothing.

        Raises:
            StoreUnavailable: It can't be read now.
        """
        for document in await self._store.documents(Kind.PLUGIN):
            if document.body is None:
                continue
            switched = self._switched[document.id] = Switched(**document.body)
            try:
                self._hooks.switch(document.id, on=switched.enabled)
            except RecordNotFound:  # loaded no more; if it is again one day, that holds
                continue
            if not switched.enabled:
                structlog.get_logger().warning("plugin_is_off", plugin=document.id, by=switched.by)

    def of(self, name: str) -> Switched | None:
        """How it was last switched; None: never."""
        return self._switched.get(name)

    async def switch(self, principal: Principal, name: str, *, enabled: bool) -> None:
        """Switch a plug-in off or on; it is so, durable and in the audit trail when this returns.

        Raises:
            NotAllowed: This role or token may not.
            RecordNotFound: `plugin_not_found`.
            StoreUnavailable: Nothing was changed.
        Cancellation: once the store has begun, it is switched.
        """
        principal.check(Action.OPERATE, EVERY_ROOM)
        async with self._changing:
            if self._hooks.is_on(name) == enabled:
                return
            switched = Switched(enabled, signature(principal), self._clock())
            body = {"enabled": enabled, "by": switched.by, "at": switched.at}
            action = "plugin_on" if enabled else "plugin_off"
            audited = AuditDraft(switched.at, switched.by, action, subject=name)
            with trio.CancelScope(shield=True):  # or the store might have it and memory not
                await self._store.put([Document(Kind.PLUGIN, _NO_ROOM, name, body)], [audited])
            self._hooks.switch(name, on=enabled)
            self._switched[name] = switched
            structlog.get_logger().warning(action, plugin=name, by=switched.by)
