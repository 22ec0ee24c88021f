"""What a proxy must do to carry listeners, as questions to its file; `nginx` and `haproxy` find the answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fanout.core.limits import HEARTBEAT_SECONDS
from fanout.server.doctor.finding import Finding, judged

WHAT_MATTERS = (
    "HTTP/1.1 with the upgrade passed on, no buffering, read timeouts above two heartbeats "
    f"({2 * HEARTBEAT_SECONDS} s), the client's own address in X-Forwarded-For, two connections a listener"
)


@dataclass(frozen=True, slots=True)
class ProxyRule:
    """One thing that a proxy's file must have: `found` as it is, and what to write; both empty when it is right."""

    about: str
    found: str
    bad: str = ""
    warn: str = ""


def proxy_findings(kind: str, rules: Iterable[ProxyRule]) -> list[Finding]:
    """One finding for what is right, and one for each thing that is not."""
    rules = list(rules)
    right = [rule for rule in rules if not rule.bad and not rule.warn]
    findings = [
        judged(
            f"{kind}: {rule.about}",
            rule.found,
            "",
            _WHY[rule.about],
            bad=[rule.bad] if rule.bad else [],
            warn=[rule.warn] if rule.warn else [],
        )
        for rule in rules
        if rule not in right
    ]
    if right:
        found = ", ".join(dict.fromkeys(rule.about for rule in right)) + ": right"
        findings.insert(0, judged(kind, found, "", _WHY_AT_ALL))
    return findings


_WHY_AT_ALL = "A proxy that is left as it comes cuts or delays listeners."

_WHY = {
    "address": "Otherwise nobody arrives.",
    "HTTP/1.1": "WebSocket needs it, and connections to the server stay open between requests.",
    "upgrade": "Without both headers no WebSocket gets through.",
    "buffering": "A buffer holds a message back until it is full.",
    "timeouts": "A quiet room is silent for a heartbeat; a proxy that waits less cuts everybody, all at once.",
    "X-Forwarded-For": "With trust_proxy the server believes its last entry: limits and bans go by it.",
    "repeats": "A request that is sent twice may publish twice; keys tell repeats, requests without one do not.",
    "connections": "Each listener takes two connections: one to the browser, one to the server.",
}


def check_without_file(*, trust_proxy: bool) -> Finding:
    """What is to be looked at in a proxy whose file was not given."""
    bad_trust = [] if trust_proxy else ["trust_proxy = true in the settings, so that visitors have their own addresses"]
    return judged(
        "proxy",
        "its file was not given" + ("" if trust_proxy else ", and trust_proxy is off"),
        WHAT_MATTERS,
        _WHY_AT_ALL,
        warn=[*bad_trust, "nginx -T > all.conf; fanout doctor --proxy-config all.conf (or haproxy.cfg)"],
    )
