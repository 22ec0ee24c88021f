"""A transcript as CSV (RFC 4180), for spreadsheets: a row for each line that was aired, or for each submission.

A spreadsheet takes a cell that begins with `=` or its like for a formula, and a formula can send what is in other cells
to a stranger. Such cells begin with an apostrophe here, which spreadsheets show as text.
"""

from __future__ import annotations

import re
from typing import Final

from fanout.core.audit import AuditEntry
from fanout.core.message import iso_time
from fanout.moderation.transcript.content import Exchange, Record, View
from fanout.moderation.transcript.form import Form, opinion, told

PUBLIC: Final = ("question", "kind", "id", "at", "name", "role", "text", "corrected_at", "retracted_at")
INTERNAL: Final = (
    "number", "id", "source", "source_id", "person", "name", "received_at", "state", "text", "original", "reason",
    "by", "decided_at", "merged_into", "message", "opinions", "decisions",
)  # fmt: skip

BYTE_ORDER_MARK: Final = "\ufeff"
"""Without it, Excel takes UTF-8 for the machine's old encoding."""

_FORMULA: Final = re.compile(r"[=+\-@\t\r\n\0\uff1d\uff0b\uff0d\uff20]")  # the last four: full-width = + - @


class Delimited(Form):
    """Every cell is quoted, so that no comma, quote or line end gets out of one."""

    media_type = "text/csv; charset=utf-8; header=present"
    suffix = "csv"

    def opening(self) -> str:
        return BYTE_ORDER_MARK + _row(PUBLIC if self.stage.view is View.PUBLIC else INTERNAL)

    def exchange(self, exchange: Exchange) -> str:
        if self.stage.view is View.INTERNAL:
            return ""  # one table a file: here, the queue's
        number = "" if exchange.number is None else exchange.number
        return "".join(
            _row((
                number, line.kind, line.id, iso_time(line.at), line.author.name, line.author.role, line.text,
                "" if line.corrected_at is None else iso_time(line.corrected_at),
                "" if line.retracted_at is None else iso_time(line.retracted_at),
            ))
            for line in (exchange.lead, *exchange.replies)
        )  # fmt: skip

    def queue(self) -> str:
        return ""

    def record(self, record: Record) -> str:
        one = record.submission
        return _row((
            one.number, one.id, one.source, one.source_id, one.person, one.name, iso_time(one.at), one.state, one.text,
            one.original or "", one.reason, one.by, iso_time(one.decided_at) if one.decided_at else "",
            one.merged_into or "", one.message or "", "\n".join(map(opinion, one.opinions)),
            "\n".join(map(told, record.decisions)),
        ))  # fmt: skip

    def audit(self) -> str:
        return ""

    def entry(self, entry: AuditEntry) -> str:
        return ""

    def closing(self) -> str:
        return ""


def cell(value: object) -> str:
    """One cell, quoted, that no spreadsheet takes for a formula."""
    text = str(value)
    if _FORMULA.match(text):
        text = f"'{text}"
    return '"' + text.replace('"', '""') + '"'


def _row(values: tuple[object, ...]) -> str:
    return ",".join(map(cell, values)) + "\r\n"
