"""A real server with an event in it, and staff who act over HTTP: what the tests of pages are played against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from fanout.core.principal import Role
from fanout.web.tokens import Tokens
from tests.server_process import SECRET, ServerProcess


@dataclass
class House:
    """One server. `restart` kills it with -9 and starts it anew where it was."""

    server: ServerProcess
    start: Any
    arguments: tuple[str, ...]

    @property
    def url(self) -> str:
        return self.server.url

    def token(self, role: str = "operator", name: str = "Marie") -> str:
        return Tokens(SECRET.encode()).issue(Role(role), ["*"], name=name, ttl=3600)

    def ask(self, method: str, path: str, role: str = "operator", *, name: str = "Marie", **more: Any) -> Any:
        """One call as staff; what it answers, which must not be a problem."""
        headers = {"Authorization": f"Bearer {self.token(role, name)}"}
        return httpx.request(method, f"{self.url}{path}", headers=headers, **more).raise_for_status().json()

    def say(self, room: str, text: str, **more: Any) -> dict[str, Any]:
        return self.ask("POST", f"/v1/rooms/{room}/messages", "animator", name="Claire", json={"text": text, **more})

    def decide(self, submission: str, action: str, role: str = "moderator", **more: Any) -> dict[str, Any]:
        return self.ask("POST", f"/v1/submissions/{submission}/decisions", role, json={"action": action, **more})

    def queue(self, room: str, **query: Any) -> list[dict[str, Any]]:
        return self.ask("GET", f"/v1/rooms/{room}/submissions", "moderator", params=query)["submissions"]

    def listeners(self, room: str) -> int:
        return httpx.get(f"{self.url}/v1/rooms/{room}").json()["listeners"]

    def kill(self) -> None:
        self._port = self.server.port
        self.server.kill()

    def come_back(self) -> None:
        """Start it anew, on the same port and the same data."""
        self.server = self.start(*self.arguments, port=self._port)
