"""A transcript as one JSON object, for programs: everything the other forms have, and as it was written."""

from __future__ import annotations

from typing import Any

from fanout.core.audit import AuditEntry
from fanout.core.message import iso_time
from fanout.moderation.transcript.content import Exchange, Line, Record, View
from fanout.moderation.transcript.form import Form
from fanout.wire.rendered import encode_json


class Objects(Form):
    """Fields without a value are left out. One exchange, submission or entry a line."""

    media_type = "application/json"
    suffix = "json"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._first = True

    def opening(self) -> str:
        stage = self.stage
        head = {"room": stage.room, "title": stage.title, "position": stage.position, "view": str(stage.view)}
        return "{" + ",".join(f"{_written(key)}:{_written(value)}" for key, value in head.items()) + ',"exchanges":['

    def exchange(self, exchange: Exchange) -> str:
        number = {} if exchange.number is None else {"question": exchange.number}
        replies = [self._line(line) for line in exchange.replies]
        return self._item(number | self._line(exchange.lead) | {"replies": replies})

    def queue(self) -> str:
        return self._next("submissions")

    def record(self, record: Record) -> str:
        one = record.submission
        opinions = [
            _without_empty({
                "plugin": given.plugin, "verdict": str(given.kind), "rule": given.rule, "reason": given.reason,
                "similar_to": given.similar_to, "shadow": given.shadow, "failure": given.failure,
            })
            for given in one.opinions
        ]  # fmt: skip
        return self._item(_without_empty({
            "number": one.number, "id": one.id, "source": str(one.source), "source_id": one.source_id,
            "person": one.person, "name": one.name, "at": iso_time(one.at), "state": str(one.state), "text": one.text,
            "original": one.original, "reason": one.reason, "by": one.by,
            "decided_at": iso_time(one.decided_at) if one.decided_at else None, "merged_into": one.merged_into,
            "message": one.message, "opinions": opinions, "decisions": [_entry(entry) for entry in record.decisions],
        }))  # fmt: skip

    def audit(self) -> str:
        return self._next("audit")

    def entry(self, entry: AuditEntry) -> str:
        return self._item(_entry(entry))

    def closing(self) -> str:
        return "\n]}\n"

    def _line(self, line: Line) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "kind": line.kind, "id": line.id, "author": {"name": line.author.name, "role": line.author.role},
            "at": iso_time(line.at), "text": line.text,
            "corrected_at": None if line.corrected_at is None else iso_time(line.corrected_at),
            "retracted_at": None if line.retracted_at is None else iso_time(line.retracted_at),
        }  # fmt: skip
        if self.stage.view is View.INTERNAL:
            fields["earlier"] = [{"text": wording.text, "at": iso_time(wording.at)} for wording in line.earlier]
        return _without_empty(fields)

    def _next(self, name: str) -> str:
        self._first = True
        return f'\n],"{name}":['

    def _item(self, fields: dict[str, Any]) -> str:
        comma, self._first = "" if self._first else ",", False
        return f"{comma}\n{_written(fields)}"


def _entry(entry: AuditEntry) -> dict[str, Any]:
    draft = entry.draft
    return _without_empty({
        "number": entry.number, "at": iso_time(draft.at), "by": draft.by, "action": draft.action, "room": draft.room,
        "subject": draft.subject, "detail": dict(sorted(draft.detail.items())), "hash": entry.hash,
    })  # fmt: skip


def _without_empty(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value not in (None, "", [], {}, False)}


def _written(value: Any) -> str:
    return encode_json(value).decode()
