"""The whole examination: how many listeners are meant, everything that bears on them, and what came of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from fanout.errors import ConfigurationError
from fanout.server.doctor import haproxy, nginx
from fanout.server.doctor.certificate import check_certificate
from fanout.server.doctor.clock import check_clock
from fanout.server.doctor.demand import (
    MARGIN,
    PROCESS_BYTES,
    Demand,
    bytes_each,
    most_seated,
    seats_of,
    workers_for,
)
from fanout.server.doctor.disk import check_data, check_flushes, check_space
from fanout.server.doctor.finding import Finding, Verdict, judged
from fanout.server.doctor.handshake import look_at_certificate
from fanout.server.doctor.kernel import check_kernel
from fanout.server.doctor.machine import Machine
from fanout.server.doctor.memory import MemoryFacts, check_memory, check_socket_memory
from fanout.server.doctor.network import (
    SPARE_PORTS,
    NetworkFacts,
    check_backlog,
    check_door,
    check_local_ports,
    check_tracking,
)
from fanout.server.doctor.probes import look_at_disk, read_clock, try_doors, try_uring
from fanout.server.doctor.processes import (
    ProcessFacts,
    check_cores,
    check_descriptors,
    check_in_flight,
    check_open_files,
)
from fanout.server.doctor.proxy import check_without_file, proxy_findings
from fanout.server.settings import Config

MOST_PROXY_BYTES: Final = 4 << 20
"""Largest file of a proxy's that is read: the whole of a large site is a tenth of it."""


@dataclass(frozen=True, slots=True)
class Examination:
    """What came of it.

    Args:
        listeners: For how many it was made.
        limited_by: What keeps the machine from carrying more, when nobody said how many.
        workers: Worker processes to start; 0: a single process is enough.
        findings: In the order in which they are to be read.
    """

    listeners: int
    limited_by: str | None
    workers: int
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of all."""
        verdicts = {finding.verdict for finding in self.findings}
        return next((each for each in (Verdict.BAD, Verdict.WARN) if each in verdicts), Verdict.GOOD)


def examine(
    config: Config,
    *,
    listeners: int | None = None,
    workers: int | None = None,
    proxy_config: Path | None = None,
    machine: Machine | None = None,
) -> Examination:
    """Look at everything. It takes some seconds at most, mostly for the disk, and leaves things as they were.

    Args:
        config: The settings that the server will have.
        listeners: For how many; None: for as many as this machine can carry.
        workers: As many workers; None: as many as are needed.
        proxy_config: The file of the nginx or haproxy that will stand before it.

    Raises:
        ConfigurationError: The proxy's file can't be read.
    """
    machine = machine or Machine()
    processes, memory, network = machine.processes(), machine.memory(), machine.network()
    tls = config.tls_cert is not None
    limited_by = None
    if listeners is None:
        listeners, limited_by = capacity(config, processes, memory, network, workers)
    demand = Demand(
        listeners,
        workers_for(listeners, seats_of(processes.hard)) if workers is None else workers,
        tls,
        behind_proxy=config.trust_proxy or config.unix is not None or proxy_config is not None,
        over_tcp=config.unix is None,
    )
    findings: list[Finding | None] = [
        check_descriptors(processes, demand, workers_chosen=workers is not None),
        check_open_files(processes, demand),
        check_in_flight(processes, demand) if demand.workers else None,
        _check_limit(config, demand),
        check_cores(processes, demand),
        check_memory(memory, demand),
        check_socket_memory(memory, demand),
        *_network(config, demand, network),
        check_clock(read_clock(machine), foreign_keys=bool(config.public_keys)),
        *_disk(config, demand, machine),
        *_certificate(config),
        *_proxy(config, demand, proxy_config, processes.cores),
        check_kernel(machine.kernel(try_uring())),
    ]
    return Examination(listeners, limited_by, demand.workers, tuple(each for each in findings if each is not None))


def capacity(
    config: Config, processes: ProcessFacts, memory: MemoryFacts, network: NetworkFacts, workers: int | None
) -> tuple[int, str]:
    """How many listeners a machine can carry, half of its memory left free, and what limits it."""
    used = processes.cores if workers is None else workers
    used = 0 if used <= 1 else used
    half = memory.free // MARGIN - (used + 1) * PROCESS_BYTES
    each_files = 3 if config.trust_proxy or config.unix is not None else 1
    limits = {
        f"{processes.hard:,} descriptors a process" + (f", {used} workers" if used else ""): most_seated(
            used, seats_of(processes.hard)
        ),
        "memory": int(half / bytes_each(tls=config.tls_cert is not None)),
        "fs.file-max": (processes.file_max - processes.files_open) // each_files - (used + 1) * 600,
    }
    if config.trust_proxy and config.unix is None:
        limits["local ports (a proxy over TCP)"] = network.ports - SPARE_PORTS
    if config.max_listeners is not None:
        limits["max_listeners"] = config.max_listeners
    least = min(limits, key=lambda name: limits[name])
    return max(1, limits[least]), least


def _check_limit(config: Config, demand: Demand) -> Finding | None:
    if config.max_listeners is None:
        return None
    return judged(
        "max_listeners",
        f"{config.max_listeners:,}",
        f"{demand.listeners:,}",
        "Who comes beyond it is told to come back later.",
        bad=[f"max_listeners = {demand.listeners} in the settings, or none"]
        if config.max_listeners < demand.listeners
        else [],
    )


def _network(config: Config, demand: Demand, network: NetworkFacts) -> list[Finding | None]:
    return [
        check_door(try_doors(config)),
        check_backlog(network),
        check_local_ports(network, demand),
        check_tracking(network, demand),
    ]


def _disk(config: Config, demand: Demand, machine: Machine) -> list[Finding | None]:
    if config.memory:
        change = ["--data DIR in the place of --memory, for anything but a trial"]
        why = "What was said is gone with the process, and so are the submissions."
        return [
            judged("data directory", "none: all is kept in memory", "a directory on a local disk", why, warn=change)
        ]
    disk = look_at_disk(config.data, machine)
    return [check_data(disk), check_space(disk, demand), check_flushes(disk)]


def _certificate(config: Config) -> list[Finding]:
    if config.tls_cert is None or config.tls_key is None:
        return []
    facts = look_at_certificate(config.tls_cert, config.tls_key)
    return check_certificate(facts, _public_name(config.host), datetime.now(UTC))


def _public_name(host: str) -> str | None:
    """The host, when it is a name or address that a browser could be given; not `every network` or this machine."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None if host == "localhost" else host
    return None if address.is_unspecified or address.is_loopback else host


def _proxy(config: Config, demand: Demand, file: Path | None, cores: int) -> Sequence[Finding]:
    if file is None:
        return [check_without_file(trust_proxy=config.trust_proxy)] if demand.behind_proxy else []
    try:
        with file.open("rb") as opened:
            text = opened.read(MOST_PROXY_BYTES).decode(errors="replace")
    except OSError as error:
        raise ConfigurationError("--proxy-config", f"{file} can't be read: {error.strerror}.") from None
    addresses = (f"unix:{config.unix}",) if config.unix is not None else _tcp_addresses(config)
    if nginx.parse(text).blocks:
        return proxy_findings("nginx", nginx.rules(text, addresses, demand.listeners, cores))
    if haproxy.parse(text):
        return proxy_findings("haproxy", haproxy.rules(text, addresses, demand.listeners))
    raise ConfigurationError("--proxy-config", f"{file} is neither a file of nginx nor one of haproxy.")


def _tcp_addresses(config: Config) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"{host}:{config.port}" for host in (config.host, "127.0.0.1", "localhost", "[::1]")))
