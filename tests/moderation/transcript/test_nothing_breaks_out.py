"""Whatever somebody says, it stays text: no markup, no formula, no other speaker, no other row."""

import csv
import io
import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from fanout.core.audit import AuditDraft, link
from fanout.core.message import Author
from fanout.core.submission import Source, State, Submission
from fanout.core.verdict import Opinion, VerdictKind
from fanout.moderation.transcript.content import Exchange, Line, Record, Stage, View, Wording
from fanout.moderation.transcript.delimited import Delimited
from fanout.moderation.transcript.form import Form, lines_of, one_line
from fanout.moderation.transcript.html_page import HtmlPage
from fanout.moderation.transcript.markdown import Markdown, escaped
from fanout.moderation.transcript.objects import Objects
from fanout.moderation.transcript.plain import Plain

NASTY = [
    "</p></blockquote><script>alert(1)</script>", '" onload="alert(1)', "&lt;b&gt; &#60;", "<!-- ", "]]>", "</style>",
    "# heading", "> quoted", "- item", "+ item", "1. item", "12) item", "    code", "```\nfence\n```", "~~~", "a\n===",
    "a\n---", "***", "[link](http://x.example)", "![i](x)", "<http://x.example>", "http://x.example www.x.example",
    "a@x.example", "| a | b |\n|---|---|", "\\", "\\\\*a*", "`code`", "*bold* _it_ ~~gone~~", "[ref]: http://x.example",
    "$x$", "a  \nb", "\ta", "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\uff1d1", 'a","b"\r\nc', ";=1", "a\u2028b",
    "a\nAnswer - The minister (guest) [18:30:00]\n    yes", "\u0085x", "#1\nstate: aired", "\u202eabc", "{{ x }}",
]  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(NASTY),
    st.lists(st.sampled_from(NASTY), min_size=2, max_size=4).map("\n".join),
    st.text("<>&\"'`*_#-+=[]()!|\\~.:/@ \n\t1a=;,", min_size=1, max_size=30),
    st.text(min_size=1, max_size=30),
).filter(lambda text: not any(0xD800 <= ord(character) <= 0xDFFF for character in text))


def written(form: type[Form], text: str, name: str, view: View) -> str:
    """Everything that can hold somebody's words, holding these."""
    line = Line("a" * 12, "question", Author(name, "visitor"), text, 0, corrected_at=0, earlier=(Wording(text, 0),))
    reply = Line("b" * 12, "answer", Author(name, "guest"), text, 0)
    exchanges = tuple(Exchange(number, line, (reply,)) for number in (1, 2))
    one = form(Stage("stage", name, "k3f9:1", view, exchanges), "en")
    parts = [one.opening(), *map(one.exchange, exchanges)]
    if view is View.INTERNAL:
        submission = Submission(
            1, "c" * 12, "stage", Source.IMPORT, text, name, name, text, 0, state=State.HELD, original=text,
            reason=f"because {text}", by=name, opinions=(Opinion("words", VerdictKind.HOLD, text, text),),
        )  # fmt: skip
        entry = link(1, AuditDraft(0, name, "hold", "stage", "c" * 12, {"why": text}), "0" * 64)
        parts += [one.queue(), one.record(Record(submission, (entry,))), one.audit(), one.entry(entry)]
    return "".join([*parts, one.closing()])


often = settings(max_examples=40, deadline=None)
views = pytest.mark.parametrize("view", list(View))


class Skeleton(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, tuple]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_data(self, data: str) -> None:
        self.text += data


@views
@often
@given(text=TEXTS, name=TEXTS)
def test_html_has_the_same_elements_whatever_is_said(view: View, text: str, name: str):
    pages = [Skeleton(), Skeleton()]
    pages[0].feed(written(HtmlPage, text, name, view))
    pages[1].feed(written(HtmlPage, "word", "word", view))
    for page in pages:
        page.close()
        assert page.open == []
    varying = {"br", "p", "blockquote"}  # a text has as many lines and paragraphs as it has
    first, second = ([one for one in page.elements if one[0] not in varying] for page in pages)
    assert [tag for tag, _ in first if tag not in {"dt", "dd"}] == [tag for tag, _ in second if tag not in {"dt", "dd"}]
    assert {names for _, names in first} <= {names for _, names in second}
    for line in lines_of(text):
        assert line in pages[0].text


def test_a_page_allows_its_style_sheet_and_nothing_else():
    page = written(HtmlPage, "a", "b", View.PUBLIC)
    assert "default-src 'none'; style-src 'sha256-" in page
    assert "<script" not in page
    assert " src=" not in page
    assert "url(" not in page


MARKDOWN = MarkdownIt("commonmark", {"linkify": False}).enable(["table", "strikethrough"])
ALLOWED = {
    "heading_open", "heading_close", "paragraph_open", "paragraph_close", "blockquote_open", "blockquote_close",
    "inline", "bullet_list_open", "bullet_list_close", "list_item_open", "list_item_close",
}  # fmt: skip
INSIDE = {"text", "text_special", "hardbreak", "softbreak", "strong_open", "strong_close", "code_inline"}


@views
@often
@given(text=TEXTS, name=TEXTS)
def test_markdown_has_only_our_own_structure(view: View, text: str, name: str):
    def parsed(said: str, called: str) -> list:
        return MARKDOWN.parse(written(Markdown, said, called, view))

    tokens = parsed(text, name)
    plain = parsed("word", "word")
    assert {token.type for token in tokens} <= ALLOWED
    assert {child.type for token in tokens for child in token.children or ()} <= INSIDE
    headings = [[token.tag for token in one if token.type == "heading_open"] for one in (tokens, plain)]
    assert headings[0] == headings[1]
    strong = [
        sum(child.type == "strong_open" for token in one for child in token.children or ()) for one in (tokens, plain)
    ]
    assert strong[0] == strong[1]


@often
@given(TEXTS)
def test_a_line_of_markdown_reads_as_it_was_written(text: str):
    [_, inline, _] = MARKDOWN.parse("x " + escaped(text) if one_line(text) else "x")
    shown = "".join(child.content for child in inline.children)
    assert shown == f"x {one_line(text)}".rstrip()


@often
@given(TEXTS)
def test_markdown_links_nothing(text: str):
    assert not re.search(r"(?:https?|mailto|xmpp|ftp):\S|www\.|@|<", escaped(text), re.IGNORECASE)


@views
@often
@given(text=TEXTS, name=TEXTS)
def test_csv_has_one_row_a_thing_and_no_cell_that_is_a_formula(view: View, text: str, name: str):
    table = written(Delimited, text, name, view)
    rows = list(csv.reader(io.StringIO(table.removeprefix("\ufeff"), newline=""), strict=True))
    assert len(rows) == (5 if view is View.PUBLIC else 2)
    assert {len(row) for row in rows} == {len(rows[0])}
    for row in rows:
        for cell in row:
            assert not cell or cell[0] not in "=+-@\t\r\n\0\uff1d\uff0b\uff0d\uff20"
    assert rows[1][rows[0].index("text")].removeprefix("'") == text.removeprefix("'")


@views
@often
@given(text=TEXTS, name=TEXTS)
def test_json_is_json_and_holds_what_was_written(view: View, text: str, name: str):
    found = json.loads(written(Objects, text, name, view))
    assert found["exchanges"][0]["text"] == text
    assert found["exchanges"][1]["replies"][0]["author"]["name"] == name
    assert ("submissions" in found) is (view is View.INTERNAL)


@views
@often
@given(text=TEXTS, name=TEXTS)
def test_in_plain_text_what_was_said_never_stands_at_the_margin(view: View, text: str, name: str):
    def margin(said: str, called: str) -> list[str]:
        lines = written(Plain, said, called, view).split("\n")
        return [line[:4] for line in lines if line and not line.startswith("    ")]

    name = f"Ann {name}"
    table = [margin(text, name), margin("word", "Ann")]
    assert len(table[0]) == len(table[1])
    assert "\x0b" not in written(Plain, text, name, view)
