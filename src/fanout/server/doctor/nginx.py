"""Reads as much of nginx's configuration as matters for listeners. Source: nginx.org, ngx_http_proxy_module."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from fanout.core.limits import HEARTBEAT_SECONDS
from fanout.server.doctor.proxy import ProxyRule

_TOKEN = re.compile(r"""#[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[{};]|(?:\$\{[^}]*\}|[^\s{};])+""")
_UNITS = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(slots=True)
class Block:
    """A block in braces (the file itself is one): its own directives, and the blocks in it."""

    words: list[str]
    parent: Block | None = None
    directives: list[list[str]] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)

    def own(self, name: str) -> list[list[str]]:
        return [words[1:] for words in self.directives if words[0] == name]

    def effective(self, name: str) -> list[list[str]]:
        """As this level has it, else the nearest above: none of it is added up."""
        return self.own(name) or (self.parent.effective(name) if self.parent is not None else [])

    def value(self, name: str, default: str) -> str:
        found = self.effective(name)
        return " ".join(found[-1]) if found else default

    def all(self) -> Iterator[Block]:
        yield self
        for block in self.blocks:
            yield from block.all()


def parse(text: str) -> Block:
    """The file as blocks. What it does not understand it passes over; nginx -t is who judges the grammar."""
    block = Block([])
    words: list[str] = []
    for piece in _TOKEN.findall(text):
        if piece.startswith("#"):
            continue
        if piece == "{":
            inner = Block(words, block)
            block.blocks.append(inner)
            block, words = inner, []
        elif piece == "}":
            block, words = block.parent or block, []
        elif piece == ";":
            if words:
                block.directives.append(words)
            words = []
        else:
            words = [*words, piece.strip("\"'") if piece[0] in "\"'" else piece]
    while block.parent is not None:
        block = block.parent
    return block


def rules(text: str, addresses: tuple[str, ...], listeners: int, cores: int) -> list[ProxyRule]:
    """What its configuration says to those who pass to one of these addresses (`127.0.0.1:8700`, `unix:/run/f`)."""
    file = parse(text)
    places = [block for block in file.all() if block.own("proxy_pass") and _leads_to(file, block, addresses)]
    if not places:
        return [ProxyRule("address", "no location passes to this server", f"proxy_pass to {' or '.join(addresses)}")]
    found = [rule for place in places for rule in _of_place(place)]
    return [ProxyRule("address", "passes to this server"), *dict.fromkeys(found), _connections(file, listeners, cores)]


def _leads_to(file: Block, place: Block, addresses: tuple[str, ...]) -> bool:
    target = place.own("proxy_pass")[0][0].partition("://")[2]
    servers = [
        words[0]
        for block in file.all()
        if block.words[:1] == ["upstream"] and block.words[1:2] == [target.partition("/")[0]]
        for words in block.own("server")
        if words
    ]
    return any(name == address or name.startswith((f"{address}/", f"{address}:"))
               for name in (target, *servers) for address in addresses)  # fmt: skip


def _of_place(place: Block) -> list[ProxyRule]:
    where = " ".join(place.words)
    headers = {words[0].lower(): " ".join(words[1:]) for words in place.effective("proxy_set_header") if words}
    version = place.value("proxy_http_version", "1.0, as it comes")
    upgrade, connection = headers.get("upgrade", ""), headers.get("connection", "close")
    passes = bool(upgrade) and connection.lower() != "close"
    read = seconds(place.value("proxy_read_timeout", "60s"))
    forwarded = headers.get("x-forwarded-for", "")
    honest = forwarded in ("$remote_addr", "$proxy_add_x_forwarded_for", "$realip_remote_addr")
    repeats = "non_idempotent" in place.value("proxy_next_upstream", "error timeout")
    return [
        ProxyRule("HTTP/1.1", f"{version} in {where}", "" if version == "1.1" else "proxy_http_version 1.1;"),
        ProxyRule("upgrade", f"{'passed on' if passes else 'not passed on'} in {where}", "" if passes else
                  "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;"),
        _buffering(place, where),
        ProxyRule("timeouts", f"proxy_read_timeout {read:g} s in {where}",
                  "" if read > HEARTBEAT_SECONDS else "proxy_read_timeout 75s;",
                  "proxy_read_timeout 75s;" if HEARTBEAT_SECONDS < read < 2 * HEARTBEAT_SECONDS else ""),
        ProxyRule("X-Forwarded-For", f"{forwarded or 'not set'} in {where}",
                  "" if honest else "proxy_set_header X-Forwarded-For $remote_addr;"),
        ProxyRule("repeats", f"publications are repeated in {where}" if repeats else "none",
                  "proxy_next_upstream off;" if repeats else ""),
    ]  # fmt: skip


def _buffering(place: Block, where: str) -> ProxyRule:
    """Event streams carry `X-Accel-Buffering: no`, so that they pass unless nginx is told to ignore it."""
    if place.value("proxy_buffering", "on") == "off":
        return ProxyRule("buffering", f"off in {where}")
    if any("X-Accel-Buffering" in words for words in place.effective("proxy_ignore_headers")):
        return ProxyRule("buffering", f"on, and X-Accel-Buffering is ignored, in {where}", "proxy_buffering off;")
    return ProxyRule("buffering", f"on in {where}: only X-Accel-Buffering helps", warn="proxy_buffering off;")


def _connections(file: Block, listeners: int, cores: int) -> ProxyRule:
    given = [words[0] for block in file.all() for words in block.own("worker_connections") if words]
    if not given or not given[-1].isdigit():
        return ProxyRule(
            "connections",
            "worker_connections is not in this file (nginx's own default is 512)",
            warn=f"worker_connections {2 * listeners + 1000}; (give the output of nginx -T to have it checked)",
        )
    processes = file.value("worker_processes", "1")
    count = int(processes) if processes.isdigit() else cores
    most, wanted = int(given[-1]) * count, 2 * listeners + 1000
    each = -(-wanted // count)
    files = file.value("worker_rlimit_nofile", "")
    found = f"worker_connections {given[-1]} in {count} processes"
    if most < wanted:
        return ProxyRule("connections", found, f"worker_connections {each}; worker_rlimit_nofile {each + 1000};")
    if files.isdigit() and int(files) < each:
        return ProxyRule("connections", f"worker_rlimit_nofile {files}", f"worker_rlimit_nofile {each + 1000};")
    return ProxyRule("connections", found)


def seconds(written: str) -> float:
    """nginx's times: `75s`, `1m 30s`, `500ms`, `60`."""
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"([\d.]+)(ms|[smhd]?)", written))
