"""Edges hear of a message at different moments, and nobody who goes from one to another can tell."""

from __future__ import annotations

import signal
from collections.abc import Callable

from tests.edge.listener import handshake
from tests.server.workers.fleet import Patient, opened

ROUNDS = 8

PEOPLE = 8


async def test_whoever_goes_to_an_edge_that_has_been_held_up_is_told_of_no_gap(start_server: Callable):
    """It has stopped for a moment; when it goes on, who has come meanwhile may be looked at before the news is."""
    server = start_server("--memory", "--room", "stage:stage", "--workers", "2")
    async with opened(server) as fleet:
        here, there = await fleet.at(1), await fleet.at(2)
        await fleet.publish("before")  # over a connection that is kept: a new one might wait for the edge that stands
        for listener in (here, there):
            await listener.expect("message")
        for round in range(ROUNDS):
            fleet.kill("edge-2", signal.SIGSTOP)
            await fleet.publish(f"{round}")
            after = (await here.expect("message"))["position"]
            streams = [await fleet.connect() for _ in range(PEOPLE)]
            for stream in streams:
                await stream.send_all(handshake(f"room=stage&after=stage@{after}"))
            fleet.kill("edge-2", signal.SIGCONT)
            for stream in streams:
                listener = await Patient(stream).upgraded()
                welcome = await listener.expect("welcome")
                assert welcome["rooms"]["stage"] == {"position": after, "mode": "stage", "recovery": "resumed"}
                await listener.aclose()
            assert (await there.expect("message"))["position"] == after
