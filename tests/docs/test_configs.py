"""The configurations that the documentation gives are tried: on a real nginx, a real haproxy, the real settings."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import httpx
import pytest
import trio
import trustme
import yaml

from fanout.client import open_client, open_publisher
from fanout.core.message import Message
from tests.components import component
from tests.docs.page_session import free_port
from tests.server_process import SECRET, ServerProcess, fanout

CONFIGS = Path(__file__).parents[2] / "docs" / "configs"


@contextmanager
def running(*command: str, folder: Path, port: int) -> Iterator[None]:
    """A proxy, from the moment that it listens."""
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 20
        while True:
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)


def certificate(folder: Path) -> trustme.CA:
    authority = trustme.CA()
    issued = authority.issue_cert("live.example.org", "localhost", "127.0.0.1")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    issued.private_key_and_cert_chain_pem.write_to_path(folder / "both.pem")
    return authority


def nginx(folder: Path, port: int) -> list[str]:
    """The file of the documentation inside a main file as Debian has it, with paths and port of this test."""
    site = (CONFIGS / "nginx.conf").read_text()
    for before, after in (
        ("/run/fanout/fanout.sock", f"{folder}/fanout.sock"),
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        ("/etc/ssl/live.example.org.pem", f"{folder}/cert.pem"),
        ("/etc/ssl/live.example.org.key", f"{folder}/key.pem"),
    ):
        assert before in site
        site = site.replace(before, after)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "main.conf").write_text(
        f"daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log stderr;\n"
        + ("user root;\n" if os.geteuid() == 0 else "")
        + f"events {{ worker_connections 200; }}\nhttp {{ access_log off; {temporary}\n{site}\n}}\n"
    )
    return [str(component("nginx").path()), "-e", "stderr", "-c", str(folder / "main.conf")]


def haproxy(folder: Path, port: int) -> list[str]:
    config = (CONFIGS / "haproxy.cfg").read_text()
    for before, after in (
        ("/run/fanout/fanout.sock", f"{folder}/fanout.sock"),
        ("bind :443", f"bind 127.0.0.1:{port}"),
        ("/etc/haproxy/live.example.org.pem", f"{folder}/both.pem"),
        ("maxconn 20000", "maxconn 200"),
    ):
        assert before in config
        config = config.replace(before, after)
    (folder / "haproxy.cfg").write_text(config)
    return [str(component("haproxy").path()), "-db", "-f", str(folder / "haproxy.cfg")]


async def heard(stream: trio.abc.ReceiveStream, wanted: bytes) -> None:
    """Read on until this has come."""
    received = b""
    while wanted not in received:
        more = await stream.receive_some()
        assert more, received
        received += bytes(more)


PROXIES = [
    pytest.param(nginx, marks=pytest.mark.nginx, id="nginx"),
    pytest.param(haproxy, marks=pytest.mark.haproxy, id="haproxy"),
]


@pytest.mark.parametrize("proxy", PROXIES)
async def test_listeners_publishers_and_streams_pass_through_the_proxy_and_keep_their_own_address(
    proxy: Callable[[Path, int], list[str]], start_server: Callable[..., ServerProcess], tmp_path: Path
):
    start_server(
        *("--unix", str(tmp_path / "fanout.sock"), "--trust-proxy", "--max-per-address", "2", "--room", "stage:stage"),
        *("--memory", "--drain-seconds", "0"),
    )
    token = fanout("token", "--role", "publisher", folder=tmp_path, env={"FANOUT_SECRET": SECRET}).stdout.strip()
    port, authority = free_port(), certificate(tmp_path)
    url = f"https://127.0.0.1:{port}"
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with running(*proxy(tmp_path, port), folder=tmp_path, port=port), trio.fail_after(60):
        async with (
            open_client(url, rooms=["stage"], ssl_context=context) as client,
            open_publisher(url, token=token, ssl_context=context) as publisher,
        ):
            await client.wait_live()
            async with await trio.open_ssl_over_tcp_stream("127.0.0.1", port, ssl_context=context) as stream:
                await stream.send_all(b"GET /v1/rooms/stage/events HTTP/1.1\r\nHost: live.example.org\r\n\r\n")
                await heard(stream, b"event: welcome")
                receipt = await publisher.publish("stage", "Good evening.")
                item = await anext(client)
                assert isinstance(item, Message)
                assert (item.text, item.position) == ("Good evening.", receipt.position)
                await heard(stream, f"id: {receipt.position}\nevent: message\n".encode())
                # A third from the same address, whatever it says of itself, is one too many.
                async with await trio.open_ssl_over_tcp_stream("127.0.0.1", port, ssl_context=context) as third:
                    head = b"GET /v1/rooms/stage/events HTTP/1.1\r\nHost: live.example.org\r\n"
                    await third.send_all(head + b"X-Forwarded-For: 192.0.2.7\r\n\r\n")
                    await heard(third, b'"code":4013')


@pytest.mark.parametrize("proxy", PROXIES)
def test_cookies_that_came_over_tls_stay_on_tls_whatever_the_client_says(
    proxy: Callable[[Path, int], list[str]], start_server: Callable[..., ServerProcess], tmp_path: Path
):
    """The browser speaks TLS to the proxy, the proxy plain HTTP to the server, which has to be told."""
    server = start_server("--unix", str(tmp_path / "fanout.sock"), "--trust-proxy", "--memory", "--drain-seconds", "0")
    token = fanout("token", "--role", "operator", folder=tmp_path, env={"FANOUT_SECRET": SECRET}).stdout.strip()
    port, authority = free_port(), certificate(tmp_path)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    calls = (("/v1/session", {"token": token}), ("/v1/visitors", {"name": "Zoe"}))
    with (
        running(*proxy(tmp_path, port), folder=tmp_path, port=port),
        httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=context) as client,
    ):
        for path, body in calls:
            answer = client.post(path, json=body, headers={"X-Forwarded-Proto": "http"})
            assert answer.status_code == 201, answer.text
            assert "; Secure" in answer.headers["set-cookie"]
        assert {cookie.secure for cookie in client.cookies.jar} == {True}
        assert len(client.cookies) == len(calls)
        drained = client.post("/v1/drain", headers={"Authorization": f"Bearer {token}"})
        assert '"state":"drained"' in drained.text, "and the last answer gets through, too"
    assert server.wait() == 0
    assert "Traceback" not in server.log


def test_the_unit_starts_a_server_that_can_start(tmp_path: Path):
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string((CONFIGS / "fanout.service").read_text())
    program, command, *flags = shlex.split(unit["Service"]["ExecStart"])
    assert (program.rsplit("/", 1)[1], command) == ("fanout", "serve")
    config = (CONFIGS / "fanout.toml").read_text()
    for place in ("/var/lib/fanout", "/run/fanout"):
        assert place in config
        assert unit["Service"]["StateDirectory"] == unit["Service"]["RuntimeDirectory"] == place.rsplit("/", 1)[1]
        config = config.replace(place, str(tmp_path))
    (tmp_path / "fanout.toml").write_text(config)
    flags = [flag.replace("/etc/fanout", str(tmp_path)) for flag in flags]
    checked = fanout("check-config", *flags, folder=tmp_path)
    assert checked.returncode == 0, checked.stderr
    assert f'unix = "{tmp_path}/fanout.sock"' in checked.stdout
    drain = float(re.search(r"drain_seconds = (.+)", checked.stdout)[1])  # type: ignore[index]
    assert int(unit["Service"]["TimeoutStopSec"]) > drain


def test_every_metric_and_label_of_the_dashboard_is_documented():
    """The counters that have not counted yet are not in `/metrics`; the protocol has all of them."""
    protocol = (CONFIGS.parent / "protocol.md").read_text()
    labels = {
        name: set(re.findall(r"`(\w+)`", row))
        for name, row in re.findall(r"^\| `(fanout_\w+)` \| \w+ \|([^|]*)\|", protocol, re.M)
    }
    panels = json.loads((CONFIGS / "grafana.json").read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) > 10
    for target in (target for panel in panels for target in panel["targets"]):
        (name,) = re.findall(r"fanout_\w+", target["expr"])
        name = name.removesuffix("_bucket")
        assert name in labels, target["expr"]
        shown = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
        grouped = {label for group in re.findall(r"by \(([^)]*)\)", target["expr"]) for label in group.split(", ")}
        assert shown | grouped - {"le"} <= labels[name], target["expr"]


def test_the_operator_s_page_is_alarmed_where_the_rules_are():
    script = (resources.files("fanout.web") / "static" / "alarms.js").read_text()
    said: dict[str, str] = {}
    for names, values in re.findall(r"^const \[(.*)\] = \[(.*)\];", script, re.MULTILINE):
        said |= dict(zip(names.split(", "), values.split(", "), strict=True))
    rules = yaml.safe_load((CONFIGS / "alerts.yml").read_text())["groups"][0]["rules"]
    bounds = {rule["alert"]: re.findall(r"> ([\d.]+)", rule["expr"]) for rule in rules}
    assert {name: bounds[rule] for name, rule in BOUNDS.items()} == {name: [said[name]] for name in BOUNDS}
    assert bounds["FanoutSlowDisk"] == [said["LATE_SECONDS"]]


BOUNDS = {
    "LATE_SECONDS": "FanoutLateDeliveries",
    "WAITING_SECONDS": "FanoutQuestionsWait",
    "SLOW_SHARE": "FanoutSlowListeners",
    "BUSY_SHARE": "FanoutProcessBusy",
    "FULL_SHARE": "FanoutNearDescriptorLimit",
}


def test_every_metric_of_the_alerts_is_there(start_server: Callable[..., ServerProcess]):
    server = start_server("--memory")
    there = set(re.findall(r"^# TYPE (\w+)", httpx.get(f"{server.url}/metrics").text, re.MULTILINE))
    rules = [
        rule for group in yaml.safe_load((CONFIGS / "alerts.yml").read_text())["groups"] for rule in group["rules"]
    ]
    assert all(rule["annotations"]["summary"] for rule in rules)
    named = {name for rule in rules for name in re.findall(r"\bfanout_\w+", rule["expr"])}
    assert {name.removesuffix("_bucket") for name in named} <= there
