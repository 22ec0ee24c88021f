"""Whether all can get in: the accept backlog, the address to listen on, local ports, tracked connections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fanout.server.doctor.demand import Demand
from fanout.server.doctor.finding import Finding, judged
from fanout.server.doors import BACKLOG

SPARE_PORTS: Final = 2_000
"""Local ports beside the listeners': a short request's stays in TIME_WAIT for a minute, and these are 33 a second."""


@dataclass(frozen=True, slots=True)
class NetworkFacts:
    """What the kernel grants to those who come.

    Args:
        somaxconn: Most connections that wait for an accept.
        syn_backlog: Connections that are half open.
        syn_cookies: It answers without remembering when that is full.
        first_port: First of the ports that outgoing connections take.
        last_port: Last of them.
        waiting: Connections in TIME_WAIT now.
        tracked: Connections that the firewall tracks now.
        most_tracked: How many it can; None without such a firewall.
    """

    somaxconn: int
    syn_backlog: int
    syn_cookies: bool
    first_port: int
    last_port: int
    waiting: int
    tracked: int
    most_tracked: int | None

    @property
    def ports(self) -> int:
        return max(0, self.last_port - self.first_port + 1)


@dataclass(frozen=True, slots=True)
class DoorFacts:
    """What came of opening the doors as the server does. `refused` says why not; `holders` who listens there."""

    address: str
    refused: str | None = None
    holders: tuple[str, ...] = ()


def check_backlog(facts: NetworkFacts) -> Finding:
    """Whether newcomers may wait in the kernel for as long as a long walk takes."""
    warn = [f"sysctl -w net.core.somaxconn={BACKLOG}"] if facts.somaxconn < BACKLOG else []
    if not facts.syn_cookies and facts.syn_backlog < BACKLOG:
        warn.append(f"sysctl -w net.ipv4.tcp_max_syn_backlog={BACKLOG} net.ipv4.tcp_syncookies=1")
    return judged(
        "accept backlog",
        f"somaxconn {facts.somaxconn:,}, tcp_max_syn_backlog {facts.syn_backlog:,}, "
        f"SYN cookies {'on' if facts.syn_cookies else 'off'}",
        f"{BACKLOG:,}; SYN cookies on",
        "When the doors open, whoever finds the backlog full tries again only after a second, then two, then four.",
        warn=warn,
    )


def check_door(door: DoorFacts) -> Finding:
    """Whether the server could listen where the settings say."""
    held = f", by {' and '.join(door.holders)}" if door.holders else ""
    running = any(holder.startswith("fanout serve") for holder in door.holders)
    change = ["set host, port or unix to what can be opened (RuntimeDirectory= in the unit makes a socket's folder)"]
    if running:
        change = ["nothing, if that is the server of the evening; else stop it, or set another port"]
    elif door.holders:
        change = ["stop that program, or set another port"]
    elif not door.refused:
        change = []
    return judged(
        "address",
        f"{door.address} is free" if not door.refused else f"{door.address} is taken{held}" if held else door.refused,
        "an address that is free",
        "The server opens it before it opens anything else, and does not start when it can't.",
        bad=[] if running else change,
        warn=change if running else [],
    )


def check_local_ports(facts: NetworkFacts, demand: Demand) -> Finding:
    """Whether a proxy on this machine, or a rehearsal from it, has as many local ports as there are listeners."""
    proxied = demand.behind_proxy and demand.over_tcp
    wanted = demand.listeners + SPARE_PORTS if proxied else 0
    widened = 'sysctl -w net.ipv4.ip_local_port_range="1024 65535"'
    change = []
    if facts.ports < wanted:
        change.append('unix = "/run/fanout/fanout.sock" in the settings: a Unix socket has no ports')
        if wanted <= 65_535 - 1_024 + 1:
            change.append(f"or {widened}")
        change.append("or a second address to connect from (nginx: proxy_bind, haproxy: source)")
    return judged(
        "local ports",
        f"{facts.ports:,} ({facts.first_port} to {facts.last_port}), {facts.waiting:,} in TIME_WAIT",
        f"{wanted:,} for a proxy that connects over TCP from one address"
        if proxied
        else "none without a proxy over TCP",
        "Each connection from a proxy, or from a rehearsal on this machine, to one address and port takes one.",
        bad=change,
    )


def check_tracking(facts: NetworkFacts, demand: Demand) -> Finding | None:
    """Whether the firewall can keep all of them in mind; None when it tracks nothing here."""
    if facts.most_tracked is None:
        return None
    wanted = demand.listeners * (2 if demand.behind_proxy and demand.over_tcp else 1) * 5 // 4
    raised = f"sysctl -w net.netfilter.nf_conntrack_max={2 * (wanted + facts.tracked)}"
    short = facts.most_tracked - facts.tracked < wanted
    return judged(
        "tracked connections",
        f"{facts.tracked:,} of {facts.most_tracked:,}",
        f"{wanted:,} more",
        "A firewall that tracks connections drops newcomers without a word when its table is full.",
        # With nothing in the table there is no rule that would fill it.
        bad=[raised] if short and facts.tracked else [],
        warn=[raised] if short and not facts.tracked else [],
    )
