"""Texts of people who want more than to be read: none of them may become markup, or run, on any page."""

from __future__ import annotations

from typing import Any, Final

EVIL: Final = (
    "<script>window.hit=1</script>", "<img src=x onerror=window.hit=1>", '"><svg onload=window.hit=1>', "{{7*7}}${7*7}",
    "javascript:window.hit=1", "</textarea><iframe srcdoc='<script>parent.hit=1</script>'>", "&lt;b&gt;&#60;i&#62;",
    "\u202eevil\u202c", "'-window.hit-'", "</script><script>window.hit=1</script>", "<a href='javascript:hit=1'>x</a>",
    "<style>*{display:none}</style>", "<!--", "]]><script>window.hit=1</script>", "<input autofocus onfocus=hit=1>",
    "</option></select><script>window.hit=1</script>", "<template><b>x</b></template>", "{count} {name} {reason} {0}",
)  # fmt: skip

FROM_VISITORS: Final = tuple(evil for evil in EVIL if evil.isprintable())
"""What steers text, such as a change of direction, is not taken of them."""

_MADE: Final = "img[src=x], svg[onload], iframe, main script, [autofocus], a[href^=javascript], template, body style"


def harmless(page: Any) -> None:
    """Nothing ran, nothing was made of what people wrote, and the policy had nothing to stop."""
    assert page.evaluate("window.hit") is None
    assert page.locator(_MADE).count() == 0
    assert page.complaints == [], page.complaints
