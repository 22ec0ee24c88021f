"""The files that pages use. An address carries a digest of all of them, so that browsers may keep them for ever and a
page never gets a script of another version."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from fanout.web.answers import answer, problem_answer, resource
from fanout.web.security import ANY_ORIGIN

MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}

FOREVER: Final = ("Cache-Control", "public, max-age=31536000, immutable")
"""What is in a file with a digest in its address never changes."""

FOR_OTHERS: Final = ("fanout.js", "embed.js", "window.js", "wordings.js")
"""Those that other people's sites ask for by an address that stays the same."""

FOR_A_WHILE: Final = ("Cache-Control", "public, max-age=300")
"""After an update, other people's sites have the new one within five minutes."""


class StaticFiles:
    """What is in `static`, read once, and `more` that is made at the start, by name."""

    def __init__(self, more: Mapping[str, tuple[bytes, str]] | None = None) -> None:
        self._files: dict[str, tuple[bytes, str]] = dict(more or {})
        for path in (files("fanout.web") / "static").iterdir():
            suffix = path.name[path.name.rfind(".") :]
            if suffix in MEDIA_TYPES:
                self._files[path.name] = (path.read_bytes(), MEDIA_TYPES[suffix])
        whole = sha256()
        for name, (content, _) in sorted(self._files.items()):
            whole.update(f"{name} {len(content)} ".encode() + content)
        self._digest = whole.hexdigest()[:12]

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def address(self, name: str) -> str:
        """Where pages find a file. Scripts import each other by their names alone, from the same place."""
        assert name in self._files, name
        return f"/static/{self._digest}/{name}"

    def routes(self) -> list[Route]:
        return [
            resource("/static/{digest}/{name}", GET=self.show),
            *(resource(f"/{name}", GET=self.show_to_others) for name in FOR_OTHERS),
        ]

    async def show(self, request: Request) -> Response:
        """`GET /static/{digest}/{name}`: the file of this version, whatever digest an older page asks for."""
        name = request.path_params["name"]
        if name not in self._files:
            return problem_answer(404, "not_found", "There is nothing at this address.")
        content, media_type = self._files[name]
        # Any origin: a window on somebody else's page loads scripts as a stranger.
        return answer(content, media_type, headers=(FOREVER, ANY_ORIGIN))

    async def show_to_others(self, request: Request) -> Response:
        """`GET /fanout.js` and the like: the file of this version, which pages of any origin may import."""
        content, media_type = self._files[request.url.path[1:]]
        return answer(content, media_type, headers=(FOR_A_WHILE, ANY_ORIGIN))
