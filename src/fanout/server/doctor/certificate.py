"""Whether browsers will accept the certificate, and nobody else can read its key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from fanout.server.doctor.finding import Finding, judged

ENOUGH_DAYS: Final = 14
"""A certificate with fewer days left is renewed before the event, not in it: those who renew by themselves do at 30."""


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """A certificate and its key, as the settings name them.

    Args:
        certificate: Where it lies.
        key: Where its key lies.
        refused: Why the server could not use them; None when it could. The rest is then not known.
        names: Names and addresses that it is for.
        begins: From when it counts.
        ends: Until when.
        key_mode: Permissions of the key's file.
        distrust: Why a client with this machine's authorities refuses it; None when it accepts it.
    """

    certificate: Path
    key: Path
    refused: str | None = None
    names: tuple[str, ...] = ()
    begins: datetime | None = None
    ends: datetime | None = None
    key_mode: int = 0o600
    distrust: str | None = None


def check_certificate(facts: CertificateFacts, host: str | None, now: datetime) -> list[Finding]:
    """Key and certificate, days, names and chain. `host` is the name to listen on, when it is one."""
    if facts.refused is not None or facts.begins is None or facts.ends is None:
        reason = facts.refused or f"{facts.certificate} holds no certificate that can be read."
        return [_together(facts, reason)]
    return [_together(facts, None), _days(facts, now), _names(facts, host), _chain(facts)]


def _together(facts: CertificateFacts, refused: str | None) -> Finding:
    bad = [refused] if refused else []
    warn = []
    if facts.key_mode & 0o027:
        bad.append(f"chmod o-rwx,g-w {facts.key}")
    elif facts.key_mode & 0o050:
        warn.append(f"chmod 600 {facts.key} (unless its group is meant to read it)")
    return judged(
        "TLS key",
        refused or f"{facts.key} belongs to {facts.certificate}, mode {facts.key_mode:04o}",
        "a pair, and a key for its owner alone",
        "Who can read the key can be the server.",
        bad=bad,
        warn=warn if not bad else [],
    )


def _days(facts: CertificateFacts, now: datetime) -> Finding:
    assert facts.begins is not None
    assert facts.ends is not None
    left = (facts.ends - now).days
    renewed = "renew it (certbot renew), and restart the server: it reads the file at its start"
    if now < facts.begins:
        found, bad = f"counts only from {facts.begins:%Y-%m-%d %H:%M} UTC", ["set the clock right, or get another"]
    elif now >= facts.ends:
        found, bad = f"expired on {facts.ends:%Y-%m-%d %H:%M} UTC", [renewed]
    else:
        found, bad = f"{left} days left, until {facts.ends:%Y-%m-%d %H:%M} UTC", []
    return judged(
        "TLS days",
        found,
        f"{ENOUGH_DAYS} days, or as long as it is to the event and beyond",
        "Browsers refuse an expired certificate, all at the same moment.",
        bad=bad,
        warn=[renewed] if not bad and left < ENOUGH_DAYS else [],
    )


def _names(facts: CertificateFacts, host: str | None) -> Finding:
    missing = host is not None and not any(_covers(name, host) for name in facts.names)
    return judged(
        "TLS names",
        ", ".join(facts.names) or "none",
        f"{host} among them" if host else "the name that stands in the pages' addresses",
        "A browser refuses a certificate for another name.",
        bad=["get one with a name (subjectAltName): browsers look at nothing else"] if not facts.names else [],
        warn=[f"get one for {host}, or set host to a name that it has"] if missing and facts.names else [],
    )


def _covers(name: str, host: str) -> bool:
    """A name of a certificate may stand for one label (RFC 6125 §6.4.3)."""
    name, host = name.lower(), host.lower()
    return name == host or (name.startswith("*.") and host.partition(".")[2] == name[2:])


def _chain(facts: CertificateFacts) -> Finding:
    return judged(
        "TLS chain",
        facts.distrust or "accepted by a client with this machine's authorities",
        "a chain to an authority that clients know",
        "A handshake was tried as clients make it; some browsers fetch a chain that is missing, programs never.",
        warn=[f"put the authority's intermediate certificates behind it in {facts.certificate} (fullchain.pem)"]
        if facts.distrust
        else [],
    )
