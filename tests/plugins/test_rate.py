"""Everybody has their share, knows when the next one is due, and nobody pays for somebody else."""

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from fanout.errors import Conflict, TooSoon
from fanout.moderation.intake import NewSubmission
from fanout.moderation.ports import Query
from fanout.plugins import ConfigurationError, RoomView, Source, Submission, Verdict, VerdictKind
from fanout.plugins.rate import RateLimit
from fanout.plugins.recent import Recent
from tests.moderation.house import ANN, open_house

ROOM = RoomView("questions")


def sent(person: str = "visitor:ann", source: Source = Source.WEB) -> Submission:
    return Submission(1, "abcdefghijkl", "questions", source, "1", person, "Ann", "Why?", 1_700_000_000_000)


async def wait_told(plugin: RateLimit, room: RoomView = ROOM, person: str = "visitor:ann", **more: Source) -> float:
    """Seconds; 0: taken."""
    found: Verdict | None = await plugin.review_submission(sent(person, **more), room)
    if found is None:
        return 0.0
    assert found.kind is VerdictKind.REJECT
    assert found.retry_after_s is not None
    return found.retry_after_s


async def test_after_a_burst_one_at_a_time_and_each_has_their_own(autojump_clock):
    plugin = RateLimit(burst=3, every_s=10)
    assert [await wait_told(plugin) for _ in range(5)] == [0, 0, 0, 10, 10], "trying again does not prolong it"
    assert await wait_told(plugin, person="visitor:bob") == 0
    await trio.sleep(4)
    assert await wait_told(plugin) == pytest.approx(6)
    await trio.sleep(6)
    assert [await wait_told(plugin) for _ in range(2)] == [0, 10]
    await trio.sleep(1000)
    assert [await wait_told(plugin) for _ in range(4)] == [0, 0, 0, 10], "quiet adds up to a burst and not to more"


@pytest.mark.parametrize("every", [0.1, 1 / 3, 7.77, 3600])
async def test_who_waits_as_long_as_they_were_told_is_taken(autojump_clock, every: float):
    plugin = RateLimit(burst=1, every_s=every)
    for _ in range(200):
        assert await wait_told(plugin) == 0
        await trio.sleep(await wait_told(plugin))


async def test_slow_mode_holds_per_room_and_follows_the_rule(autojump_clock):
    plugin = RateLimit(burst=100)
    slow, other = RoomView("questions", slow_s=30), RoomView("chat", slow_s=5)
    assert [await wait_told(plugin, slow), await wait_told(plugin, slow)] == [0, 30]
    assert [await wait_told(plugin, other), await wait_told(plugin, other)] == [0, 5]
    await trio.sleep(20)
    verdict = await plugin.review_submission(sent(), slow)
    assert (verdict.rule, verdict.retry_after_s) == ("slow mode", 10)
    assert await wait_told(plugin, RoomView("questions", slow_s=20)) == 0, "shorter from now on"
    assert await wait_told(plugin) == 0, "switched off"


async def test_a_message_that_the_limit_sends_away_does_not_start_the_wait_of_slow_mode(autojump_clock):
    plugin = RateLimit(burst=1, every_s=2)
    assert await wait_told(plugin) == 0
    slow = RoomView("questions", slow_s=30)
    assert await wait_told(plugin, slow) == 2
    await trio.sleep(2)
    assert await wait_told(plugin, slow) == 0


async def test_sms_counts_only_where_it_is_wished_and_the_unknown_never():
    plugin = RateLimit(burst=1)
    assert [await wait_told(plugin, source=Source.SMS) for _ in range(3)] == [0, 0, 0]
    assert [await wait_told(plugin, person="") for _ in range(3)] == [0, 0, 0]
    assert [await wait_told(RateLimit(burst=1, sources=["sms"]), source=Source.SMS) for _ in range(2)] == [0, 0]
    plugin = RateLimit(burst=1, sources=["sms"])
    assert [await wait_told(plugin, source=Source.SMS) > 0 for _ in range(2)] == [False, True]


async def test_the_rule_of_a_room_reaches_the_plug_in(autojump_clock):
    async with open_house(plugins=[RateLimit]) as house:
        await house.moderation.rules.set(ANN, "hall", slow_s=60)
        await house.ask("Why?")
        with pytest.raises(TooSoon) as refused:
            await house.ask("And why not?")
        assert 59 < refused.value.after_s <= 60


async def test_whoever_has_no_identity_is_limited_by_the_address_which_is_not_kept(autojump_clock):
    async with open_house(plugins=[RateLimit]) as house:
        await house.moderation.rules.set(ANN, "hall", slow_s=60)

        async def ask(address: str, text: str) -> Submission:
            return await house.moderation.intake.submit(NewSubmission("hall", text, "Zoe"), address=address)

        kept = [await ask("192.0.2.1", "Why?"), await ask("2001:db8::1", "Why?"), await ask("", "Why?")]
        for address in ("192.0.2.1", "::ffff:192.0.2.1", "2001:db8::ffff"):
            with pytest.raises(TooSoon):
                await ask(address, "And why not?")
        kept += [await ask(address, "And why not?") for address in ("192.0.2.2", "2001:db8:0:1::1", "")]
        assert {one.person for one in kept} == {""}
        assert "192.0.2" not in repr(await house.store.page(Query()))


async def test_slow_mode_can_not_be_switched_on_where_nothing_keeps_it():
    class Deaf(RateLimit):
        rooms = ("chat",)

    class Watches(RateLimit):
        shadow = True

    for plugins in ([], [Deaf], [Watches]):
        async with open_house(plugins=plugins) as house:
            with pytest.raises(Conflict, match="--plugin rate") as refused:
                await house.moderation.rules.set(ANN, "hall", slow_s=60)
            assert refused.value.code == "slow_mode_missing"
            await house.moderation.rules.set(ANN, "hall", slow_s=0, paused=True)
            assert await house.store.audit(subject="") != []


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(1, 9))), st.integers(1, 5))
def test_the_newest_are_remembered_and_never_more_than_twice_as_many(writes: list[tuple[int, int]], capacity: int):
    memory: Recent[int, int] = Recent(capacity)
    newest: dict[int, int] = {}
    for key, value in writes:
        memory.put(key, value)
        newest.pop(key, None)
        newest[key] = value
        assert len(memory) <= 2 * capacity
        for known in list(newest)[-capacity:]:
            assert memory.get(known) == newest[known]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"burst": 0}, "plugins.rate.burst:"),
        ({"burst": 1.5}, "plugins.rate.burst:"),
        ({"burst": True}, "plugins.rate.burst:"),
        ({"every_s": 0}, "plugins.rate.every_s:"),
        ({"every_s": float("nan")}, "plugins.rate.every_s:"),
        ({"every_s": "10"}, "plugins.rate.every_s:"),
        ({"sources": "web"}, "plugins.rate.sources:"),
        ({"sources": ["fax"]}, "plugins.rate.sources:"),
        ({"reason": ""}, "plugins.rate.reason:"),
        ({"slow_reason": 3}, "plugins.rate.slow_reason:"),
    ],
)
def test_an_option_that_cannot_be_used_is_named(options: dict[str, object], named: str):
    with pytest.raises(ConfigurationError) as refused:
        RateLimit(**options)  # type: ignore[arg-type]
    assert str(refused.value).startswith(named)
