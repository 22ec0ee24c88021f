"""What staff follow: every change, at most ten messages a second, none too long."""

from __future__ import annotations

import msgspec
import trio
import trio.testing

from fanout.core.limits import MAX_DATA_BYTES
from fanout.core.principal import Role
from fanout.core.submission import Step
from fanout.moderation.desk_room import GATHER_SECONDS, MAX_GATHERED
from tests.moderation.house import ANN, EVE, House, open_house, staff


def told(house: House, room: str = "hall") -> list[dict]:
    return [message.data for message in house.moderation.desk_engine.room(f"@desk/{room}").recent]


def changes(house: House) -> list[dict]:
    return [change for data in told(house) for change in data["changes"]]


async def test_a_lone_change_is_told_at_once_with_everything_that_the_queue_shows(autojump_clock):
    async with open_house() as house:
        await trio.testing.wait_all_tasks_blocked()
        before = trio.current_time()
        asked = await house.ask()
        await trio.testing.wait_all_tasks_blocked()
        assert trio.current_time() == before
        assert [change["id"] for change in changes(house)] == [asked.id]
        await trio.sleep(2 * GATHER_SECONDS)
        change = changes(house)[-1]
        assert (change["what"], change["step"], change["id"], change["state"]) == (
            "submission",
            "hold",
            asked.id,
            "held",
        )
        assert (change["text"], change["name"], change["source"]) == ("When?", "Zoe", "web")
        assert {message.kind for message in house.moderation.desk_engine.room("@desk/hall").recent} == {"desk"}


async def test_a_flood_is_ten_messages_a_second_with_the_latest_of_each_and_the_number_of_the_rest(autojump_clock):
    async with open_house() as house:
        await trio.testing.wait_all_tasks_blocked()
        begin = trio.current_time()
        for _ in range(10):
            await house.hand_in(*(f"question {number} " + "x" * 100 for number in range(300)))
            await trio.sleep(GATHER_SECONDS)
        seconds = trio.current_time() - begin
        messages = told(house)
        assert len(messages) <= seconds / GATHER_SECONDS + 1
        assert all(len(msgspec.json.encode(data)) <= MAX_DATA_BYTES for data in messages)
        assert all(len(data["changes"]) <= MAX_GATHERED for data in messages)
        assert sum(len(data["changes"]) + data.get("more", 0) for data in messages) >= 3000


async def test_the_longest_submission_is_told_whole(autojump_clock):
    async with open_house() as house:
        await trio.testing.wait_all_tasks_blocked()
        asked = await house.ask("👩‍🚀" * 600)
        await house.do(asked.id, Step.EDIT, text="é" * 2000)
        await trio.sleep(1)
        assert changes(house)[-1]["text"] == "é" * 2000


async def test_leases_drafts_and_places_are_told_too(autojump_clock):
    async with open_house() as house:
        await trio.testing.wait_all_tasks_blocked()
        asked = await house.ask()
        await house.desk.claim(ANN, asked.id)
        await trio.sleep(1)
        assert (changes(house)[-1]["what"], changes(house)[-1]["by"]) == ("lease", "Ann (moderator)")
        await house.do(asked.id, Step.APPROVE)
        await trio.sleep(1)
        assert changes(house)[-1] == {"what": "lease", "submission": asked.id, "by": "Ann (moderator)", "until": None}
        await house.do(asked.id, Step.CUE, EVE)
        await trio.sleep(1)
        assert changes(house)[-1]["rank"]
        await house.moderation.scribe.draft(staff(Role.SCRIBE), asked.id, "l1", "It be")
        await trio.sleep(1)
        draft = changes(house)[-1]
        assert (draft["what"], draft["line"], draft["text"], draft["final"]) == ("draft", "l1", "It be", False)


async def test_whoever_follows_hears_of_the_end_of_a_lease_in_that_moment_and_once(autojump_clock):
    async with open_house() as house:
        await trio.testing.wait_all_tasks_blocked()
        house.clock.go()
        first, renewed, laid_down = [(await house.ask(text)).id for text in "abc"]
        for one in (first, renewed, laid_down):
            await house.desk.claim(ANN, one)
        await trio.sleep(30)
        await house.desk.claim(ANN, renewed)
        await house.desk.release(ANN, laid_down)
        await trio.sleep(20)
        assert ends(house) == [laid_down]
        await trio.sleep(10.2)
        assert ends(house) == [laid_down, first]
        await trio.sleep(30)
        assert ends(house) == [laid_down, first, renewed]
        await trio.sleep(600)
        assert len(ends(house)) == 3
        assert house.desk.leases("hall") == []


async def test_what_there_is_nothing_left_to_decide_on_is_in_nobodys_hands(autojump_clock):
    async with open_house() as house:
        await trio.testing.wait_all_tasks_blocked()
        aired, withdrawn = (await house.approved()).id, (await house.ask()).id
        for one in (aired, withdrawn):
            await house.desk.claim(ANN, one)
        await house.do(aired, Step.AIR, EVE)
        await house.desk.withdraw("visitor:v1", withdrawn)
        assert house.desk.leases("hall") == []
        await trio.sleep(1)
        assert sorted(ends(house)) == sorted([aired, withdrawn])


def ends(house: House) -> list[str]:
    return [change["submission"] for change in changes(house) if change["what"] == "lease" and not change["until"]]


async def test_each_room_has_a_desk_of_its_own_also_one_that_is_made_later(autojump_clock):
    async with open_house() as house:
        await house.engine.open_room("late")
        await trio.testing.wait_all_tasks_blocked()
        await house.ask(room="late")
        await trio.sleep(1)
        assert [bool(told(house, room)) for room in ("hall", "chat", "stage", "late")] == [False, False, False, True]
        assert not any(name.startswith("@") for name in house.engine.rooms), "listeners have no way to it"


async def test_the_stage_is_told_of_its_own_and_of_nothing_that_waits(autojump_clock):
    async with open_house() as house:
        await trio.testing.wait_all_tasks_blocked()

        async def told_of(step: Step, **more: str) -> bool:
            before = len(stage.recent)
            await house.do(asked.id, step, **more)
            await trio.sleep(2 * GATHER_SECONDS)
            return [message.data for message in stage.recent[before:]] == [{"changes": [{"what": "run_sheet"}]}]

        stage = house.moderation.desk_engine.room("@stage/hall")
        asked = await house.ask()
        await house.desk.claim(ANN, asked.id)
        for step, more in ((Step.EDIT, {"text": "Why?"}), (Step.REJECT, {}), (Step.HOLD, {}), (Step.APPROVE, {})):
            assert not await told_of(step, **more)
        for step in (Step.CUE, Step.PIN, Step.SKIP, Step.CUE, Step.UNDO, Step.CUE, Step.AIR, Step.RETRACT):
            assert await told_of(step)
