"""A transcript as Markdown, in which nothing that was said is Markdown.

Characters that mean something are escaped with a backslash where every dialect takes one, and otherwise written as
numbered references, which no dialect takes for structure (CommonMark 0.31 §2.5). What was said stands in quotations.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from fanout.core.audit import AuditEntry
from fanout.moderation.transcript.content import Exchange, Line, Record, View
from fanout.moderation.transcript.form import Form, clock, lines_of, one_line, span, told

_BACKSLASH = re.compile(r"[\\`*_{}\[\]#]")
_REFERENCE = re.compile(r"[&<>@|~$^\t]|=(?==)|(?<![0-9]):(?=\S)|:(?=[^0-9\s])")
"""Colons too, but for those of a time and at the end of a word: without one, no dialect makes a link of an address."""
_AT_BEGIN = re.compile(r"^(?:[-+=:]|[0-9]{1,9}(?=[.)]))")
_WWW = re.compile(r"(?<=www)\.", re.IGNORECASE)


class Markdown(Form):
    """Headings and quotations; readable as it stands."""

    media_type = "text/markdown; charset=utf-8"
    suffix = "md"

    def opening(self) -> str:
        stage, words = self.stage, self.words
        parts = [f"# {escaped(stage.heading)}"]
        if stage.view is View.INTERNAL:
            parts += [f"**{escaped(words['internal'])}**"]
        parts += [f"{words['room']} `{stage.room}`, {words['as_of']} `{stage.position}`"]
        parts += [escaped(when) for when in [span(stage)] if when]
        if not stage.exchanges:
            parts += [words["nothing"]]
        return "\n\n".join(parts) + "\n"

    def exchange(self, exchange: Exchange) -> str:
        lead = exchange.lead
        number = "" if exchange.number is None else f"{exchange.number}\\. "
        heading = f"\n## {number}{self._head(lead)}\n"
        replies = (
            f"\n**{self._head(line)}** {escaped(self.heard(line))}\n{self._said(line)}" for line in exchange.replies
        )
        return f"{heading}\n{escaped(self.heard(lead))}\n{self._said(lead)}{''.join(replies)}"

    def _head(self, line: Line) -> str:
        return escaped(f"{self.kind(line.kind)} · {self.speaker(line.author)}")

    def _said(self, line: Line) -> str:
        said = _quoted(line.text) if line.retracted_at is None else ""
        if self.stage.view is View.INTERNAL:
            for wording in line.earlier:
                said += f"\n{escaped(self.words['earlier'].format(time=clock(wording.at)))}\n{_quoted(wording.text)}"
        return said

    def queue(self) -> str:
        return f"\n# {self.words['queue']}\n"

    def record(self, record: Record) -> str:
        submission, words = record.submission, self.words
        written = f"\n## \\#{submission.number}\n\n"
        written += _items(f"{name}: {value}" for name, value in self.facts(submission)) + _quoted(submission.text)
        if submission.original is not None:
            written += f"\n{words['original']}\n{_quoted(submission.original)}"
        if record.decisions:
            written += f"\n{words['decisions']}\n\n" + _items(map(told, record.decisions))
        return written

    def audit(self) -> str:
        return f"\n# {escaped(self.words['audit'])}\n\n"

    def entry(self, entry: AuditEntry) -> str:
        return _items([told(entry)])

    def closing(self) -> str:
        return ""


def escaped(text: str) -> str:
    """One line that is shown as it stands, wherever it stands."""
    line = _BACKSLASH.sub(r"\\\g<0>", one_line(text))
    line = _REFERENCE.sub(lambda found: f"&#{ord(found[0])};", line)
    line = _WWW.sub("&#46;", line)
    return _AT_BEGIN.sub(_begin, line)


def _begin(found: re.Match[str]) -> str:
    return "".join(f"&#{ord(character)};" for character in found[0])


def _quoted(text: str) -> str:
    """A quotation. A line's own blanks at its begin go: four of them would make code of it."""
    lines = [escaped(line) for line in lines_of(text)]
    broken = [f"{line}\\" if line and after else line for line, after in zip(lines, [*lines[1:], ""], strict=True)]
    return "\n" + "".join(f"> {line}".rstrip() + "\n" for line in broken)


def _items(lines: Iterable[str]) -> str:
    return "".join(f"- {escaped(line)}\n" for line in lines)
