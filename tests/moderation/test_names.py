"""Names that are nobody else's: what is taken for a protected name is refused, and what people are called is not."""

# ruff: noqa: RUF001  (letters that look like others are what this is about)

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.core.look_alikes import ProtectedName, readings, skeleton
from fanout.core.principal import Principal, Role
from fanout.errors import InvalidInput
from fanout.moderation.names import MAX_VISITOR_NAME_CHARACTERS, Names, check_name
from fanout.moderation.rules import Rules
from fanout.store.memory import MemoryStore

PROTECTED = ("Premier ministre", "Modérateur", "Jean-Pierre Raffarin", "Lionel", "Sergio Marin", "Сергей Иванов")

TAKEN_FOR_THEM = [
    "Premier ministre", "premier ministre",
    "PREMIER MINISTRE", "Le Premier Ministre officiel", "premier-ministre",
    "premier_ministre", "premier.ministre",
    "PremierMinistre", "LePremierMinistreOfficiel", "Premier   Ministre",
    "P r e m i e r  M i n i s t r e", "P.r.e.m.i.e.r ministre", "Prémïer Mînistre", "Premier Ministre 2",
    "PremierMinistre2", "~Premier Ministre~",
    "« Premier ministre »", "Premier\u200bMinistre", "Pre\u00admier ministre",
    "Premier\u2060 mini\ufeffstre", "Pr\u3164emier ministre", "Рrеmiеr Мinistrе", "Ρrεmιεr ministre",
    "Ｐｒｅｍｉｅｒ ministre", "𝓟𝓻𝓮𝓶𝓲𝓮𝓻 ministre", "Ⓟremier ⓜinistre",
    "Pr3m13r M1n1str3", "Premier M!ni$tre", "Prernier Ministre",
    "Premlcr Premler Mlnlstre", "PREMlER MlNlSTRE",
    "Pre\u0336mier\u0301 ministre", "premıer mınıstre", "Pʀᴇᴍɪᴇʀ ministre",
    "Moderateur", "MODÉRATEUR", "m0d3rat3ur", "Modérateur2",
    "Modérateur!", "@Modérateur", "(modérateur)", "M0der@teur 99",
    "Rnoderateur", "Mοdérateur", "Le modérateur",
    "Jean Pierre Raffarin", "jeanpierre raffarin", "Jean-Pierre RAFFARIN (PM)",
    "Iionel", "LIONEL", "1ionel", "|ionel", "lione1", "Li0nel", "Serglo Marln", "Sergio Mar1n", "Sergio Marín",
    "сергей  иванов", "Сергей-Иванов",
]  # fmt: skip


@pytest.mark.parametrize("name", TAKEN_FOR_THEM)
def test_what_is_taken_for_a_protected_name_is_refused(name):
    with pytest.raises(InvalidInput) as caught:
        # An invisible character is refused as such before anybody looks at the likeness.
        check_name(name, PROTECTED)
    assert caught.value.code in ("name_reserved", "bad_name")
    assert any(ProtectedName(each).is_borne_by(readings(name)) for each in PROTECTED)


ORDINARY = """
Marie|Nathalie|Isabelle|Sylvie|Catherine|Françoise|Valérie|Christine|Monique|Sophie|Martine|Nicolas|Philippe|Pierre|
Jean|Jean-Pierre|Jean-Pierre Dupont|Pierre Raffarin|J. Raffaello|Michel Martin|Sergio|Sergio Martin|Sergio Marino|Marin|
Marina Sergio|Modeste|Modératrice|Modérément|Maude Rateur|Un ministre|Premier|Le premier|Première|Premier venu|
Ministère|Premier secrétaire|Ministre Premier|Mon premier conseil des ministres|Lionelle|Lione|Lion|Léon|Liam|Lina|
Lionel-le-Lion2000x|O'Neill|D'Artagnan|Anne-Sophie|Zoé|Loïc|Gaël|Noël|Maëlys|Hélène|Cœur de Lion|Ægir|Øystein|Łukasz|
Gülşen|José|Müller|Nguyễn Văn An|Zoë 75|marie92|Toto|Bob_le_bricoleur|Kévin du 93|xXx|42|007|A.|Mme B.|M. Bernard|Burn|
Corn|Modern Love|
James|John|Robert|Mary|Patricia|Linda|Barbara|Elizabeth|Jennifer|William|Illiam|Alan|Ian|Allan|Ellen|Emma|Olivia|Sarah|
Сергей|Иван Сергеев|Νίκος|Ελένη|محمد|دانیال|दीपिका|陳大文|山田太郎|김철수|ทักษิณ|
👩\u200d🚀 Claudie|Señor Ñandú|Citizen 4|Nobody
"""


@pytest.mark.parametrize("name", [name.strip() for name in ORDINARY.replace("\n", "").split("|")])
def test_what_people_are_called_passes_unchanged(name):
    if name.startswith("Lionel-le"):  # has a protected word in it
        with pytest.raises(InvalidInput):
            check_name(name, PROTECTED)
        return
    assert check_name(name, PROTECTED) == name


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("", "name_empty"), ("   ", "name_empty"), ("\u3164", "name_empty"), ("\u0301", "name_empty"),
        ("x" * (MAX_VISITOR_NAME_CHARACTERS + 1), "name_too_long"), ("Ann\nBob", "bad_name"), ("Ann\tBob", "bad_name"),
        ("Ann\u2028Bob", "bad_name"), ("An\x00n", "bad_name"), ("\u202ennA", "bad_name"), ("A\u2066nn", "bad_name"),
        ("A\u200bnn", "bad_name"), ("A\u00adnn", "bad_name"), ("Z" + "\u0301" * 4, "bad_name"), ("A\ud800", "bad_name"),
        (None, "bad_name"), (7, "bad_name"), (b"Ann", "bad_name"),
    ],
)  # fmt: skip
def test_what_is_no_name_is_refused(name, code):
    with pytest.raises(InvalidInput) as caught:
        check_name(name)
    assert caught.value.code == code


def test_blanks_are_put_in_order():
    assert check_name("  Ann \u00a0  Martin ") == "Ann Martin"


@given(st.text(st.characters(exclude_categories=()), max_size=50))
def test_a_checked_name_passes_again_and_looks_like_itself(name):
    try:
        kept = check_name(name)
    except InvalidInput:
        return
    assert check_name(kept) == kept
    protected = ProtectedName(kept)
    if protected.is_borne_by(readings(kept)):
        assert protected.is_borne_by(readings(f"Le {kept} officiel"))


@given(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20))
def test_case_does_not_change_a_skeleton_of_plain_letters(word):
    if word.isascii():
        assert skeleton(word.upper()) == skeleton(word.lower()) == skeleton(word)


async def test_names_of_the_house_of_the_room_and_of_staff_are_protected():
    rules = Rules(MemoryStore(), lambda: 0)
    names = Names(rules, house=["Premier ministre"])
    with pytest.raises(InvalidInput, match="somebody of the house"):
        names.check("stage", "Prem1er Ministre")
    assert names.check("stage", "Ann Martin") == "Ann Martin"
    await rules.set(Principal(Role.MODERATOR, rooms=frozenset({"*"})), "stage", protected_names=["Ann Martin"])
    with pytest.raises(InvalidInput):
        names.check("stage", "Ann Martin")
    assert names.check("hall", "Ann Martin") == "Ann Martin"
    names.learn("Mo Durand")
    names.learn("")
    with pytest.raises(InvalidInput):
        names.check("hall", "M0 Durand (staff)")
    assert names.check("hall", "Mo") == "Mo"


def test_a_staff_name_of_one_word_is_taken_from_nobody_who_has_a_surname():
    names = Names(Rules(MemoryStore(), lambda: 0))
    names.learn("Marie")
    with pytest.raises(InvalidInput):
        names.check("stage", "Mar1e")
    for free in ("Marie Dupont", "Anne Marie", "Ma Riette"):
        assert names.check("stage", free) == free
    for spaced in ("Ma rie", "M a r 1 e", "Mar ie ★"):
        with pytest.raises(InvalidInput):
            names.check("stage", spaced)


def test_names_of_staff_are_forgotten_when_there_are_too_many(monkeypatch):
    monkeypatch.setattr("fanout.moderation.names.MAX_KNOWN_STAFF", 2)
    names = Names(Rules(MemoryStore(), lambda: 0))
    for staff in ("Ann One", "Bob Two", "Cid Three"):
        names.learn(staff)
    assert names.check("stage", "Ann One") == "Ann One"
    with pytest.raises(InvalidInput):
        names.check("stage", "Bob Two")


def test_what_nobody_can_correct_is_put_right_or_left_out():
    names = Names(Rules(MemoryStore(), lambda: 0), house=["Premier ministre"])
    assert names.cleaned("stage", " An\x00n\nMartin ") == "Ann Martin"
    assert names.cleaned("stage", "x" * 60) == "x" * MAX_VISITOR_NAME_CHARACTERS
    assert names.cleaned("stage", "Premier ministre") == ""
    assert names.cleaned("stage", "\u200b") == ""


def test_a_house_name_that_is_none_is_refused():
    with pytest.raises(InvalidInput) as caught:
        Names(Rules(MemoryStore(), lambda: 0), house=[""])
    assert caught.value.code == "bad_rule"
