"""The doctor on real ports, certificates, disks and limits, and on another machine's /proc in a folder."""

import errno
import json
import os
import resource
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID

from fanout.server.doctor.certificate import check_certificate
from fanout.server.doctor.demand import Demand
from fanout.server.doctor.disk import check_data, check_space
from fanout.server.doctor.examination import Examination, examine
from fanout.server.doctor.finding import Finding
from fanout.server.doctor.handshake import distrust_of, look_at_certificate
from fanout.server.doctor.machine import Machine
from fanout.server.doctor.probes import look_at_disk, read_clock, try_doors
from fanout.server.doors import close_doors, open_doors, tls_context
from fanout.server.settings import Config
from tests.server_process import FANOUT, ServerProcess


def of(examination: Examination, check: str) -> Finding:
    return next(finding for finding in examination.findings if finding.check == check)


@pytest.fixture
def another_machine(tmp_path: Path) -> Callable[..., Machine]:
    """A machine with these files."""

    def made(files: dict[str, str]) -> Machine:
        for path, content in files.items():
            file = tmp_path / "root" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content + "\n")
        return Machine(tmp_path / "root")

    return made


def test_the_files_of_a_machine_are_read(another_machine):
    machine = another_machine({
        "proc/sys/net/core/somaxconn": "128",
        "proc/sys/net/ipv4/tcp_max_syn_backlog": "256",
        "proc/sys/net/ipv4/tcp_syncookies": "0",
        "proc/sys/net/ipv4/ip_local_port_range": "32768\t33767",
        "proc/sys/net/netfilter/nf_conntrack_max": "65536",
        "proc/sys/net/netfilter/nf_conntrack_count": "12",
        "proc/sys/net/ipv4/tcp_mem": "1\t2\t3",
        "proc/sys/net/core/wmem_max": "212992",
        "proc/sys/fs/nr_open": "4000",
        "proc/sys/fs/file-max": "5000",
        "proc/sys/fs/file-nr": "600\t0\t5000",
        "proc/sys/kernel/io_uring_disabled": "2",
        "proc/meminfo": "MemTotal: 4096 kB\nMemAvailable: 2048 kB",
        "proc/net/sockstat": "sockets: used 34\nTCP: inuse 18 orphan 0 tw 27 alloc 18 mem 16",
        "sys/devices/system/clocksource/clocksource0/current_clocksource": "hpet",
        "proc/self/mountinfo": "1 0 8:1 / / rw - ext4 /dev/a rw\n2 1 0:1 / /var/lib rw - nfs4 host:/a rw",
    })  # fmt: skip
    network, memory, processes = machine.network(), machine.memory(), machine.processes()
    assert (network.somaxconn, network.syn_backlog, network.syn_cookies) == (128, 256, False)
    assert (network.ports, network.waiting, network.tracked, network.most_tracked) == (1000, 27, 12, 65_536)
    assert (memory.available, memory.tcp_mem, memory.wmem_max) == (2 << 20, (1, 2, 3), 212_992)
    assert (processes.nr_open, processes.file_max, processes.files_open) == (4000, 5000, 600)
    assert machine.kernel(None).uring_disabled == 2
    assert machine.clock_source() == "hpet"
    assert machine.file_system(Path("/var/lib/fanout")) == "nfs4"
    assert machine.file_system(Path("/var/library")) == "ext4"


def test_a_machine_that_shows_nothing_is_judged_by_nothing(tmp_path: Path):
    machine = Machine(tmp_path / "nowhere")
    examination = examine(Config(port=0, data=tmp_path), listeners=100, machine=machine)
    assert {of(examination, check).verdict for check in ("open files", "memory", "accept backlog")} == {"good"}
    assert not [finding for finding in examination.findings if finding.verdict == "bad"]


@pytest.mark.parametrize(
    ("files", "left"),
    [
        ({}, None),
        ({"sys/fs/cgroup/a/b/memory.max": "max"}, None),
        ({"sys/fs/cgroup/a/memory.max": "1000", "sys/fs/cgroup/a/memory.current": "400"}, 600),
        ({"sys/fs/cgroup/a/memory.max": "1000", "sys/fs/cgroup/a/memory.current": "400",
          "sys/fs/cgroup/a/memory.stat": "anon 10\ninactive_file 300"}, 900),
        ({"sys/fs/cgroup/a/b/memory.max": "700", "sys/fs/cgroup/a/memory.max": "1000"}, 700),
    ],
)  # fmt: skip
def test_the_tightest_control_group_counts(another_machine, files: dict[str, str], left: int | None):
    assert another_machine({"proc/self/cgroup": "0::/a/b", **files}).memory().left_in_group == left


def test_a_control_group_of_the_first_version_counts_too(another_machine):
    base = "sys/fs/cgroup/memory/box/memory"
    machine = another_machine({
        "proc/self/cgroup": "4:memory:/box\n0::/",
        f"{base}.limit_in_bytes": "5000", f"{base}.usage_in_bytes": "1000",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": str(2**63 - 4096),
    })  # fmt: skip
    assert machine.memory().left_in_group == 4000


def test_a_control_group_with_one_cores_time_has_one_core(another_machine):
    machine = another_machine({"proc/self/cgroup": "0::/a", "sys/fs/cgroup/a/cpu.max": "100000 100000"})
    assert machine.processes().cores == 1


def test_this_machine_can_be_read():
    machine = Machine()
    assert machine.network().somaxconn == int(Path("/proc/sys/net/core/somaxconn").read_text())
    assert 0 < machine.memory().free < 1 << 50
    assert read_clock(machine).error_seconds >= 0
    assert machine.file_system(Path("/proc")) == "proc"


def test_a_port_that_another_program_has_is_bad_and_names_it(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        finding = of(examine(Config(port=port, data=tmp_path), listeners=100), "address")
    assert finding.verdict == "bad"
    assert f"127.0.0.1:{port} is taken, by " in finding.found
    assert f"(process {os.getpid()})" in finding.found
    assert of(examine(Config(port=port, data=tmp_path), listeners=100), "address").verdict == "good"


def test_a_server_of_ours_that_runs_already_is_worth_a_look(start_server: Callable[..., ServerProcess]):
    server = start_server("--memory")
    door = try_doors(Config(port=server.port))
    assert door.holders == (f"fanout serve (process {server.process.pid})",)


def test_a_unix_socket_is_tried_and_leaves_nothing_behind(tmp_path: Path):
    path = tmp_path / "fanout.sock"
    assert try_doors(Config(unix=path)).refused is None
    assert not path.exists()
    doors = open_doors(Config(unix=path))
    assert "another program listens" in (try_doors(Config(unix=path)).refused or "")
    assert path.exists()
    close_doors(doors)


@pytest.fixture
def pair(tmp_path: Path) -> Callable[..., tuple[trustme.CA, Config]]:
    """A certificate and its key as files, `pair("live.example.org", not_after=…)`."""

    def made(*names: str, **times: datetime) -> tuple[trustme.CA, Config]:
        authority = trustme.CA()
        issued = authority.issue_cert(*names, **times)
        issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
        issued.private_key_pem.write_to_path(tmp_path / "key.pem")
        (tmp_path / "key.pem").chmod(0o600)
        data = tmp_path / "data"
        return authority, Config(port=0, data=data, tls_cert=tmp_path / "cert.pem", tls_key=tmp_path / "key.pem")

    return made


def test_an_expired_certificate_is_bad(pair):
    ended = datetime.now(UTC) - timedelta(hours=1)
    _, config = pair("live.example.org", not_after=ended)
    examination = examine(config, listeners=100)
    assert of(examination, "TLS days").verdict == "bad"
    assert "expired on" in of(examination, "TLS days").found
    assert of(examination, "TLS names").found == "live.example.org"


def test_a_certificate_that_ends_before_the_event_is_worth_a_look(pair):
    _, config = pair("live.example.org", not_after=datetime.now(UTC) + timedelta(days=3))
    finding = of(examine(config, listeners=100), "TLS days")
    assert (finding.verdict, finding.found.split(",")[0]) == ("warn", "2 days left")


@pytest.mark.parametrize(("mode", "verdict"), [(0o600, "good"), (0o640, "warn"), (0o604, "bad"), (0o644, "bad")])
def test_a_key_that_all_may_read_is_bad(pair, mode: int, verdict: str):
    _, config = pair("live.example.org")
    config.tls_key.chmod(mode)
    finding = of(examine(config, listeners=100), "TLS key")
    assert finding.verdict == verdict
    assert verdict != "bad" or finding.change == (f"chmod o-rwx,g-w {config.tls_key}",)


def test_a_key_of_another_certificate_is_bad(pair, tmp_path: Path):
    _, config = pair("live.example.org")
    trustme.CA().issue_cert("live.example.org").private_key_pem.write_to_path(tmp_path / "key.pem")
    finding = of(examine(config, listeners=100), "TLS key")
    assert finding.verdict == "bad"
    assert "not a certificate and its key" in finding.found


def test_a_chain_counts_as_a_client_sees_it(pair, tmp_path: Path):
    authority, config = pair("*.example.org", "192.0.2.7")
    facts = look_at_certificate(config.tls_cert, config.tls_key)
    assert "issuer" in (facts.distrust or "")
    assert facts.names == ("*.example.org", "192.0.2.7")
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    assert distrust_of(tls_context(config.tls_cert, config.tls_key), trusting) is None

    # An intermediate authority whose certificate is not in the file, then is.
    between = authority.create_child_ca()
    issued = between.issue_cert("live.example.org")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    server = tls_context(config.tls_cert, config.tls_key)
    assert "issuer" in (distrust_of(server, trusting) or "")
    for pem in issued.cert_chain_pems[1:]:
        pem.write_to_path(tmp_path / "cert.pem", append=True)
    assert distrust_of(tls_context(config.tls_cert, config.tls_key), trusting) is None


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_file_that_is_no_certificate_is_bad_and_no_traceback(pair, content: bytes):
    _, config = pair("live.example.org")
    config.tls_cert.write_bytes(content)
    (finding,) = check_certificate(look_at_certificate(config.tls_cert, config.tls_key), None, datetime.now(UTC))
    assert finding.verdict == "bad"


def test_a_certificate_without_a_name_is_bad(pair, tmp_path: Path):
    _, config = pair("live.example.org")
    key = load_pem_private_key(config.tls_key.read_bytes(), None)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "live.example.org")])
    now = datetime.now(UTC)
    draft = x509.CertificateBuilder().subject_name(name).issuer_name(name).serial_number(1)
    draft = draft.public_key(key.public_key()).not_valid_before(now).not_valid_after(now + timedelta(days=90))
    config.tls_cert.write_bytes(draft.sign(key, SHA256()).public_bytes(Encoding.PEM))
    examination = examine(config, listeners=100)
    assert (of(examination, "TLS names").verdict, of(examination, "TLS names").found) == ("bad", "none")
    assert "self-signed" in of(examination, "TLS chain").found


def test_a_disk_is_flushed_for_real_and_left_as_it_was(tmp_path: Path):
    disk = look_at_disk(tmp_path / "not" / "yet", Machine())
    assert (disk.place, disk.refused) == (tmp_path, None)
    assert len(disk.flushes) >= 1
    assert all(0 < seconds < 60 for seconds in disk.flushes)
    assert list(tmp_path.iterdir()) == []


def test_a_small_disk_in_memory_is_recognised_also_when_it_is_full(small_disk: Path):
    disk = look_at_disk(small_disk / "data", Machine())
    assert (disk.kind, disk.refused) == ("tmpfs", None)
    assert 0 < disk.free <= 2 << 20
    assert check_data(disk).verdict == "warn"
    assert check_space(disk, Demand(100, 0)).verdict == "bad"
    try:
        with (small_disk / "filler").open("wb", buffering=0) as filler:
            while True:
                filler.write(b"\0" * 65_536)
    except OSError:
        full = look_at_disk(small_disk / "data", Machine())
    assert (full.free, full.flushes, full.refused) == (0, (), None)
    assert check_space(full, Demand(100, 0)).verdict == "bad"


def test_a_file_in_the_place_of_the_data_directory_is_bad(tmp_path: Path):
    (tmp_path / "data").touch()
    finding = of(examine(Config(port=0, data=tmp_path / "data"), listeners=100), "data directory")
    assert (finding.verdict, "is not a directory" in finding.found) == ("bad", True)


def test_io_uring_is_tried_and_a_refusal_is_told():
    """With no descriptor left the kernel refuses."""
    code = (
        "import resource; from fanout.server.doctor.probes import try_uring; "
        "resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3)); print(try_uring())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    refusals = {os.strerror(number) for number in (errno.EMFILE, errno.EPERM, errno.ENOSYS)}
    assert done.stdout.strip() in refusals, done.stderr


def test_few_descriptors_are_bad_and_the_remedy_is_named(tmp_path: Path):
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))

    done = subprocess.run(
        [*FANOUT, "doctor", "--for", "30000", "--port", "0", "--json"],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, preexec_fn=limited,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    found = {finding["check"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert found["descriptors"]["verdict"] == "bad"
    assert "soft 1,024, hard 1,024" in found["descriptors"]["found"]
    assert "LimitNOFILE=" in found["descriptors"]["change"][0]
