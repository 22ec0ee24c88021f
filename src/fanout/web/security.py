"""The header fields that keep browsers from doing more with an answer than it was made for."""

from __future__ import annotations

from typing import Final

EVERYWHERE: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
)
"""On every answer: its type is what it says, and nobody is told which room somebody came from."""

DATA_POLICY: Final = ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
"""For JSON and text: should a browser ever show it as a page, then as one that can do nothing."""


def document_policy(allowed: str) -> tuple[str, str]:
    """For a document that people read: what its own policy allows, and nothing else."""
    return DATA_POLICY[0], DATA_POLICY[1].replace("default-src 'none'", allowed)


PAGE_POLICY: Final = (
    "Content-Security-Policy",
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
)
"""For pages: their own script, style and picture, requests to this server, and nothing inline."""

EMBEDDED_POLICY: Final = (
    PAGE_POLICY[0],
    PAGE_POLICY[1].replace("frame-ancestors 'none'", "frame-ancestors *"),
)
"""For the window of a room, which stands in a frame on anybody's page: it only reads, so nobody can be tricked into a
click that does anything."""

ANY_ORIGIN: Final = ("Access-Control-Allow-Origin", "*")
"""On what everybody may read: any page may, without its visitor's cookies (Fetch standard §3.2)."""

DATA_HEADERS: Final = (*EVERYWHERE, DATA_POLICY)
