"""The audit's chain: whoever has kept its last hash finds whatever was changed, left out, put in or turned around."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fanout.core.audit import GENESIS, AuditDraft, AuditEntry, Chain, Fault, link

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
DRAFTS = st.builds(
    AuditDraft, st.integers(0, 2**41), WORDS, WORDS, WORDS, WORDS, st.dictionaries(WORDS, WORDS, max_size=3)
)
TRAILS = st.lists(DRAFTS, min_size=1, max_size=6)
FIELDS = ("at", "by", "action", "room", "subject", "detail")


def chained(drafts: list[AuditDraft]) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    for number, draft in enumerate(drafts, 1):
        entries.append(link(number, draft, entries[-1].hash if entries else GENESIS))
    return entries


def is_found(entries: list[AuditEntry], head: AuditEntry) -> bool:
    """Whether somebody who knows the last entry's number and hash notices."""
    chain = Chain()
    return chain.check(entries) is not None or (chain.number, chain.head) != (head.number, head.hash)


@given(TRAILS, st.integers(0, 6))
def test_a_sound_trail_passes_in_one_go_or_page_by_page(drafts: list[AuditDraft], cut: int) -> None:
    entries, chain = chained(drafts), Chain()
    assert chain.check(entries[:cut]) is None
    assert chain.check(entries[cut:]) is None
    assert (chain.number, chain.head) == (entries[-1].number, entries[-1].hash)
    assert not is_found(entries, entries[-1])


@given(TRAILS, st.data())
def test_any_change_of_content_is_found(drafts: list[AuditDraft], data: st.DataObject) -> None:
    entries = chained(drafts)
    place = data.draw(st.integers(0, len(entries) - 1))
    field = data.draw(st.sampled_from(FIELDS))
    changed = replace(entries[place].draft, **{field: getattr(data.draw(DRAFTS), field)})
    assume(changed != entries[place].draft)
    tampered = [*entries[:place], replace(entries[place], draft=changed), *entries[place + 1 :]]
    assert Chain().check(tampered) == Fault(place + 1, "was changed: its hash is not that of its content")
    rewritten = chained([*drafts[:place], changed, *drafts[place + 1 :]])
    assert is_found(rewritten, entries[-1]), "also when every hash after it was made anew"
    one_link = [*entries[:place], rewritten[place], *entries[place + 1 :]]
    assert is_found(one_link, entries[-1]), "and when only its own was"


@given(TRAILS, st.data())
def test_a_removal_is_found(drafts: list[AuditDraft], data: st.DataObject) -> None:
    entries = chained(drafts)
    place = data.draw(st.integers(0, len(entries) - 1))
    assert is_found(entries[:place] + entries[place + 1 :], entries[-1])
    assert is_found(chained(drafts[:place] + drafts[place + 1 :]), entries[-1])
    assert is_found(entries[:place], entries[-1]), "cut off at the end"


@given(TRAILS, st.data())
def test_a_swap_is_found(drafts: list[AuditDraft], data: st.DataObject) -> None:
    entries = chained(drafts)
    one, other = data.draw(st.integers(0, len(drafts) - 1)), data.draw(st.integers(0, len(drafts) - 1))
    assume(drafts[one] != drafts[other])
    swapped = list(drafts)
    swapped[one], swapped[other] = swapped[other], swapped[one]
    turned = list(entries)
    turned[one], turned[other] = turned[other], turned[one]
    assert is_found(turned, entries[-1])
    assert is_found(chained(swapped), entries[-1])
    with_their_links = [replace(entry, draft=draft) for entry, draft in zip(entries, swapped, strict=True)]
    assert is_found(with_their_links, entries[-1])


@given(TRAILS, DRAFTS, st.data())
def test_an_insertion_is_found_in_the_middle_and_at_the_end(
    drafts: list[AuditDraft], new: AuditDraft, data: st.DataObject
) -> None:
    entries = chained(drafts)
    place = data.draw(st.integers(0, len(entries)))
    more = chained([*drafts[:place], new, *drafts[place:]])
    assert is_found(more, entries[-1])
    assert is_found([*entries[:place], more[place], *entries[place:]], entries[-1])


@given(DRAFTS, DRAFTS)
def test_two_entries_never_write_down_alike(one: AuditDraft, other: AuditDraft) -> None:
    assume(one != other)
    assert link(1, one, GENESIS).hash != link(1, other, GENESIS).hash


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"by": "ab", "action": "c"}, {"by": "a", "action": "bc"}),
        ({"room": "x", "subject": ""}, {"room": "", "subject": "x"}),
        ({"by": "1:a", "action": ""}, {"by": "", "action": "1:a"}),
        ({"detail": {"a": "bc"}}, {"detail": {"ab": "c"}}),
        ({"detail": {"a": "b", "c": "d"}}, {"detail": {"a": "d", "c": "b"}}),
        ({"detail": {"": ""}}, {"detail": {}}),
        ({"detail": {"a": ""}}, {"detail": {"": "a"}}),
        ({"at": 11}, {"at": 1}),
    ],
)
def test_what_runs_together_is_told_apart(one: dict[str, Any], other: dict[str, Any]) -> None:
    hashes = {
        link(1, AuditDraft(**{"at": 1, "by": "", "action": "", **fields}), GENESIS).hash for fields in (one, other)
    }
    assert len(hashes) == 2


def test_number_and_link_are_hashed_too() -> None:
    draft = AuditDraft(1, "Ada", "ban")
    assert len({link(1, draft, GENESIS).hash, link(11, draft, GENESIS).hash, link(1, draft, "1" * 64).hash}) == 3


def test_the_order_in_which_a_detail_was_written_does_not_matter() -> None:
    one = AuditDraft(1, "Ada", "ban", detail={"a": "1", "b": "2"})
    other = replace(one, detail={"b": "2", "a": "1"})
    assert link(1, one, GENESIS) == link(1, other, GENESIS)


def test_a_fault_says_where() -> None:
    entries = chained([AuditDraft(at, "Ada", "ban") for at in range(4)])
    assert Chain().check([entries[0], entries[2]]) == Fault(2, "is missing; entry 3 comes next")
    foreign = replace(entries[1], previous=GENESIS)
    assert Chain().check([entries[0], foreign]) == Fault(2, "does not carry the hash of the entry before it")
    chain = Chain()
    chain.check([entries[0], foreign])
    assert (chain.number, chain.head) == (1, entries[0].hash), "the last sound one"
