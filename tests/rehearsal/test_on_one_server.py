"""Several rehearsals in a row on one server: each is judged by its own counts, and a bad one is found as the first."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from fanout.rehearsal.load.telephones import telephone
from tests.rehearsal.bad_line import bad_line
from tests.rehearsal.small import Small
from tests.rehearsal.test_rehearsing import rehearse
from tests.server_process import ServerProcess

SHORT = Small(str(Path(__file__).parent / "short.toml"), 1, 60)

pytestmark = [pytest.mark.xdist_group("alone"), pytest.mark.timeout(120)]


def test_no_two_runs_have_a_telephone_in_common() -> None:
    numbers = {telephone(run, person) for run in ("0", "1", "ffffffff") for person in (0, 1, 19_999_999)}
    assert len(numbers) == 9
    assert all(len(number) == 16 and number[1:].isdecimal() for number in numbers)


async def test_a_second_run_is_judged_by_what_it_brought_itself(
    start_server: Callable[..., ServerProcess], tmp_path: Path
) -> None:
    server = await trio.to_thread.run_sync(lambda: start_server("--data", "data"))
    for time in ("first", "second"):
        code, said, report = await rehearse(SHORT, tmp_path / time, "--host", server.url)
        assert code == 0, said
        assert report["tallies"]["by_source"]["sms"] == {"messages": 120, "people": 90}
        assert report["tallies"]["by_source"]["web"]["messages"] == 12
        assert report["tallies"]["by_source"]["api"]["messages"] == 5
        held = report["tallies"]["by_state"]["held"]
        assert 125 <= held <= 129, "what nobody reads, of this run alone"
        assert max(second["waiting"] or 0 for second in report["seconds"]) <= 137
    async with bad_line(server.port, every=10**9, seconds=0, deaf=True) as (url, _):
        code, said, report = await rehearse(SHORT, tmp_path / "third", "--host", url)
    assert code == 1, said
    assert 0 < report["whole"]["sms_missing"] < 120, "it refuses half of the SMS"
    missed = [each["measure"] for each in report["objectives"] if not each["met"]]
    assert missed == ["said_lost", "broken", "sms_missing"]
    assert report["whole"]["said_lost"] == 3, "and forgets a line of each answer"
    assert report["whole"]["broken"] == 1, "and breaks a line, which comes back"
    assert report["tallies"]["by_source"]["sms"]["messages"] == 120 - report["whole"]["sms_missing"]
