"""How the pages look when they are somebody's own: a name, a logo, a colour, and which room is which one's chat.

Any colour will do. It is darkened or lightened until text in it can be read on our grounds (WCAG 2.2, 1.4.3), once for
light and once for dark.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from fanout.errors import ConfigurationError

GROUNDS: Final = {"light": "#fbfaf8", "dark": "#14191c"}
"""What text stands on, as `page.css` has it."""

READABLE: Final = 5.0
"""Contrast of the accent to the ground: 4.5 is what AA asks for, and a tinted surface takes a little."""

MAX_LOGO_BYTES: Final = 256 * 1024
"""A logo that everybody loads when the doors open."""

LOGO_TYPES: Final = {".svg": "image/svg+xml", ".png": "image/png", ".webp": "image/webp"}

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True, slots=True)
class Appearance:
    """`logo` is the file's suffix and content; `chats` names the room in which the visitors of a room chat."""

    name: str = "fanout"
    logo: tuple[str, bytes] | None = None
    colour: str = "#1f6583"
    chats: Mapping[str, str] = field(default_factory=dict)

    def files(self) -> dict[str, tuple[bytes, str]]:
        """What the pages load of it: content and media type, by name."""
        files = {"site.css": (style(self.colour).encode(), "text/css")}
        if self.logo is not None:
            suffix, content = self.logo
            files[f"logo{suffix}"] = (content, LOGO_TYPES[suffix])
        return files


def read_logo(path: Path) -> tuple[str, bytes]:
    """The logo in a file.

    Raises:
        ConfigurationError: It can't be read, is of another kind, or too large.
    """
    if path.suffix.lower() not in LOGO_TYPES:
        raise ConfigurationError("site_logo", f"a file that ends in {', '.join(LOGO_TYPES)}; not {path.name!r}.")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigurationError("site_logo", f"{path} can't be read: {error.strerror}.") from None
    if len(content) > MAX_LOGO_BYTES:
        raise ConfigurationError("site_logo", f"has at most {MAX_LOGO_BYTES} bytes; {path} has {len(content)}.")
    return path.suffix.lower(), content


def style(colour: str) -> str:
    """The style sheet that sets the colour of links, buttons and marks.

    Raises:
        ConfigurationError: It is not a colour.
    """
    if not _COLOUR.fullmatch(colour):
        raise ConfigurationError("site_colour", f"a colour such as #1f6583; not {colour!r}.")
    light, dark = (readable(colour, GROUNDS[theme]) for theme in ("light", "dark"))
    return f":root {{ --accent-light: {light}; --accent-dark: {dark}; }}\n"


def readable(colour: str, ground: str) -> str:
    """The colour, mixed with black on a light ground and with white on a dark one until it can be read there."""
    towards = 0 if luminance(ground) > 0.5 else 255
    parts = _parts(colour)
    for step in range(101):
        mixed = "#" + "".join(f"{round(part + (towards - part) * step / 100):02x}" for part in parts)
        if contrast(mixed, ground) >= READABLE:
            break
    return mixed


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, from 1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance of a colour, from 0 to 1 (WCAG 2.2)."""
    shares = [part / 255 for part in _parts(colour)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
