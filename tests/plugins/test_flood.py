"""The same again and again is stopped, however it is dressed up; a crowd that cheers is not."""

# ruff: noqa: RUF001

from itertools import count

import pytest
import trio

from fanout.plugins import ConfigurationError, RoomView, Source, Submission, VerdictKind
from fanout.plugins.flood import Flood

ROOM = RoomView("questions")
numbers = count(1)


async def rule(
    plugin: Flood, text: str, *, person: str = "visitor:ann", room: RoomView = ROOM, source_id: str = ""
) -> str:
    """The rule that fired; empty: none."""
    id = source_id or str(next(numbers))
    sent = Submission(1, "abcdefghijkl", room.name, Source.WEB, id, person, "Ann", text, 1_700_000_000_000)
    found = await plugin.review_submission(sent, room)
    return "" if found is None else found.rule


SAME = [
    "Vive la République", "VIVE LA REPUBLIQUE !!!", "vive... la... république", "V i v e la République",
    "Viiiive la Républiiiiique", "vive la rеpubliquе", "vive\u200b la république", "*vive* _la_ république 👏",
]  # fmt: skip


async def test_one_person_with_the_same_text_is_rejected_however_it_is_dressed_up():
    plugin = Flood()
    rules = [await rule(plugin, text) for text in SAME]
    assert rules == ["", ""] + ["the same from one person"] * (len(SAME) - 2)
    assert await rule(plugin, "Vive la Républque") == "", "another text"
    assert await rule(plugin, SAME[0], room=RoomView("chat")) == "", "another room"
    assert await rule(plugin, SAME[0], person="visitor:bob") == "", "somebody else"


async def test_what_has_no_letters_is_compared_too():
    plugin = Flood(person_times=1)
    assert [await rule(plugin, text) for text in ("👏👏", "🎉", "👏👏")] == ["", "", "the same from one person"]


async def test_one_text_from_many_is_held_but_not_what_a_crowd_says():
    plugin = Flood(room_times=5)
    people = [f"visitor:{number}" for number in range(8)]
    spam = [await rule(plugin, "Buy my wonderful watches", person=person) for person in people]
    assert spam == [""] * 5 + ["the same from many"] * 3
    assert [await rule(plugin, "Bravoooo !", person=person) for person in people] == [""] * 8
    assert await rule(plugin, "Buy my wonderful watches", person="") == "the same from many", "unknown people count"
    assert await rule(plugin, "Buy my wonderful watches", room=RoomView("chat")) == ""


async def test_after_a_rest_a_text_is_new_again_and_trying_is_no_rest(autojump_clock):
    plugin = Flood(person_times=1, rest_s=60)
    assert await rule(plugin, "Why?") == ""
    for _ in range(3):
        await trio.sleep(59)
        assert await rule(plugin, "Why?") == "the same from one person"
    await trio.sleep(60)
    assert await rule(plugin, "Why?") == ""


async def test_one_that_is_sent_again_for_want_of_an_answer_is_no_repetition():
    plugin = Flood(person_times=1)
    assert [await rule(plugin, "Why?", source_id="same") for _ in range(3)] == ["", "", ""]
    assert await rule(plugin, "Why?", source_id="another") == "the same from one person"


@pytest.mark.parametrize("action", ["hold", "reject"])
async def test_what_becomes_of_it_is_chosen(action: str):
    plugin = Flood(person_times=1, person=action, room_times=1, room=action, reason="Enough of this.")
    for person in ("visitor:ann", "visitor:ann", "visitor:bob"):
        sent = Submission(1, "abcdefghijkl", "q", Source.WEB, str(next(numbers)), person, "Ann", "the same " * 3, 0)
        found = await plugin.review_submission(sent, ROOM)
    assert found.kind is VerdictKind(action)
    assert (found.reason == "Enough of this.") is (action == "reject")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"person_times": 0}, "plugins.flood.person_times:"),
        ({"room_times": "many"}, "plugins.flood.room_times:"),
        ({"person": "ban"}, "plugins.flood.person:"),
        ({"room": None}, "plugins.flood.room:"),
        ({"room_letters": -1}, "plugins.flood.room_letters:"),
        ({"rest_s": 0}, "plugins.flood.rest_s:"),
        ({"reason": ""}, "plugins.flood.reason:"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(options: dict[str, object], named: str):
    with pytest.raises(ConfigurationError) as refused:
        Flood(**options)  # type: ignore[arg-type]
    assert str(refused.value).startswith(named)
