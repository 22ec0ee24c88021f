"""One edge's share of what the machine has: descriptors, and with them listeners."""

from __future__ import annotations

import os
from typing import Final

from fanout.edge.settings import EdgeSettings
from fanout.errors import ConfigurationError
from fanout.server.settings import Config

SPARE_DESCRIPTORS: Final = 100
"""Descriptors kept for all that is no connection: the log's files, doors, epolls, what Python itself opens."""


NUMBERS: Final = 2**26
"""Connections that an edge counts before it uses numbers of the next one: 67 million, in one evening."""

NUMBERS_OF_A_PROCESS: Final = 2**20
"""Of those, how many the process has that is in its place now: a million, before it uses numbers of the next one."""


def workers_of(config: Config) -> int:
    """How many edges have processes of their own; 0: there is one process for everything."""
    return len(os.sched_getaffinity(0)) if config.workers == "auto" else config.workers


def edge_settings(config: Config, descriptors: int, number: int = 0, edges: int = 1, begun: int = 0) -> EdgeSettings:
    """What edge `number` (from 0) of so many may take of the descriptors that its process has; `begun` processes have
    been in its place before.

    What is set for all of them together is counted elsewhere; here it is only seen that there can be so many.

    Raises:
        ConfigurationError: More listeners are wanted than there can be.
    """
    usual, few = EdgeSettings(), descriptors // 10  # where descriptors are few, everybody's share is smaller
    visiting, arriving = min(usual.max_visiting, few), min(usual.max_arriving, few)
    most = descriptors - visiting - arriving - min(SPARE_DESCRIPTORS, few)
    wanted = most if config.max_listeners is None else config.max_listeners
    if wanted > most * edges:
        raise ConfigurationError(
            "max_listeners",
            f"at most {most * edges}, since each process that carries some may have {descriptors} descriptors "
            "(ulimit -Hn); more workers carry more.",
        )
    return EdgeSettings(
        max_listeners=min(wanted, most),
        max_per_address=config.max_per_address or most,
        max_arriving=arriving,
        max_visiting=visiting,
        handshake_seconds=config.handshake_seconds,
        trust_proxy=config.trust_proxy,
        first_number=number * NUMBERS + begun * NUMBERS_OF_A_PROCESS % NUMBERS,
    )
