"""Links are found however they are written; sentences that only have dots in them are left alone."""

# ruff: noqa: RUF001

import time

import pytest

from fanout.plugins import ConfigurationError, RoomView, Source, Submission, Verdict, VerdictKind
from fanout.plugins.links import Links

ROOM = RoomView("questions")


async def verdict(plugin: Links, text: str) -> Verdict | None:
    sent = Submission(1, "abcdefghijkl", "questions", Source.WEB, "1", "visitor:ann", "Ann", text, 1_700_000_000_000)
    return await plugin.review_submission(sent, ROOM)


LINKS = [
    ("see https://example.org/a?b=c", "scheme"),
    ("HTTP://EXAMPLE.ORG", "scheme"),
    ("hxxps://evil.example/x", "scheme"),
    ("h**p://evil", "scheme"),
    ("https : // evil.example", "scheme"),
    ("ftp://files", "scheme"),
    ("http:\\\\evil", "scheme"),
    ("javascript://x", "scheme"),
    ("go to www.example.museum now", "www"),
    ("www . evil.example", "www"),
    ("WWW2.evil.example", "www"),
    ("buy at example.com", "host"),
    ("(example.com)", "host"),
    ("...example.com", "host"),
    ("Bonjour.Allez sur mon-site.fr.", "host"),
    ("evil.com.Merci", "host"),
    ("bit.ly/3xYz", "host"),
    ("t.me/spam", "host"),
    ("youtu.be/abc", "host"),
    ("discord.gg", "host"),
    ("cheap.rocks/win", "host"),
    ("8.8.8.8/x or 8.8.8.8:8080", "host"),
    ("xn--e1afmkfd.xn--p1ai", "host"),
    ("exаmple.соm", "host"),
    ("exam\u200bple.c\u200dom", "host"),
    ("ｅｘａｍｐｌｅ．ｃｏｍ", "host"),
    ("example[.]com", "dot in brackets"),
    ("example [dot] com", "dot in brackets"),
    ("example (point) fr", "dot in brackets"),
    ("bit{.}ly/x", "dot in brackets"),
    ("example dot com", "dot in words"),
    ("my-shop DOT  com, cheap", "dot in words"),
    ("monsite point fr", "dot in words"),
    ("example .com", "dot in words"),
]


@pytest.mark.parametrize(("text", "rule"), LINKS)
async def test_a_link_is_found_however_it_is_written(text: str, rule: str):
    found = await verdict(Links(), text)
    assert found is not None
    assert (found.kind, found.rule) == (VerdictKind.HOLD, rule)


HARMLESS = [
    "M.Dupont", "3.14", "etc.fin", "Bonjour.Merci", "S.N.C.F.", "p.ex. ceci", "e.g. this", "U.S.A.", "à 20h.30", "...",
    "1.234,56", "192.168.1.1", "12.30/14.30", "et/ou", "oui/non", "24/7", "C'est bien.Ça va ?", "le point fort",
    "le point com du jour", "the dot com bubble", "un point net", "version 2.0.1", "a.m./p.m.", "Vite.Il arrive",
    "Mme.Durand et M.le maire", "ann@example.org", "fin.De suite", "10:30", "ratio 1:2", "Question: pourquoi ?",
    "J.-P. Martin", "dot dot dot", "www", "je dis (point)", "s'il vous plaît:merci", "Non.Si.Oui.",
]  # fmt: skip


@pytest.mark.parametrize("text", HARMLESS)
async def test_a_sentence_that_only_has_dots_is_left_alone(text: str):
    assert await verdict(Links(), text) is None


@pytest.mark.parametrize(
    "text",
    [
        "https://example.org", "see example.org, please", "www.example.org/a", "https://a.b.example.org:443/x?y=@evil",
        "EXAMPLE.ORG", "https://ann@example.org/", "(https://example.org)",
    ],
)  # fmt: skip
async def test_a_link_to_an_allowed_host_passes(text: str):
    assert await verdict(Links(allow=["Example.org"]), text) is None


@pytest.mark.parametrize(
    "text",
    [
        "notexample.org", "example.org.evil.com", "https://example.org@evil.net/", "https://evil.net\\@example.org/",
        "https://evil.net#@example.org", "https://evil.net/example.org", "example.org and evil.com", "exаmple.org",
        "example.org exаmple.org", "ex\u200bample.org", "http://evil/ http://example.org", "https://example.org%2eevil.net",
        "https://example.org.evil.tk", "example[.]org",
    ],
)  # fmt: skip
async def test_no_other_host_passes_for_an_allowed_one(text: str):
    assert await verdict(Links(allow=["example.org"]), text) is not None


async def test_a_text_of_nothing_but_links_does_not_pass_wherever_they_go():
    assert await verdict(Links(allow=["example.org"]), "example.org " * 20) is None
    assert await verdict(Links(allow=["example.org"]), "example.org " * 21) is not None


async def test_a_rejection_gives_the_reason_of_the_house():
    found = await verdict(Links(action="reject", reason="No adverts."), "example.com")
    assert (found.kind, found.reason, found.rule) == (VerdictKind.REJECT, "No adverts.", "host")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"action": "ban"}, "plugins.links.action:"),
        ({"allow": "example.org"}, "plugins.links.allow:"),
        ({"allow": ["https://example.org"]}, "plugins.links.allow:"),
        ({"allow": ["org"]}, "plugins.links.allow:"),
        ({"reason": " "}, "plugins.links.reason:"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(options: dict[str, object], named: str):
    with pytest.raises(ConfigurationError) as refused:
        Links(**options)  # type: ignore[arg-type]
    assert str(refused.value).startswith(named)


HOSTILE = [
    "a",
    "a.",
    "a-",
    ".",
    "a.a-",
    " ",
    "[",
    "[ ",
    "http",
    "h:",
    "a dot ",
    "www.",
    "a@",
    "a@a.",
    "/a:",
    "a /",
    "1.",
]


@pytest.mark.parametrize("unit", HOSTILE)
async def test_the_time_grows_with_the_length_of_a_text_and_not_with_its_square(unit: str):
    """Ten times the text, less than fifty times the time; a search that goes back would take a hundred or more."""
    plugin = Links(allow=["example.org"])

    async def seconds(length: int) -> float:
        text = (unit * length)[:length]
        best = float("inf")
        for _ in range(5):
            begun = time.thread_time()
            await verdict(plugin, text)
            best = min(best, time.thread_time() - begun)
        return best

    assert await seconds(20_000) < 50 * await seconds(2_000)
