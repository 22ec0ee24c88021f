"""Listed words are found however they are written; words that only look like them are left alone."""

# ruff: noqa: RUF001

import time
from pathlib import Path

import pytest

from fanout.plugins import ConfigurationError, RoomView, Source, Submission, Verdict, VerdictKind
from fanout.plugins.words import WordList

ROOM = RoomView("questions")


async def verdict(plugin: WordList, text: str) -> Verdict | None:
    sent = Submission(1, "abcdefghijkl", "questions", Source.WEB, "1", "visitor:ann", "Ann", text, 1_700_000_000_000)
    return await plugin.review_submission(sent, ROOM)


@pytest.fixture(scope="module")
def shipped() -> WordList:
    return WordList()


WRITTEN = [
    "merde", "MERDES !", "mérdë", "m e r d e", "m.e.r.d.e", "m - e - r - d - e", "mer_de", "meeerde", "m3rd3", "m*rde",
    "МЕRDЕ", "ｍｅｒｄｅ", "𝓶𝓮𝓻𝓭𝓮", "m\u200be\u200drde", "m\u0336e\u0336r\u0336d\u0336e", "quelle merde.", "l'merde",
]  # fmt: skip


@pytest.mark.parametrize("text", WRITTEN)
async def test_a_word_is_found_however_it_is_written(shipped: WordList, text: str):
    found = await verdict(shipped, text)
    assert (found.kind, found.rule) == (VerdictKind.HOLD, "insults_fr: merd*")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("tu es un c0n", "insults_fr: con"),
        ("fils  de\npute", "insults_fr: fils de pute"),
        ("e n c u l é", "insults_fr: encul*"),
        ("what the f*ck", "insults_en: *fuck*"),
        ("absofuckinglutely", "insults_en: *fuck*"),
        ("$hit happens", "insults_en: shit*"),
        ("sale  arabe", "hate_fr: sale arabe"),
        ("n1ggers", "hate_en: nigg*"),
    ],
)
async def test_the_verdict_names_the_list_and_the_entry(shipped: WordList, text: str, rule: str):
    assert (await verdict(shipped, text)).rule == rule


HARMLESS = [
    "Scunthorpe", "S C U N T H O R P E", "assassin", "analyse", "concours", "con-cours".replace("-", ""), "députés",
    "Nous avons assez d'assistantes", "Un titre de transport", "La classe et la masse", "l'assurance et les passagers",
    "le cul-de-sac", "pros and cons", "a con artist", "salopettes", "pédaler", "Niger, Nigeria", "Couilly", "Emmerdale",
    "la bitte d'amarrage", "cocktail, cockpit", "Penistone", "Sussex", "a retard de paiement", "fichier, afficher",
    "Pakistan", "Wankel", "shitake", "titanic", "a button", "il y a 1 an", "class assessment", "Est-ce que c'est là ?",
    "je n'y ai pas pensé", "document", "circumstances", "A B C D E F", "la chatte", "an insect bite", "amusement",
]  # fmt: skip


@pytest.mark.parametrize("text", HARMLESS)
async def test_a_word_that_only_holds_a_listed_one_is_left_alone(shipped: WordList, text: str):
    assert await verdict(shipped, text) is None


async def test_a_rejection_goes_first_and_its_reason_does_not_say_the_word():
    plugin = WordList(lists={"insults_en": "hold"}, reject=["grumble*"], reason="Not like this.")
    found = await verdict(plugin, "shit, I am grumbling... grumbled")
    assert (found.kind, found.reason, found.rule) == (VerdictKind.REJECT, "Not like this.", "reject: grumble*")
    assert "grumble" not in (await verdict(WordList(reject=["grumble"]), "grumble")).reason


async def test_files_words_and_exceptions_add_to_the_lists(tmp_path: Path):
    (tmp_path / "local.txt").write_text("# of this house\nvoldémort  # he\nсука\n", "utf-8")
    plugin = WordList(lists={}, files={str(tmp_path / "local.txt"): "reject"}, hold=["tax"], allow=["tax office"])
    assert (await verdict(plugin, "V0ldemort")).rule == "local: voldémort"
    assert (await verdict(plugin, "СУКА")).kind is VerdictKind.REJECT
    assert (await verdict(plugin, "the tax")).kind is VerdictKind.HOLD
    assert await verdict(plugin, "the tax office") is None
    assert (await verdict(plugin, "the tax office's tax")).kind is VerdictKind.HOLD
    assert await verdict(plugin, "merde") is None


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"lists": {"insults_de": "hold"}}, "plugins.words.lists:"),
        ({"lists": {"insults_fr": "ban"}}, "plugins.words.lists.insults_fr:"),
        ({"lists": ["insults_fr"]}, "plugins.words.lists:"),
        ({"hold": "word"}, "plugins.words.hold:"),
        ({"hold": ["..."]}, "plugins.words.hold:"),
        ({"reject": ["x" * 81]}, "plugins.words.reject:"),
        ({"allow": [3]}, "plugins.words.allow:"),
        ({"files": {"/nowhere/words.txt": "hold"}}, "plugins.words.files:"),
        ({"reason": ""}, "plugins.words.reason:"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(options: dict[str, object], named: str):
    with pytest.raises(ConfigurationError) as refused:
        WordList(**options)  # type: ignore[arg-type]
    assert str(refused.value).startswith(named)


HOSTILE = ["m", "me", "f", "f*", "a*", "*", "*a*a", "o*0", "m.", "a ", "mer ", "encu ", "fils de ", "fuc", "1", "|1"]


@pytest.mark.parametrize("unit", HOSTILE)
async def test_the_time_grows_with_the_length_of_a_text_and_not_with_its_square(shipped: WordList, unit: str):
    """Ten times the text, less than fifty times the time; a search that goes back would take a hundred or more."""

    async def seconds(length: int) -> float:
        text = (unit * length)[:length]
        best = float("inf")
        for _ in range(5):
            begun = time.thread_time()
            await verdict(shipped, text)
            best = min(best, time.thread_time() - begun)
        return best

    assert await seconds(20_000) < 50 * await seconds(2_000)
