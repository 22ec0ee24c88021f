"""A small evening that really takes place on a server, with everything in it that a recording knows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fanout.client.target import Target
from fanout.core.principal import Role
from fanout.rehearsal.load.calls import Caller
from fanout.server.credentials import tokens_of
from fanout.server.settings import Config
from tests.server_process import SECRET


@dataclass
class Evening:
    """Says things on a server. `secrets` is everything that no recording may show."""

    url: str
    secrets: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._issue = tokens_of(Config(secret=SECRET)).issue
        self._caller = Caller(Target.parse(self.url), None)

    def close(self) -> None:
        """Let go of the server."""
        self._caller.close()

    def call(self, role: Role, method: str, path: str, body: object = None, *, name: str = "", sub: str = "") -> Any:
        """One call, as somebody; refusals are faults of the test."""
        self.secrets |= {word for word in (name, sub) if word}
        token = self._issue(role, ["*"], name=name, ttl=600, subject=sub)
        status, answer = self._caller.call(method, f"/v1/{path}", body, token=token)
        assert status < 300, (status, answer)
        return answer

    def rooms(self) -> None:
        for name, settings in (("stage", {"mode": "moderated"}), ("talk", {"mode": "open"}),
                               ("salon-1", {"mode": "stage", "follows": ["stage"]}),
                               ("salon-2", {"mode": "stage", "follows": ["stage", "talk"]})):  # fmt: skip
            self.call(Role.OPERATOR, "PUT", f"rooms/{name}", settings)

    def ask(self, room: str, text: str, name: str, sub: str) -> dict[str, Any]:
        self.secrets |= {text, name}
        return self.call(Role.VISITOR, "POST", f"rooms/{room}/submissions", {"text": text, "name": name}, sub=sub)

    def decide(self, submission: str, action: str, role: Role = Role.MODERATOR, **more: str) -> dict[str, Any]:
        return self.call(
            role, "POST", f"submissions/{submission}/decisions", {"action": action, **more}, name="Anna Ode"
        )

    def say(self, text: str, room: str = "stage", **more: object) -> dict[str, Any]:
        self.secrets.add(text)
        return self.call(Role.PUBLISHER, "POST", f"rooms/{room}/messages", {"text": text, **more}, name="Bruno Speaker")

    def begin(self) -> None:
        """Before a restart: rooms, questions, the first that is aired and answered."""
        self.rooms()
        self.say("Good evening, ladies and gentlemen of the valley.", data={"lang": "en", "by": "Bruno Speaker's hand"})
        first = self.ask("stage", "Pourquoi la forêt brûle-t-elle à Évian ? 🔥", "Zoé Ûlrich", "subject-zoe")
        other = self.ask(
            "stage", "Where does the river end, see https://river.example/map", "Mehmet 東京", "subject-mem"
        )
        same = self.ask("stage", "Where does the river go at last?", "Ygritte", "subject-ygr")
        gone = self.ask("stage", "I should not have asked about my neighbour.", "Zoé Ûlrich", "subject-zoe")
        self.call(
            Role.VISITOR, "POST", f"submissions/{gone['id']}/decisions", {"action": "withdraw"}, sub="subject-zoe"
        )
        self.decide(other["id"], "edit", text="Where does the river end?")
        self.decide(same["id"], "merge", into=other["id"])
        self.decide(first["id"], "approve")
        self.decide(first["id"], "air", Role.ANIMATOR)
        for number in range(3):
            text = f"The forest burns since the spring was dry, said {number} times."
            self.secrets.add(text)
            self.call(Role.SCRIBE, "PUT", f"submissions/{first['id']}/lines/l{number}", {"text": text, "final": True},
                      name="Carla Scribe")  # fmt: skip
        self.decide(other["id"], "reject")

    def go_on(self) -> None:
        """After it: talk, SMS, something that is taken back, something that is put right."""
        talk = [
            self.ask("talk", f"Hello from the other side of number {number}, dear friends of mine!",
                     f"Friend {number % 5} of Doe", f"subject-{number % 5}")
            for number in range(40)
        ]  # fmt: skip
        self.call(Role.MODERATOR, "DELETE", f"rooms/talk/messages/{talk[7]['message']}")
        sms = [{"id": f"provider-id-{n}", "from": f"+3361234567{n % 7}", "text": f"Bravo à tous, {n % 3} fois le n° 7"}
               for n in range(30)]  # fmt: skip
        self.secrets |= {text for one in sms for text in one.values()}
        for begin in range(0, 30, 10):
            self.call(Role.GATEWAY, "POST", "sms?room=stage", sms[begin : begin + 10])
        self.call(
            Role.GATEWAY, "POST", "rooms/stage/submissions", [{"text": "From the letter box.", "name": "By letter"}]
        )
        self.secrets |= {"From the letter box.", "By letter"}
        queue = self.call(Role.MODERATOR, "GET", "rooms/stage/submissions?source=sms&state=held&limit=3")["submissions"]
        for one in queue:
            self.decide(one["id"], "approve")
        self.decide(queue[0]["id"], "cue", Role.ANIMATOR)
        self.decide(queue[0]["id"], "air", Role.ANIMATOR)
        wrong = self.say("We are three thousand in the room tonight.", kind="message")
        self.say("Four thousand of you, in fact, thank you.", kind="message", re=wrong["id"])
        self.call(Role.MODERATOR, "DELETE", f"rooms/stage/messages/{wrong['id']}")
        for number in range(40):
            self.say(f"Announcement number {number}: the doors to the garden close soon.")
