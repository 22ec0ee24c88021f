"""What the doctor's rules make of facts: how many workers, what is bad, what is only worth a look."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fanout.server.doctor.certificate import CertificateFacts, check_certificate
from fanout.server.doctor.clock import ClockFacts, check_clock
from fanout.server.doctor.demand import (
    Demand,
    descriptors_for,
    fullest,
    most_seated,
    seats_of,
    workers_for,
)
from fanout.server.doctor.disk import DiskFacts, check_data, check_flushes, check_space, quantile
from fanout.server.doctor.examination import capacity
from fanout.server.doctor.finding import Finding, Verdict, judged
from fanout.server.doctor.kernel import KernelFacts, check_kernel
from fanout.server.doctor.memory import MemoryFacts, check_memory, check_socket_memory
from fanout.server.doctor.network import (
    DoorFacts,
    NetworkFacts,
    check_backlog,
    check_door,
    check_local_ports,
    check_tracking,
)
from fanout.server.doctor.processes import (
    ProcessFacts,
    check_cores,
    check_descriptors,
    check_in_flight,
    check_open_files,
)
from fanout.server.settings import Config

GIB = 1 << 30
PROCESSES = ProcessFacts(1024, 20_000, 1_048_576, 2_000_000, 700, 2)
MEMORY = MemoryFacts(24 * GIB, None, (287_901, 383_868, 575_802), 4_194_304)
NETWORK = NetworkFacts(4096, 4096, True, 32_768, 60_999, 0, 0, None)
DISK = DiskFacts(Path("/var/lib/fanout"), None, "ext4", 100 * GIB, 1_000_000, (0.001,) * 100)
NOW = datetime(2026, 6, 2, 20, 30, tzinfo=UTC)


def changed(facts, **values):
    """The same facts but for these."""
    return type(facts)(**{**{name: getattr(facts, name) for name in facts.__slots__}, **values})


def outcome(finding: Finding | None) -> Verdict:
    assert finding is not None
    return finding.verdict


def test_the_figures_of_the_documentation_hold():
    assert seats_of(20_000) == 19_400
    assert descriptors_for(19_400) == 20_000
    assert workers_for(19_400, 19_400) == 0
    assert workers_for(30_000, 19_400) == 2


@given(listeners=st.integers(1, 2_000_000), descriptors=st.integers(64, 1_000_000))
def test_so_many_workers_are_enough_and_one_less_would_not_be(listeners: int, descriptors: int):
    seats = seats_of(descriptors)
    workers = workers_for(listeners, seats)
    assert fullest(listeners, workers) <= seats or workers == listeners
    if workers == 0:
        assert listeners <= seats
    elif workers == 2:
        assert listeners > seats
    else:
        assert fullest(listeners, workers - 1) > seats


@given(workers=st.integers(0, 200), seats=st.integers(1, 1_000_000))
@example(workers=2, seats=20)
def test_as_many_as_can_be_seated_fit_and_no_share_more(workers: int, seats: int):
    most = most_seated(workers, seats)
    assert fullest(most, workers) <= seats
    assert fullest(most + max(1, workers), workers) > seats


@given(listeners=st.integers(1, 1_000_000), more=st.integers(1, 1_000_000), workers=st.integers(0, 64))
def test_more_listeners_never_need_less(listeners: int, more: int, workers: int):
    less, all_of_them = Demand(listeners, workers), Demand(listeners + more, workers)
    assert all_of_them.memory > less.memory
    assert all_of_them.fullest >= less.fullest
    assert Demand(listeners, workers, tls=True).memory > less.memory


def test_no_limit_at_all_is_reckoned_with_at_once():
    assert most_seated(8, seats_of(2**63 - 1)) > 2**65


@given(words=st.lists(st.text(min_size=1), max_size=3), more=st.lists(st.text(min_size=1), max_size=3))
def test_a_verdict_is_as_bad_as_the_worst_that_there_is_to_change(words: list[str], more: list[str]):
    finding = judged("a check", "so", "otherwise", "because", bad=words, warn=more)
    assert finding.verdict is (Verdict.BAD if words else Verdict.WARN if more else Verdict.GOOD)
    assert finding.change == (*words, *more)


def test_thirty_thousand_fit_two_workers_and_not_one_process():
    two = check_descriptors(PROCESSES, Demand(30_000, 2), workers_chosen=False)
    assert two.verdict is Verdict.GOOD
    one = check_descriptors(PROCESSES, Demand(30_000, 0), workers_chosen=True)
    assert one.verdict is Verdict.BAD
    assert one.change[0] == "fanout serve --workers 2"
    assert "LimitNOFILE=30600" in one.change[1]


def test_a_limit_of_a_thousand_is_raised_rather_than_met_with_fifty_workers():
    few = changed(PROCESSES, hard=1024)
    finding = check_descriptors(few, Demand(30_000, workers_for(30_000, seats_of(1024))), workers_chosen=False)
    assert finding.verdict is Verdict.BAD
    assert [change.split()[0] for change in finding.change] == ["LimitNOFILE=16090"]
    assert seats_of(16_090) >= fullest(30_000, 2)


def test_a_limit_beyond_what_root_may_give_has_that_raised_first():
    finding = check_descriptors(changed(PROCESSES, nr_open=20_000), Demand(30_000, 0), workers_chosen=True)
    assert finding.change[1].startswith("sysctl -w fs.nr_open=30600 and LimitNOFILE=30600")


def test_more_workers_than_cores_are_worth_a_look_when_nobody_chose_them():
    six = Demand(100_000, workers_for(100_000, 19_400))
    assert six.workers == 6
    assert check_descriptors(PROCESSES, six, workers_chosen=False).verdict is Verdict.WARN
    assert check_descriptors(PROCESSES, six, workers_chosen=True).verdict is Verdict.GOOD


@pytest.mark.parametrize(
    ("finding", "verdict", "change"),
    [
        (check_open_files(PROCESSES, Demand(30_000, 2)), "good", ""),
        (check_open_files(changed(PROCESSES, file_max=50_000), Demand(30_000, 2)), "good", ""),
        (check_open_files(changed(PROCESSES, file_max=50_000), Demand(30_000, 2, behind_proxy=True)), "bad", "fs.f"),
        (check_in_flight(changed(PROCESSES, hard=600), Demand(1_000, 2)), "warn", "LimitNOFILE=1000"),
        (check_in_flight(PROCESSES, Demand(1_000, 2)), "good", ""),
        (check_cores(PROCESSES, Demand(30_000, 0)), "warn", "--workers 2"),
        (check_cores(PROCESSES, Demand(30_000, 2)), "good", ""),
        (check_cores(changed(PROCESSES, cores=1), Demand(30_000, 0)), "good", ""),
        (check_memory(MEMORY, Demand(30_000, 2)), "good", ""),
        (check_memory(changed(MEMORY, available=GIB), Demand(30_000, 2)), "warn", "larger machine"),
        (check_memory(changed(MEMORY, available=GIB // 2), Demand(30_000, 2)), "bad", "larger machine"),
        (check_memory(changed(MEMORY, left_in_group=GIB // 2), Demand(30_000, 2)), "bad", "MemoryMax=1.1G"),
        (check_socket_memory(MEMORY, Demand(30_000, 2)), "good", ""),
        (check_socket_memory(MEMORY, Demand(300_000, 16)), "warn", "tcp_mem"),
        (check_socket_memory(MEMORY, Demand(400_000, 24)), "bad", "tcp_mem"),
        (check_socket_memory(changed(MEMORY, wmem_max=32_768), Demand(30_000, 2)), "warn", "wmem_max=65536"),
        (check_backlog(NETWORK), "good", ""),
        (check_backlog(changed(NETWORK, somaxconn=128)), "warn", "sysctl -w net.core.somaxconn=4096"),
        (check_backlog(changed(NETWORK, syn_backlog=128)), "good", ""),
        (check_backlog(changed(NETWORK, syn_backlog=128, syn_cookies=False)), "warn", "tcp_syncookies=1"),
        (check_door(DoorFacts("127.0.0.1:8700")), "good", ""),
        (check_door(DoorFacts("127.0.0.1:8700", "in use", ("nginx (process 8)",))), "bad", "another port"),
        (check_door(DoorFacts("127.0.0.1:80", "only by root")), "bad", "set host, port or unix"),
        (check_door(DoorFacts("127.0.0.1:8700", "in use", ("fanout serve (process 8)",))), "warn", "of the evening"),
        (check_local_ports(NETWORK, Demand(30_000, 2)), "good", ""),
        (check_local_ports(NETWORK, Demand(30_000, 2, behind_proxy=True)), "bad", "unix ="),
        (check_local_ports(NETWORK, Demand(30_000, 2, behind_proxy=True, over_tcp=False)), "good", ""),
        (check_local_ports(NETWORK, Demand(20_000, 2, behind_proxy=True)), "good", ""),
        (check_tracking(changed(NETWORK, most_tracked=65_536, tracked=100), Demand(60_000, 4)), "bad", "conntrack_max"),
        (check_tracking(changed(NETWORK, most_tracked=65_536), Demand(60_000, 4)), "warn", "conntrack_max"),
        (check_tracking(changed(NETWORK, most_tracked=65_536, tracked=100), Demand(30_000, 4)), "good", ""),
        (check_clock(ClockFacts(True, 0.01, "tsc"), foreign_keys=False), "good", ""),
        (check_clock(ClockFacts(False, 16, "tsc"), foreign_keys=True), "warn", "set-ntp"),
        (check_clock(ClockFacts(True, 8, "tsc"), foreign_keys=True), "warn", "chronyc"),
        (check_clock(ClockFacts(None, 0, ""), foreign_keys=True), "warn", "timedatectl"),
        (check_clock(ClockFacts(True, 0.01, "hpet"), foreign_keys=False), "warn", "clocksource=tsc"),
        (check_data(DISK), "good", ""),
        (check_data(changed(DISK, kind="tmpfs")), "warn", "it is memory"),
        (check_data(changed(DISK, kind="fuse.sshfs")), "warn", "a program"),
        (check_data(changed(DISK, refused="/var/lib/fanout can't be written.")), "bad", "can't be written"),
        (check_space(DISK, Demand(30_000, 2)), "good", ""),
        (check_space(changed(DISK, free=GIB), Demand(30_000, 2)), "warn", "1.6 GiB"),
        (check_space(changed(DISK, free=GIB // 2), Demand(30_000, 2)), "bad", "1.6 GiB"),
        (check_space(changed(DISK, inodes=3), Demand(30_000, 2)), "bad", "3 inodes"),
        (check_flushes(DISK), "good", ""),
        (check_flushes(changed(DISK, flushes=(0.02,) * 100)), "warn", "SSD"),
        (check_flushes(changed(DISK, flushes=(0.001,) * 90 + (0.9,) * 10)), "warn", "SSD"),
        (check_flushes(changed(DISK, flushes=(0.9,) * 4)), "bad", "SSD"),
        (check_kernel(KernelFacts("6.1", "CPython 3.11.7", None, 0)), "good", ""),
        (check_kernel(KernelFacts("6.1", "CPython 3.11.7", "not permitted", 2)), "warn", "io_uring_disabled=0"),
        (check_kernel(KernelFacts("5.4", "CPython 3.11.7", "Function not implemented", 0)), "warn", "seccomp"),
    ],
)  # fmt: skip
def test_facts_have_their_verdict_and_their_remedy(finding: Finding, verdict: str, change: str):
    assert finding.verdict == verdict, finding
    assert change in " ".join(finding.change)
    assert finding.why.endswith(".")


def test_a_machine_that_tracks_nothing_and_a_disk_that_was_not_tried_have_no_finding():
    assert check_tracking(NETWORK, Demand(30_000, 2)) is None
    assert check_flushes(changed(DISK, flushes=())) is None


@given(st.lists(st.floats(0, 10), min_size=1, max_size=200), st.sampled_from([0.5, 0.99]))
def test_a_quantile_is_reached_by_its_share_and_not_by_the_next_smaller_value(values: list[float], share: float):
    found = quantile(tuple(values), share)
    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) < share * len(values)


CERTIFICATE = CertificateFacts(
    Path("cert.pem"), Path("key.pem"), None, ("live.example.org", "*.example.com"),
    NOW - timedelta(days=30), NOW + timedelta(days=60),
)  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "host", "check", "verdict"),
    [
        ({}, None, "TLS names", "good"),
        ({}, "live.example.org", "TLS names", "good"),
        ({}, "LIVE.example.com", "TLS names", "good"),
        ({}, "a.b.example.com", "TLS names", "warn"),
        ({}, "example.com", "TLS names", "warn"),
        ({"names": ()}, None, "TLS names", "bad"),
        ({}, None, "TLS days", "good"),
        ({"ends": NOW + timedelta(days=13)}, None, "TLS days", "warn"),
        ({"ends": NOW}, None, "TLS days", "bad"),
        ({"begins": NOW + timedelta(seconds=1)}, None, "TLS days", "bad"),
        ({"key_mode": 0o640}, None, "TLS key", "warn"),
        ({"key_mode": 0o644}, None, "TLS key", "bad"),
        ({"key_mode": 0o620}, None, "TLS key", "bad"),
        ({"refused": "no certificate and its key"}, None, "TLS key", "bad"),
        ({"distrust": "unable to get local issuer certificate"}, None, "TLS chain", "warn"),
        ({}, None, "TLS chain", "good"),
    ],
)
def test_a_certificate_is_judged(facts: dict, host: str | None, check: str, verdict: str):
    found = {finding.check: finding for finding in check_certificate(changed(CERTIFICATE, **facts), host, NOW)}
    assert found[check].verdict == verdict
    assert [finding.check for finding in found.values() if finding.check != check and finding.verdict != "good"] == []


def test_what_a_machine_carries_is_limited_by_what_is_least():
    most, why = capacity(Config(), PROCESSES, MEMORY, NETWORK, None)
    assert (most, why) == (most_seated(2, 19_400), "20,000 descriptors a process, 2 workers")
    assert capacity(Config(), PROCESSES, MEMORY, NETWORK, 0)[0] == 19_400
    assert capacity(Config(), PROCESSES, changed(MEMORY, available=GIB // 2), NETWORK, None)[1] == "memory"
    assert capacity(Config(max_listeners=50), PROCESSES, MEMORY, NETWORK, None) == (50, "max_listeners")
    assert capacity(Config(), changed(PROCESSES, file_max=20_000), MEMORY, NETWORK, None)[1] == "fs.file-max"
    assert capacity(Config(trust_proxy=True), PROCESSES, MEMORY, NETWORK, None)[0] == 26_232
