"""How each act of a recording is done: as whoever did it, over HTTP, with made-up words."""

from __future__ import annotations

import itertools
import json
import time
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from fanout.client.target import Target
from fanout.core.message import iso_time
from fanout.core.principal import EVERY_ROOM, MAY, Action, Role
from fanout.core.submission import Source, Step
from fanout.rehearsal.load.calls import Caller, code_of
from fanout.rehearsal.load.evidence import Clock, Evidence
from fanout.rehearsal.load.numbered import Numbered
from fanout.rehearsal.load.telephones import telephone
from fanout.rehearsal.recording.acts import Act, Ask, Decide, Line, Say, Shape, TakeBack
from fanout.rehearsal.recording.made_up import DATA_MARK_BYTES, made_up, pseudonym
from fanout.server.credentials import tokens_of
from fanout.server.settings import Config

PATIENCE_SECONDS: Final = 60.0
"""How long after it is due an act waits for what it refers to, which may be on its way: as long as a call that a server
does not answer, for it may be starting again."""

LASTS_SECONDS: Final = 24 * 3600

TO_BE_FOUND: Final = "?"
"""In place of an id: it was taken, and nobody has said what it is called."""


class Part:
    """One act that is to be done: `number` is its own among all, `copy` which of its person's likes (0: the first)."""

    __slots__ = ("act", "copy", "due", "number")

    def __init__(self, due: float, act: Act, copy: int, number: int) -> None:
        self.due, self.act, self.copy, self.number = due, act, copy, number


class Cast:
    """All who do something. Several threads share it; each brings the connection that it speaks over."""

    def __init__(self, orders: dict[str, Any], rooms: tuple[str, ...], opened: tuple[str, ...], clock: Clock) -> None:
        self._rooms, self._open, self._clock, self.evidence = rooms, opened, clock, Evidence()
        self._run, self._tokens = orders["run"], orders["tokens"]
        self._target = Target.parse(orders["url"])
        secret, data = orders["secret"]
        self._issue = tokens_of(Config(secret=secret, data=Path(data))).issue
        self._submissions, self._messages = Numbered(), Numbered()
        self._authors: dict[int, str] = {}
        self._telephones: dict[tuple[int, int], int] = {}
        """By person and copy; who is nobody has one for each SMS."""
        self._unused = itertools.count()
        self._handed_in: dict[int, tuple[str, int]] = {}
        """Room and time of what a gateway handed in, by its number."""

    def caller(self) -> Caller:
        """A connection for one thread."""
        return Caller(self._target, None)

    def do(self, caller: Caller, parts: list[Part]) -> None:
        """What is due now: one act, or several SMS to one room.

        Raises:
            Away: The server does not answer.
        """
        act = parts[0].act
        if isinstance(act, Ask) and act.source is not Source.WEB:
            self._hand_over(caller, parts, act)
        elif isinstance(act, Ask):
            self._ask(caller, parts[0], act)
        elif isinstance(act, Say):
            self._say(caller, parts[0], act)
        elif isinstance(act, TakeBack):
            self._take_back(caller, parts[0], act)
        else:
            self._at_the_desk(caller, parts[0], act)

    def give_up(self, parts: list[Part]) -> None:
        """It could not be done: nothing that refers to it need wait."""
        for act in (part.act for part in parts if part.copy == 0):
            if isinstance(act, Ask):
                self._submissions.put(act.submission, None)
            if not isinstance(act, TakeBack):
                self._messages.put(act.message, None)

    # --- visitors -----------------------------------------------------------------------------------------------------

    def _text(self, part: Part, ask: Ask) -> str:
        words = ask.words + (part.copy << 48)
        if ask.source is Source.WEB or not ask.submission:
            return made_up(ask.text, words, self._mark(part) if self._rooms[ask.room] in self._open else "")
        name = _name(ask.submission)
        return name + made_up(Shape(max(1, ask.text.one - len(name)), *_rest(ask.text)), words)

    def _subject(self, part: Part, ask: Ask) -> str:
        return f"{self._run}-{ask.person}-{part.copy}" if ask.person else f"{self._run}-0-{part.number}"

    def _visitor(self, subject: str) -> str:
        return self._issue(Role.VISITOR, [EVERY_ROOM], ttl=LASTS_SECONDS, subject=subject)

    def _ask(self, caller: Caller, part: Part, ask: Ask) -> None:
        room, subject = self._rooms[ask.room], self._subject(part, ask)
        body = {"text": self._text(part, ask), "name": pseudonym(ask.person, ask.name), "ref": f"r{part.number}"}
        token = self._visitor(subject)
        self._clock.sleep_until(part.due)
        self.evidence.count("chat_messages" if room in self._open else "web_questions")
        status, answer = caller.call("POST", f"/v1/rooms/{quote(room)}/submissions", body, token=token)
        self.evidence.observe("ask", self._clock.now() - part.due)
        taken = status == 202
        if taken:
            self.evidence.count(f"acknowledged: {'chat' if room in self._open else 'web'}")
        else:
            self.evidence.count(f"refused: {code_of(status, answer)}")
        if part.copy == 0:
            if ask.submission:
                self._authors[ask.submission] = subject
            self._submissions.put(ask.submission, answer["id"] if taken else None)
            self._messages.put(ask.message, answer.get("message") if taken else None)

    def _hand_over(self, caller: Caller, parts: list[Part], first: Ask) -> None:
        room, due, sms = self._rooms[first.room], parts[-1].due, first.source is Source.SMS
        many = [self._handed(part, part.act) for part in parts if isinstance(part.act, Ask)]
        path = f"/v1/sms?room={quote(room)}" if sms else f"/v1/rooms/{quote(room)}/submissions"
        self._clock.sleep_until(due)
        status, answer = caller.call("POST", path, many, patience=120, token=self._tokens["gateway"])
        kind, taken = "sms" if sms else "ask", status < 300
        self.evidence.observe(kind, self._clock.now() - due, len(parts))
        if taken:
            named = "sms acknowledged" if sms else "acknowledged: handed in"
            named = "acknowledged: chat" if room in self._open else named
            self.evidence.count(named, answer["accepted"] + answer["repeated"])
        else:
            self.evidence.count(f"{kind} refused: {code_of(status, answer)}", len(parts))
        for part in parts:
            if isinstance(part.act, Ask) and part.copy == 0:
                self._submissions.put(part.act.submission, TO_BE_FOUND if taken else None)
                self._messages.put(part.act.message, None)

    def _handed(self, part: Part, ask: Ask) -> dict[str, str]:
        item = {"id": f"{self._run}-{part.number}", "text": self._text(part, ask)}
        if ask.submission and part.copy == 0:
            at = time.time_ns() // 1_000_000
            self._handed_in[ask.submission] = (self._rooms[ask.room], at)
            item["at"] = iso_time(at)
        if ask.source is Source.SMS:
            new = next(self._unused)
            number = self._telephones.setdefault((ask.person, part.copy), new) if ask.person else new
            return {**item, "from": telephone(self._run, number)}
        return {**item, "person": self._subject(part, ask), "name": pseudonym(ask.person, ask.name) if ask.name else ""}

    # --- staff --------------------------------------------------------------------------------------------------------

    def _mark(self, part: Part) -> str:
        return f" [at {self._clock.due_ns(part.due)}]"

    def _token(self, role: str, action: Action) -> str:
        may = MAY[action]
        return str(self._tokens[role if role in may else "moderator" if Role.MODERATOR in may else "operator"])

    def _submission(self, caller: Caller, number: int, part: Part) -> str | None:
        """What a submission is called here. A gateway is not told; then it is found by its time and its first word."""
        found = self._refers_to(self._submissions, number, part)
        if found != TO_BE_FOUND:
            return found
        room, at = self._handed_in[number]
        path = f"/v1/rooms/{quote(room)}/submissions?since={iso_time(at)}&until={iso_time(at + 1)}"
        status, page = caller.call("GET", path, token=self._tokens["moderator"])
        named = [
            one["id"] for one in (page["submissions"] if status == 200 else ()) if one["text"].startswith(_name(number))
        ]
        self._submissions.put(number, named[0] if named else None)
        return named[0] if named else None

    def _refers_to(self, known: Numbered, number: int, part: Part) -> str | None:
        """What it is called here. Nothing is due before what it refers to is there."""
        found, since = known.get(number, part.due + PATIENCE_SECONDS - self._clock.now())
        part.due = max(part.due, since - self._clock.begin)
        return found

    def _say(self, caller: Caller, part: Part, act: Say) -> None:
        re = self._refers_to(self._messages, act.re, part) if act.re else None
        said: dict[str, Any] = {"text": made_up(act.text, part.number, self._mark(part)), "kind": act.kind}
        if act.data:
            said["data"] = {"sent_ns": str(self._clock.due_ns(part.due))} if act.data > DATA_MARK_BYTES else {}
            said["data"]["made_up"] = ""
            said["data"]["made_up"] = "x" * (act.data - len(json.dumps(said["data"], separators=(",", ":"))))
        if re is not None:
            said["re"] = re
        self._clock.sleep_until(part.due)
        path = f"/v1/rooms/{quote(self._rooms[act.room])}/messages"
        token = self._token(act.role, Action.PUBLISH)
        status, answer = caller.call("POST", path, said, token=token, key=f"{self._run}-{part.number}")
        self._done(part, status, answer, "announced")
        self._messages.put(act.message, answer["id"] if status == 201 else None)

    def _take_back(self, caller: Caller, part: Part, act: TakeBack) -> None:
        message = self._refers_to(self._messages, act.message, part)
        if message is None:
            self.evidence.count("acts not possible")
            return
        path = f"/v1/rooms/{quote(self._rooms[act.room])}/messages/{message}"
        self._clock.sleep_until(part.due)
        status, answer = caller.call("DELETE", path, token=self._tokens["moderator"])
        self._done(part, status, answer, "taken back")

    def _at_the_desk(self, caller: Caller, part: Part, act: Decide | Line) -> None:
        submission = self._submission(caller, act.submission, part)
        into = self._submission(caller, act.into, part) if isinstance(act, Decide) and act.into else ""
        if submission is None or into is None:
            self._messages.put(act.message, None)
            self.evidence.count("acts not possible")
            return
        if isinstance(act, Line):
            body: dict[str, Any] = {"text": made_up(act.text, part.number, self._mark(part)), "final": True}
            path = f"/v1/submissions/{submission}/lines/l{part.number}"
            self._clock.sleep_until(part.due)
            status, answer = caller.call("PUT", path, body, token=self._token(act.role, Action.ANSWER))
            self._done(part, status, answer, "lines")
            self._messages.put(act.message, answer["id"] if status < 400 else None)
            return
        body = {"action": act.action}
        if act.action is Step.EDIT:
            body["text"] = made_up(act.text, part.number)
        if into:
            body["into"] = into
        token = self._tokens.get(act.role, self._tokens["moderator"])
        if act.role == Role.VISITOR:
            token = self._visitor(self._authors.get(act.submission, ""))
        path = f"/v1/submissions/{submission}"
        self._clock.sleep_until(part.due)
        status, answer = caller.call("POST", f"{path}/decisions", body, token=token)
        if status == 409 and caller.tried > 1:  # it was heard before the line broke
            status, answer = caller.call("GET", path, token=self._tokens["moderator"])
        self._done(part, status, answer, "aired" if act.action is Step.AIR else "decided")
        self._messages.put(act.message, answer.get("message") if status == 200 else None)

    def _done(self, part: Part, status: int, answer: Any, what: str) -> None:
        self.evidence.observe("staff", self._clock.now() - part.due)
        self.evidence.count(what if status < 400 else f"staff refused: {code_of(status, answer)}")


def _name(number: int) -> str:
    """The first word of what has to be found again."""
    return f"q{number}q "


def _rest(shape: Shape) -> tuple[int, int, int]:
    return shape.two, shape.three, shape.four
