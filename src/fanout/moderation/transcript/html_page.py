"""A transcript as one HTML page that needs nothing else: to be read, cited by its anchors, printed and kept.

Everything that was said goes through `html.escape`, stands in an element of its own and turns no direction around it.
The page's own policy allows its style sheet and nothing more, so that even a mistake here would run nothing.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Final

from fanout.core.audit import AuditEntry
from fanout.core.message import iso_time
from fanout.core.written_day import written_day
from fanout.moderation.transcript.content import QUESTION, Exchange, Line, Record, View
from fanout.moderation.transcript.form import Form, lines_of, moment, one_line, told

_STYLE: Final = files("fanout.moderation.transcript").joinpath("page.css").read_text(encoding="utf-8")
_DIGEST: Final = b64encode(sha256(_STYLE.encode()).digest()).decode()

_OPENING: Final = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{heading}</title>
<style>{style}</style>
</head>
<body>
<header>
<h1 dir="auto">{heading}</h1>
{notice}<p class="facts">{facts}</p>
</header>
"""

EXCERPT_CHARACTERS: Final = 90
"""How much of a question stands in the list of contents: about one line."""


class HtmlPage(Form):
    """A heading for each question, and a list of them at the begin."""

    media_type = "text/html; charset=utf-8"
    suffix = "html"
    policy = f"default-src 'none'; style-src 'sha256-{_DIGEST}'"

    def opening(self) -> str:
        stage, words = self.stage, self.words
        facts = [escape(f"{words['room']} {stage.room}"), self._span(), escape(f"{words['as_of']} {stage.position}")]
        notice = f'<p class="internal">{escape(words["internal"])}</p>\n' if stage.view is View.INTERNAL else ""
        head = _OPENING.format(
            language=self.language, policy=self.policy, heading=escape(one_line(stage.heading)), style=_STYLE,
            notice=notice, facts=" · ".join(fact for fact in facts if fact),
        )  # fmt: skip
        if not stage.exchanges:
            return head + f"<main>\n<p>{escape(words['nothing'])}</p>\n"
        return head + self._contents() + "<main>\n"

    def _contents(self) -> str:
        asked = [one for one in self.stage.exchanges if one.lead.kind == QUESTION and one.lead.text]
        if len(asked) < 2:
            return ""
        items = "".join(
            f'<li value="{one.number}"><a href="#m-{one.lead.id}" dir="auto">'
            f"{escape(_excerpt(one.lead.text))}</a></li>\n"
            for one in asked
        )
        title = escape(self.words["contents"])
        return f'<nav aria-labelledby="contents">\n<h2 id="contents">{title}</h2>\n<ol>\n{items}</ol>\n</nav>\n'

    def exchange(self, exchange: Exchange) -> str:
        lead = exchange.lead
        replies, before = "", lead
        for line in exchange.replies:
            goes_on = (line.kind, line.author) == (before.kind, before.author) and line.retracted_at is None
            replies += self._reply(line, goes_on=goes_on)
            before = line
        said = self._said(lead)
        if lead.kind != QUESTION and not replies:
            return f'<div class="aside" id="m-{lead.id}">\n<p class="by">{self._by(lead)}</p>\n{said}</div>\n'
        return (
            f'<article id="m-{lead.id}" aria-labelledby="h-{lead.id}">\n<h2 id="h-{lead.id}">'
            f'<a class="anchor" href="#m-{lead.id}">{exchange.number or "·"}</a> {self._by(lead)}</h2>\n'
            f"{said}{replies}</article>\n"
        )

    def _reply(self, line: Line, *, goes_on: bool) -> str:
        by = "" if goes_on else f"<h3>{self._by(line)}</h3>\n"
        return f'<div class="reply" id="m-{line.id}">\n{by}{self._said(line)}</div>\n'

    def _by(self, line: Line) -> str:
        name = escape(one_line(line.author.name) or self.words["unnamed"])
        role = escape(self.role(line.author))
        return (
            f'<span class="kind">{escape(self.kind(line.kind))}</span> <span class="name" dir="auto">{name}</span> '
            + (f'<span class="role">{role}</span> ' if role else "")
            + f'<span class="when">{self._heard(line)}</span>'
        )

    def _heard(self, line: Line) -> str:
        parts = [_clock(line.at)]
        if line.corrected_at is not None:
            parts.append(escape(self.words["corrected"]).format(time=_clock(line.corrected_at)))
        if line.retracted_at is not None:
            parts.append(escape(self.words["retracted"]).format(time=_clock(line.retracted_at)))
        return ", ".join(parts)

    def _span(self) -> str:
        """From the first line to the last, as people write it; empty when nothing was said."""
        times = [line.at for exchange in self.stage.exchanges for line in (exchange.lead, *exchange.replies)]
        if not times:
            return ""
        first, last = min(times), max(times)
        if self._day(first) != self._day(last):
            return f"{self._moment(first)} – {self._moment(last)} UTC"  # noqa: RUF001 (an en dash between two times)
        if _minute(first) == _minute(last):
            return f"{self._moment(first)} UTC"
        return f"{self._moment(first)} – {_clock(last)} UTC"  # noqa: RUF001

    def _day(self, at: int) -> str:
        return written_day(self.language, _utc(at))

    def _moment(self, at: int) -> str:
        return _time(at, f"{self._day(at)}, {_minute(at)}")

    def _said(self, line: Line) -> str:
        said = _paragraphs(line.text) if line.retracted_at is None else ""
        if self.stage.view is View.INTERNAL:
            for wording in line.earlier:
                label = escape(self.words["earlier"]).format(time=_clock(wording.at))
                said += f'<div class="earlier"><p class="by">{label}</p>\n{_paragraphs(wording.text)}</div>\n'
        return said

    def queue(self) -> str:
        return f'<section id="queue">\n<h2>{escape(self.words["queue"])}</h2>\n'

    def record(self, record: Record) -> str:
        submission, words = record.submission, self.words
        times = {words["received"]: submission.at, words["decided"]: submission.decided_at}
        facts = ""
        for name, value in self.facts(submission):
            shown = self._moment(at) if (at := times.get(name)) else escape(value)
            facts += f'<dt>{escape(name)}</dt><dd dir="auto">{shown}</dd>\n'
        written = f'<article class="record" id="s-{submission.id}">\n<h3>#{submission.number}</h3>\n'
        written += f"{_paragraphs(submission.text)}<dl>\n{facts}</dl>\n"
        if submission.original is not None:
            written += f"<h4>{escape(words['original'])}</h4>\n{_paragraphs(submission.original)}"
        if record.decisions:
            items = "".join(f"<li>{self._told(entry)}</li>\n" for entry in record.decisions)
            written += f"<h4>{escape(words['decisions'])}</h4>\n<ul>\n{items}</ul>\n"
        return written + "</article>\n"

    def audit(self) -> str:
        return f'</section>\n<section id="audit">\n<h2>{escape(self.words["audit"])}</h2>\n'

    def entry(self, entry: AuditEntry) -> str:
        return f"<p>{self._told(entry)}</p>\n"

    def _told(self, entry: AuditEntry) -> str:
        at = entry.draft.at  # only a number stands before it
        return escape(told(entry)).replace(moment(at), self._moment(at), 1)

    def closing(self) -> str:
        end = "</section>\n" if self.stage.view is View.INTERNAL else ""
        return f"{end}</main>\n<footer><p>{escape(self.words['utc'])}</p></footer>\n</body>\n</html>\n"


def _utc(at: int) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC)


def _minute(at: int) -> str:
    return f"{_utc(at):%H:%M}"


def _clock(at: int) -> str:
    return _time(at, _minute(at))


def _time(at: int, shown: str) -> str:
    """A time for people, with the whole of it for programs."""
    return f'<time datetime="{iso_time(at)}">{shown}</time>'


def _paragraphs(text: str) -> str:
    """A text as paragraphs, divided where it has an empty line."""
    paragraphs: list[list[str]] = [[]]
    for line in lines_of(text):
        if line:
            paragraphs[-1].append(escape(line))
        elif paragraphs[-1]:
            paragraphs.append([])
    said = "".join(f'<p dir="auto">{"<br>".join(lines)}</p>\n' for lines in paragraphs if lines)
    return f"<blockquote>\n{said}</blockquote>\n"


def _excerpt(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= EXCERPT_CHARACTERS else line[: EXCERPT_CHARACTERS - 1].rstrip() + "…"
