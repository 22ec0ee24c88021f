"""A transcript as plain text: what stands at the margin is ours, what visitors and guests said is indented."""

from __future__ import annotations

from fanout.core.audit import AuditEntry
from fanout.moderation.transcript.content import Exchange, Line, Record, View
from fanout.moderation.transcript.form import Form, clock, lines_of, one_line, span, told

_INDENT = "    "


class Plain(Form):
    """No text can pass for a heading or for another speaker: its lines are indented, and ours never are."""

    media_type = "text/plain; charset=utf-8"
    suffix = "txt"

    def opening(self) -> str:
        stage, words = self.stage, self.words
        heading = one_line(stage.heading)
        lines = [heading, "=" * len(heading)]
        if stage.view is View.INTERNAL:
            lines += [words["internal"]]
        lines += [f"{words['room']} {stage.room}, {words['as_of']} {stage.position}"]
        lines += [when for when in [span(stage)] if when]
        if not stage.exchanges:
            lines += ["", words["nothing"]]
        return "\n".join(lines) + "\n"

    def exchange(self, exchange: Exchange) -> str:
        number = "" if exchange.number is None else f"{exchange.number}. "
        said = [self._said(exchange.lead, number), *map(self._said, exchange.replies)]
        return "\n" + "".join(said)

    def _said(self, line: Line, number: str = "") -> str:
        head = f"{number}{self.kind(line.kind)} - {self.speaker(line.author)} [{self.heard(line)}]\n"
        earlier = ""
        if self.stage.view is View.INTERNAL:
            earlier = "".join(
                self.words["earlier"].format(time=clock(wording.at)) + "\n" + _indented(wording.text)
                for wording in line.earlier
            )
        return head + (_indented(line.text) if line.retracted_at is None else "") + earlier

    def queue(self) -> str:
        return self._section(self.words["queue"])

    def record(self, record: Record) -> str:
        submission, words = record.submission, self.words
        facts = "".join(f"{name}: {value}\n" for name, value in self.facts(submission))
        written = f"\n#{submission.number}\n{facts}" + _indented(submission.text)
        if submission.original is not None:
            written += f"{words['original']}:\n" + _indented(submission.original)
        if record.decisions:
            written += f"{words['decisions']}:\n" + "".join(_INDENT + told(entry) + "\n" for entry in record.decisions)
        return written

    def audit(self) -> str:
        return self._section(self.words["audit"]) + "\n"

    def entry(self, entry: AuditEntry) -> str:
        return told(entry) + "\n"

    def closing(self) -> str:
        return ""

    def _section(self, title: str) -> str:
        return f"\n{title}\n{'-' * len(title)}\n"


def _indented(text: str) -> str:
    return "".join(f"{_INDENT}{line}".rstrip() + "\n" for line in lines_of(text))
