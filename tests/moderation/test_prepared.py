"""Answers written ahead: found by a few letters, kept, and only by those who may."""

import pytest

from fanout.core.principal import Principal, Role
from fanout.errors import InvalidInput, NotAllowed, RecordNotFound
from fanout.moderation.prepared import PreparedAnswers
from fanout.store.memory import MemoryStore

SUE = Principal(Role.SCRIBE, "Sue", frozenset({"stage"}))


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def prepared(store) -> PreparedAnswers:
    made = PreparedAnswers(store, lambda: 1)
    await made.save(SUE, "stage", "smic", "Le 1er juillet, le SMIC augmente de 5 %.", title="Salaire minimum")
    await made.save(SUE, "stage", "ecole", "Une école près de chez vous, c'est un vœu ancien.", title="Écoles")
    return made


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", ["ecole", "smic"]),
        ("smic", ["smic"]),
        ("SALAIRE", ["smic"]),
        ("ecole", ["ecole"]),
        ("Éco", ["ecole"]),
        ("e\u0301cole", ["ecole"]),
        ("voeu", ["ecole"]),
        ("VŒU", ["ecole"]),
        ("juillet sal", ["smic"]),
        ("juillet ecole", []),
        ("uillet", []),
        ("de", ["ecole", "smic"]),
        ("?!", ["ecole", "smic"]),
        ("x" * 5000, []),
    ],
)
async def test_search_takes_all_words_or_beginnings_case_and_accents_aside(prepared, words, found):
    assert [answer.id for answer in prepared.search(SUE, "stage", words)] == found


async def test_saving_again_takes_the_place_and_rooms_are_apart(prepared):
    await prepared.save(SUE, "stage", "smic", "Other words.")
    assert prepared.get(SUE, "stage", "smic").text == "Other words."
    assert prepared.search(SUE, "stage", "juillet") == []
    everywhere = Principal(Role.SCRIBE, "Sue", frozenset({"*"}))
    assert prepared.search(everywhere, "hall") == []
    with pytest.raises(RecordNotFound) as caught:
        prepared.get(everywhere, "hall", "smic")
    assert caught.value.code == "prepared_answer_not_found"


async def test_what_was_prepared_survives_a_restart_and_what_was_thrown_away_does_not_come_back(prepared, store):
    await prepared.delete(SUE, "stage", "ecole")
    with pytest.raises(RecordNotFound):
        await prepared.delete(SUE, "stage", "ecole")
    again = PreparedAnswers(store, lambda: 2)
    await again.load()
    assert again.search(SUE, "stage") == prepared.search(SUE, "stage") == [prepared.get(SUE, "stage", "smic")]
    actions = [(entry.draft.action, entry.draft.subject) for entry in await store.audit()]
    assert actions == [("prepare", "smic"), ("prepare", "ecole"), ("drop_prepared", "ecole")]


@pytest.mark.parametrize(
    ("id", "text", "title", "code"),
    [
        ("", "x", "", "bad_id"),
        ("a/b", "x", "", "bad_id"),
        ("x" * 33, "x", "", "bad_id"),
        (7, "x", "", "bad_id"),
        ("a", "", "", "text_empty"),
        ("a", "\u3164", "", "text_empty"),
        ("a", "a\x00", "", "bad_text"),
        ("a", 7, "", "bad_text"),
        ("a", "x", "a\x00", "bad_title"),
        ("a", "x", None, "bad_title"),
        ("a", "x", "x" * 201, "title_too_long"),
    ],
)
async def test_what_is_no_prepared_answer_is_refused(store, id, text, title, code):
    with pytest.raises(InvalidInput) as caught:
        await PreparedAnswers(store, lambda: 1).save(SUE, "stage", id, text, title=title)
    assert caught.value.code == code
    assert await store.audit() == []


async def test_there_is_an_end_to_them(prepared, monkeypatch):
    monkeypatch.setattr("fanout.moderation.prepared.MAX_PREPARED_ANSWERS", 2)
    await prepared.save(SUE, "stage", "smic", "Changed.")
    with pytest.raises(InvalidInput) as caught:
        await prepared.save(SUE, "stage", "third", "One more.")
    assert caught.value.code == "too_many_prepared_answers"


async def test_only_those_who_may_prepare_and_see_them(prepared):
    for stranger in (Principal(), Principal(Role.GATEWAY, rooms=frozenset({"*"})), Principal(Role.SCRIBE)):
        with pytest.raises(NotAllowed):
            await prepared.save(stranger, "stage", "x", "x")
        with pytest.raises(NotAllowed):
            await prepared.delete(stranger, "stage", "smic")
        with pytest.raises(NotAllowed):
            prepared.search(stranger, "stage")
        with pytest.raises(NotAllowed):
            prepared.get(stranger, "stage", "smic")
