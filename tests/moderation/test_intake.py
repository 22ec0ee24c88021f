"""The way in: what is taken, held, aired at once, refused; one at a time and handed in by the thousand."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from fanout.core.principal import Role
from fanout.core.submission import Source, State, Step
from fanout.errors import Banned, InvalidInput, RoomNotFound, SubmissionRefused, TooSoon
from fanout.moderation.backlog import AT_A_TIME, IN_MEMORY
from fanout.moderation.intake import MAX_ITEMS, NewSubmission
from fanout.moderation.ports import Arrival, Query
from fanout.plugins import hold, reject, replace
from fanout.plugins.interface import RoomView
from fanout.store.memory import MemoryStore
from tests.moderation.house import ANN, open_house, staff


class Says:
    """A filter that does what the text says."""

    name = "says"

    async def review_submission(self, submission, room):
        assert isinstance(room, RoomView)
        match submission.text:
            case "refuse":
                return reject("Not this.")
            case "doubt":
                return hold("Look.")
            case "change":
                return replace("changed")
            case "later":
                return reject("Not yet.", retry_after_s=7.0)
        return None


async def test_in_a_moderated_room_everything_is_held_and_nothing_aired():
    async with open_house(plugins=[Says]) as house:
        for text in ("fine", "doubt", "change"):
            assert (await house.ask(text)).state is State.HELD
        assert house.on_air() == []


async def test_in_an_open_room_what_passes_is_live_at_once_and_what_is_doubted_is_held():
    async with open_house(plugins=[Says]) as house:
        fine = await house.ask("fine", room="chat")
        assert (fine.state, (await house.ask("doubt", room="chat")).state) == (State.AIRED, State.HELD)
        changed = await house.ask("change", room="chat")
        assert (changed.text, changed.original) == ("changed", "change")
        await trio.testing.wait_all_tasks_blocked()
        messages = house.engine.room("chat").recent
        assert [message.text for message in messages] == ["fine", "changed"]
        assert (messages[0].kind, messages[0].id) == ("message", fine.message)
        assert (messages[0].author.name, messages[0].author.role) == ("Zoe", "visitor")
        assert messages[0].data == {"submission": fine.id, "source": "web"}
        assert house.heard(fine.id) == ["received", "approved", "aired"]


async def test_a_muted_open_room_behaves_as_a_moderated_one():
    async with open_house() as house:
        await house.moderation.rules.set(ANN, "chat", muted=True)
        assert (await house.ask(room="chat")).state is State.HELD


async def test_a_stage_takes_nothing_and_neither_does_a_room_that_is_not_there():
    async with open_house() as house:
        with pytest.raises(InvalidInput) as caught:
            await house.ask(room="stage")
        assert caught.value.code == "submissions_closed"
        with pytest.raises(RoomNotFound):
            await house.ask(room="nowhere")


async def test_what_a_filter_rejects_is_kept_with_the_reason_that_its_author_reads():
    async with open_house(plugins=[Says]) as house:
        with pytest.raises(SubmissionRefused, match=r"Not this\."):
            await house.ask("refuse")
        [kept] = await house.store.page(Query())
        assert (kept.state, kept.reason, kept.by) == (State.REJECTED, "Not this.", "plug-in says")
        assert [entry.draft.action for entry in await house.store.audit()] == ["reject"]


async def test_what_came_too_early_is_not_kept_and_its_author_learns_when_to_come_back():
    async with open_house(plugins=[Says]) as house:
        with pytest.raises(TooSoon) as caught:
            await house.ask("later")
        assert (caught.value.after_s, await house.store.page(Query())) == (7.0, [])


async def test_a_plain_hold_leaves_no_audit_entry_and_one_that_a_filter_asked_for_does():
    async with open_house(plugins=[Says]) as house:
        await house.ask("fine")
        assert await house.store.audit() == []
        doubted = await house.ask("doubt")
        assert [entry.draft.by for entry in await house.store.audit(subject=doubted.id)] == ["plug-in says"]
        assert doubted.reason == "", "why it is held is the staff's business"


async def test_rules_and_bans_keep_visitors_out_but_not_staff():
    async with open_house(plugins=[Says]) as house:
        await house.moderation.bans.ban(ANN, "hall", "visitor:v1", reason="Enough.")
        with pytest.raises(Banned):
            await house.ask()
        await house.moderation.bans.ban(ANN, "hall", "address:192.0.2.0/24", reason="Enough.")
        new = NewSubmission("hall", "refuse", "Zoe", "visitor:v2")
        with pytest.raises(Banned):
            await house.moderation.intake.submit(new, address="192.0.2.9")
        await house.moderation.rules.set(ANN, "hall", paused=True)
        with pytest.raises(SubmissionRefused) as caught:
            await house.moderation.intake.submit(new)
        assert caught.value.code == "paused"
        for by in (staff(Role.MODERATOR, room="chat"), staff(Role.GATEWAY)):  # staff, and not here
            with pytest.raises(Banned):
                await house.moderation.intake.submit(new, by=by, address="192.0.2.9")
        exempt = await house.moderation.intake.submit(new, by=staff(Role.GUEST), address="192.0.2.9")
        assert exempt.state is State.HELD, "no plug-in has rejected it"
        assert [one.text for one in await house.store.page(Query())] == ["refuse"]


async def test_staff_take_no_name_that_is_protected_but_their_own():
    async with open_house(protected_names=["Ann Moreau", "The Mayor"]) as house:
        ann = staff(Role.SCRIBE, "Ann Moreau")
        for name, code in (("The Mayor", "name_reserved"), ("Zo\u202eë", "bad_name"), ("x" * 500, "name_too_long")):
            with pytest.raises(InvalidInput) as caught:
                await house.moderation.intake.submit(NewSubmission("chat", "Hello.", name), by=ann)
            assert caught.value.code == code
        for name in ("Ann Moreau", "Zoë"):
            said = await house.moderation.intake.submit(NewSubmission("chat", "Hello.", name), by=ann)
            assert (said.state, said.name) == (State.AIRED, name)


@pytest.mark.parametrize(
    ("text", "name", "code"), [(" ", "Zoe", "text_empty"), ("a\x00", "Zoe", "bad_text"), ("a", "", "name_empty")]
)
async def test_what_can_not_be_taken_is_refused_and_not_kept(text, name, code):
    async with open_house() as house:
        with pytest.raises(InvalidInput) as caught:
            await house.moderation.intake.submit(NewSubmission("hall", text, name))
        assert (caught.value.code, await house.store.page(Query())) == (code, [])


async def test_the_same_source_id_is_the_same_submission_and_is_told_once():
    async with open_house() as house:
        first = await house.ask("one", source_id="r1")
        again = await house.ask("one", source_id="r1")
        assert (again.id, len(house.told)) == (first.id, 2)
        await house.desk.decide(ANN, first.id, Step.APPROVE)
        assert (await house.ask("one", source_id="r1")).state is State.APPROVED
        both: list[str] = []

        async def ask() -> None:
            both.append((await house.ask("two", source_id="r2")).id)

        async with trio.open_nursery() as nursery:
            for _ in range(5):
                nursery.start_soon(ask)
        assert len(set(both)) == 1


async def test_a_repeat_is_answered_as_it_stands_before_a_plug_in_a_rule_or_a_ban_speaks():
    asked = []

    class Slow:
        name = "slow"

        async def review_submission(self, submission, room):
            asked.append(submission.text)
            return reject("Not so fast.", retry_after_s=30) if asked.count(submission.text) > 1 else None

    async with open_house(plugins=[Slow]) as house:
        first = await house.ask("one", source_id="r1")
        await house.do(first.id, Step.APPROVE)
        await house.moderation.rules.set(ANN, "hall", paused=True, protected_names=["Zoe"])
        await house.moderation.bans.ban(ANN, "hall", "visitor:v1", reason="Enough.")
        again = await house.ask("one", source_id="r1")
        assert (again.id, again.state, asked) == (first.id, State.APPROVED, ["one"])
        for new in ({"source_id": "r2"}, {}):
            with pytest.raises(InvalidInput) as caught:
                await house.ask("one", **new)
            assert caught.value.code == "name_reserved"
        with pytest.raises(TooSoon):  # new in that room, so the plug-in is asked
            await house.ask("one", source_id="r1", room="chat")


async def test_who_sends_again_while_the_first_is_looked_at_gets_its_answer_and_no_plug_in_is_asked_twice():
    asked, go_on = [], trio.Event()

    class Thoughtful:
        name = "thoughtful"
        deadline = 60

        async def review_submission(self, submission, room):
            asked.append(submission.text)
            await go_on.wait()
            return reject("Not yet.", retry_after_s=7) if submission.text == "early" else None

    answers = []

    async with open_house(plugins=[Thoughtful]) as house:

        async def ask(text: str) -> None:
            try:
                answers.append((await house.ask(text, source_id=text)).id)
            except TooSoon:
                answers.append("too soon")

        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(ask, "one")
            nursery.start_soon(ask, "early")
            with trio.move_on_after(0):
                await ask("one")  # one who gives up keeps nobody waiting
            await trio.testing.wait_all_tasks_blocked()
            assert sorted(asked) == ["early", "one"]
            go_on.set()
        assert (len(set(answers)), answers.count("too soon"), sorted(asked)) == (2, 1, ["early", "one"])
        await ask("early")
        assert asked.count("early") == 2, "what was not kept is no repeat"


# --- handed in --------------------------------------------------------------------------------------------------------


async def test_what_is_handed_in_is_durable_first_and_reviewed_afterwards():
    async with open_house(plugins=[Says]) as house:
        fine, refused, changed = await house.hand_in("fine", "refuse", "change")
        assert fine.state is State.RECEIVED
        assert (await house.until(refused.id, State.REJECTED)).reason == "Not this."
        assert (await house.until(changed.id, State.HELD)).text == "changed"
        assert (await house.until(fine.id, State.HELD)).source is Source.SMS


async def test_nothing_that_is_handed_in_is_refused_for_what_is_in_it():
    async with open_house(protected_names=["Ann Minister"]) as house:
        items = [
            NewSubmission("hall", "a\x00\u202eb", "Ann Minister", at=5),
            NewSubmission("hall", "\x00"),
            NewSubmission("hall", "x" * 5000),
        ]
        odd, empty, long = [one.submission for one in await house.moderation.intake.receive("hall", Source.SMS, items)]
        assert (odd.text, odd.name, odd.at) == ("ab", "", 5)
        assert (await house.until(empty.id, State.REJECTED)).by == "intake"
        assert len(long.text) == 2000
        with pytest.raises(InvalidInput) as caught:
            await house.moderation.intake.receive("hall", Source.SMS, items * MAX_ITEMS)
        assert caught.value.code == "too_many_items"


async def test_whoever_is_banned_is_taken_in_and_rejected_by_the_ban():
    async with open_house() as house:
        await house.moderation.bans.ban(staff(Role.MODERATOR), "hall", "phone:" + "a" * 64, reason="Enough.")
        item = NewSubmission("hall", "hello", person="phone:" + "a" * 64)
        [receipt] = await house.moderation.intake.receive("hall", Source.SMS, [item])
        rejected = await house.until(receipt.submission.id, State.REJECTED)
        assert (rejected.reason, rejected.by) == ("Enough.", "a ban")


async def test_more_than_fits_in_memory_is_reviewed_all_the_same_and_the_oldest_first():
    reviewed = []

    class Notes:
        name = "notes"

        async def review_submission(self, submission, room):
            reviewed.append(submission.number)

    async with open_house(plugins=[Notes]) as house:
        texts = [str(number) for number in range(IN_MEMORY + 600)]
        last = (await house.hand_in(*texts))[-1]
        await house.until(last.id, State.HELD)
        assert reviewed == list(range(1, len(texts) + 1))


async def test_reviews_that_wait_for_somebody_wait_side_by_side(autojump_clock):
    most = 0

    class Asks:
        name = "asks"
        concurrency = 100

        def __init__(self) -> None:
            self.under_way = 0

        async def review_submission(self, submission, room):
            nonlocal most
            self.under_way += 1
            most = max(most, self.under_way)
            await trio.sleep(0.1)
            self.under_way -= 1

    async with open_house(plugins=[Says, Asks]) as house:
        last = (await house.hand_in(*["?"] * 100))[-1]
        await house.until(last.id, State.HELD)
    assert most == AT_A_TIME


async def test_what_comes_in_while_the_rest_is_caught_up_with_is_reviewed_once(autojump_clock):
    store, reviewed = MemoryStore(), []

    class Slow:
        name = "slow"

        async def review_submission(self, submission, room):
            reviewed.append(submission.number)
            await trio.sleep(0.1)

    await store.receive([Arrival(f"{n:012}", "hall", Source.SMS, str(n), "", "", "old", 1) for n in range(300)])
    async with open_house(store, plugins=[Slow]) as house:
        await trio.sleep(0.2)
        last = (await house.hand_in(*["new"] * 300))[-1]
        await house.until(last.id, State.HELD)
        await trio.sleep(60)
        assert sorted(reviewed) == list(range(1, 601))


async def test_what_was_not_reviewed_when_the_process_ended_is_at_the_next_start():
    store = MemoryStore()

    class Never:
        name = "never"
        deadline = 60

        async def review_submission(self, submission, room):
            await trio.sleep_forever()

    async with open_house(store, plugins=[Never]) as house:
        [waiting] = await house.hand_in("waiting")
        assert waiting.state is State.RECEIVED
    async with open_house(store, plugins=[Says]) as house:
        await house.until(waiting.id, State.HELD)
