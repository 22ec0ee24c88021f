"""What the ledger remembers of what it has just written is what the file says: after a failure, a purge, an edit."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fanout.core.audit import AuditDraft
from fanout.core.submission import Decision, Source, State, Step
from fanout.errors import InvalidInput
from fanout.moderation.ports import Arrival, Document, Kind, Query
from fanout.store import desk_ledger, word_index
from fanout.store.desk_ledger import DeskLedger
from fanout.store.pages import Pages
from fanout.store.requests import Decide, Purge, Put, Receive, Request
from fanout.store.schema import open_for_writing


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_for_writing(tmp_path / "desk.sqlite3")) as connection:
        yield connection


@pytest.fixture
def ledger(connection: sqlite3.Connection) -> DeskLedger:
    return DeskLedger(connection)


def receive(*ids: str, text: str = "first words") -> Receive:
    return Receive(tuple(Arrival(id, "a", Source.SMS, f"sent-{id}", "phone:ann", "", text, 1) for id in ids))


def decide(id: str, step: Step, **more: Any) -> Decide:
    return Decide((Decision(id, step, "Ada (moderator)", 2, **more),), audited=True)


def done(ledger: DeskLedger, *requests: Request) -> list[Any]:
    return list(ledger.commit(requests).results)


def found(connection: sqlite3.Connection, words: str) -> list[str]:
    return [submission.id for submission in Pages(connection).page(Query("a", search=words))]


def test_a_step_that_was_not_kept_is_not_remembered(connection: sqlite3.Connection, ledger: DeskLedger):
    done(ledger, receive("one"))
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 1}")  # as a full disk
    too_much = Put((Document(Kind.RULES, "a", "", {"x": "x" * 100_000}),), ())
    with pytest.raises(sqlite3.OperationalError, match="full"):
        done(ledger, decide("one", Step.REJECT), receive("two"), too_much)
    connection.execute("PRAGMA max_page_count = 1000000")
    [[approved]] = done(ledger, decide("one", Step.APPROVE))  # which can't be done with what is rejected
    assert approved.state is State.APPROVED
    [[receipt]] = done(ledger, receive("two"))
    assert (receipt.submission.number, receipt.repeated) == (2, False)


def test_what_is_remembered_is_bounded_and_what_is_forgotten_is_read(ledger: DeskLedger, monkeypatch):
    monkeypatch.setattr(desk_ledger, "RECENT", 2)
    done(ledger, receive("one", "two", "three"))
    assert list(ledger._recent) == ["two", "three"]
    results = done(ledger, *(decide(id, Step.APPROVE) for id in ("one", "two", "three")))
    assert [submission.state for [submission] in results] == [State.APPROVED] * 3
    results = done(ledger, *(decide(id, Step.CUE, rank="n") for id in ("one", "two", "three")))
    assert [submission.state for [submission] in results] == [State.CUED] * 3


def test_an_edit_before_the_words_are_indexed_is_found_by_its_new_words(
    connection: sqlite3.Connection, ledger: DeskLedger, monkeypatch
):
    monkeypatch.setattr(word_index, "BEHIND", 3)
    done(ledger, receive("one"))
    done(ledger, decide("one", Step.APPROVE))
    done(ledger, decide("one", Step.EDIT, text="second thoughts"))
    done(ledger, receive("two", "three"))
    assert connection.execute("SELECT indexed FROM progress").fetchone() == (3,)
    assert found(connection, "thoughts") == ["one"]
    rows = connection.execute("SELECT rowid FROM words WHERE words MATCH 'thoughts'").fetchall()
    assert rows == [(1,)]


@pytest.mark.parametrize("behind", [1, 100])
def test_what_a_purge_takes_is_in_no_index_either(
    connection: sqlite3.Connection, ledger: DeskLedger, monkeypatch, behind: int
):
    monkeypatch.setattr(word_index, "BEHIND", behind)
    done(ledger, receive("one", text="secret"))
    done(ledger, receive("two", text="secret"), Purge("a", AuditDraft(3, "Ada", "purge", "a"), lambda done: None))
    assert connection.execute("SELECT rowid FROM words WHERE words MATCH 'secret'").fetchall() == []
    [[approved]] = done(ledger, decide("two", Step.APPROVE))
    assert (approved.text, approved.person) == ("", "")


def test_an_id_that_is_taken_is_refused_and_the_others_are_taken(ledger: DeskLedger):
    done(ledger, receive("one"))
    stranger = Receive((Arrival("one", "a", Source.SMS, "other", "", "", "text", 1),))
    with pytest.raises(InvalidInput) as refused:
        done(ledger, receive("two"), stranger)
    assert refused.value.code == "id_taken"
    [[receipt]] = done(ledger, receive("two"))
    assert receipt.submission.number == 2
