"""Plug-ins switched by people: by whom, and that it lasts."""

from __future__ import annotations

import pytest

from fanout.core.principal import Role
from fanout.core.submission import State
from fanout.errors import NotAllowed, RecordNotFound, StoreUnavailable, SubmissionRefused
from fanout.moderation.plugin_switches import Switched
from fanout.plugins import reject
from fanout.store.memory import MemoryStore
from tests.moderation.house import ANN, open_house, staff

OPS = staff(Role.OPERATOR, "Ops")


class NoToAll:
    """A plug-in on its bad night."""

    name = "no-to-all"

    async def review_submission(self, submission, room):
        return reject("No.")


async def test_what_is_off_stays_off_over_a_restart_and_what_is_on_again_stays_on():
    store = MemoryStore()
    async with open_house(store, plugins=[NoToAll]) as house:
        with pytest.raises(SubmissionRefused):
            await house.ask()
        await house.moderation.switches.switch(OPS, "no-to-all", enabled=False)
        assert (await house.ask()).state is State.HELD
    async with open_house(store, plugins=[NoToAll]) as house:
        assert (await house.ask()).state is State.HELD
        assert house.moderation.switches.of("no-to-all") == Switched(False, "Ops (operator)", 1_000_000)
        await house.moderation.switches.switch(OPS, "no-to-all", enabled=True)
    async with open_house(store, plugins=[NoToAll]) as house:
        with pytest.raises(SubmissionRefused):
            await house.ask()


async def test_one_that_is_loaded_no_more_is_still_off_when_it_is_again():
    store = MemoryStore()
    async with open_house(store, plugins=[NoToAll]) as house:
        await house.moderation.switches.switch(OPS, "no-to-all", enabled=False)
    async with open_house(store) as house:
        assert house.moderation.hooks.statistics() == ()
    async with open_house(store, plugins=[NoToAll]) as house:
        assert not house.moderation.hooks.is_on("no-to-all")


async def test_it_is_audited_once():
    async with open_house(plugins=[NoToAll]) as house:
        for enabled in (True, False, False, True):
            await house.moderation.switches.switch(OPS, "no-to-all", enabled=enabled)
        entries = [(one.draft.by, one.draft.action, one.draft.subject) for one in await house.store.audit()]
        assert entries == [
            ("Ops (operator)", "plugin_off", "no-to-all"),
            ("Ops (operator)", "plugin_on", "no-to-all"),
        ]


async def test_only_an_operator_of_every_room_switches_and_only_what_there_is():
    async with open_house(plugins=[NoToAll]) as house:
        for other in (ANN, staff(Role.OPERATOR, room="hall")):
            with pytest.raises(NotAllowed):
                await house.moderation.switches.switch(other, "no-to-all", enabled=False)
        with pytest.raises(RecordNotFound):
            await house.moderation.switches.switch(OPS, "yes-to-all", enabled=False)
        assert house.moderation.hooks.is_on("no-to-all")


class FullStore(MemoryStore):
    async def put(self, documents, audit=()):
        raise StoreUnavailable("The disk is full.")


async def test_what_can_not_be_kept_is_not_done():
    async with open_house(FullStore(), plugins=[NoToAll]) as house:
        with pytest.raises(StoreUnavailable):
            await house.moderation.switches.switch(OPS, "no-to-all", enabled=False)
        assert house.moderation.hooks.is_on("no-to-all")
        assert house.moderation.switches.of("no-to-all") is None
