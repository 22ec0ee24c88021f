"""Reads as much of haproxy's configuration as matters for listeners. Source: HAProxy Configuration Manual, §4."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field

from fanout.core.limits import HEARTBEAT_SECONDS
from fanout.server.doctor.proxy import ProxyRule

_SECTIONS = ("global", "defaults", "frontend", "backend", "listen")
_UNITS = {"us": 1e-6, "ms": 0.001, "": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(slots=True)
class Section:
    """A section, and the `defaults` above it."""

    kind: str
    name: str
    defaults: Section | None = None
    lines: list[list[str]] = field(default_factory=list)

    def find(self, *words: str) -> list[str] | None:
        """What follows these words in the last line that begins with them, here or else in the defaults."""
        for line in reversed(self.lines):
            if line[: len(words)] == list(words):
                return line[len(words) :]
        return self.defaults.find(*words) if self.defaults is not None else None


def parse(text: str) -> list[Section]:
    """The file as sections. What it does not understand it passes over; haproxy -c is who judges the grammar."""
    sections: list[Section] = []
    defaults: Section | None = None
    for line in text.splitlines():
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            continue
        if words and words[0] in _SECTIONS and not line[:1].isspace():
            name = words[1] if len(words) > 1 else ""
            sections.append(Section(words[0], name, None if words[0] in ("global", "defaults") else defaults))
            if words[0] == "defaults":
                defaults = sections[-1]
        elif words and sections:
            sections[-1].lines.append(words)
    return sections


def rules(text: str, addresses: tuple[str, ...], listeners: int) -> list[ProxyRule]:
    """What its configuration says to those who pass to one of these addresses (`127.0.0.1:8700`, `unix:/run/f`)."""
    sections = parse(text)
    backs = [each for each in sections if each.kind in ("backend", "listen") and _leads_to(each, addresses)]
    if not backs:
        return [ProxyRule("address", "no server line names this server", f"server fanout {addresses[0]}")]
    names = {each.name for each in backs}
    fronts = [
        each
        for each in sections
        if (each in backs and each.kind == "listen")
        or (
            each.kind == "frontend"
            and any(
                line[0] in ("default_backend", "use_backend") and line[1:2] and line[1] in names for line in each.lines
            )
        )
    ]
    found = [ProxyRule("address", "passes to this server")]
    for side, which in ((fronts, "client"), (backs, "server")):
        for section in side:
            found += [_timeout(section, which), _timeout(section, "tunnel"), _mode(section)]
    found += [_forwarded([*fronts, *backs]), _repeats(backs), _connections(sections, fronts, listeners)]
    return list(dict.fromkeys(found))


def _leads_to(section: Section, addresses: tuple[str, ...]) -> bool:
    return any(
        line[0] == "server" and len(line) > 2 and line[2].replace("unix@", "unix:").removeprefix("ipv4@") in addresses
        for line in section.lines
    )


def _mode(section: Section) -> ProxyRule:
    mode = (section.find("mode") or ["tcp"])[0]
    wrong = "" if mode == "http" else "mode http"
    return ProxyRule("HTTP/1.1", f"mode {mode} in {section.kind} {section.name}", wrong)


def _timeout(section: Section, which: str) -> ProxyRule:
    """Without `timeout tunnel` the other two are what counts after the upgrade."""
    written = section.find("timeout", which)
    where = f"timeout {which}"
    if not written:
        return ProxyRule("timeouts", f"no {where}: it waits for ever" if which != "tunnel" else "the other two count")
    waits = seconds(written[0])
    return ProxyRule(
        "timeouts",
        f"{where} {waits:g} s in {section.kind} {section.name}",
        "" if waits > HEARTBEAT_SECONDS else f"{where} 75s",
        f"{where} 75s" if HEARTBEAT_SECONDS < waits < 2 * HEARTBEAT_SECONDS else "",
    )


def _forwarded(sections: list[Section]) -> ProxyRule:
    for section in sections:
        for name in ("X-Forwarded-For", "x-forwarded-for"):
            if (set_to := section.find("http-request", "set-header", name)) and set_to[0] == "%[src]":
                return ProxyRule("X-Forwarded-For", "set to the client's address")
        option = section.find("option", "forwardfor")
        if option is not None and "if-none" not in option:
            return ProxyRule("X-Forwarded-For", "the client's address is added")
    return ProxyRule("X-Forwarded-For", "not set", "http-request set-header X-Forwarded-For %[src]")


def _repeats(backs: list[Section]) -> ProxyRule:
    for section in backs:
        if (cases := section.find("retry-on")) and cases != ["none"] and cases != ["conn-failure"]:
            return ProxyRule("repeats", f"retry-on {' '.join(cases)}", "retry-on none, or no retry-on at all")
    return ProxyRule("repeats", "none")


def _connections(sections: list[Section], fronts: list[Section], listeners: int) -> ProxyRule:
    """`maxconn` counts connections from browsers; the ones to the server are beside them."""
    wanted = listeners + 500
    given = [
        int(value[0])
        for section in (*(each for each in sections if each.kind == "global"), *fronts)
        if (value := section.find("maxconn")) and value[0].isdigit()
    ]
    if not given:
        return ProxyRule("connections", "no maxconn: what its descriptors allow", warn=f"maxconn {wanted} (in global)")
    least = min(given)
    return ProxyRule("connections", f"maxconn {least}", f"maxconn {wanted}" if least < wanted else "")


def seconds(written: str) -> float:
    """haproxy's times: `75s`, `500ms`, `5000` (milliseconds)."""
    found = re.fullmatch(r"(\d+)(us|ms|[smhd]?)", written)
    return int(found[1]) * _UNITS[found[2]] if found else 0.0
