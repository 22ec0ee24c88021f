"""What the doctor reads out of a proxy's file; the files of the documentation are in order."""

from pathlib import Path

import pytest

from fanout.errors import ConfigurationError
from fanout.server.doctor import haproxy, nginx
from fanout.server.doctor.examination import examine
from fanout.server.doctor.proxy import ProxyRule, proxy_findings
from fanout.server.settings import Config

CONFIGS = Path(__file__).parents[3] / "docs" / "configs"
NGINX = (CONFIGS / "nginx.conf").read_text()
HAPROXY = (CONFIGS / "haproxy.cfg").read_text()
SOCKET = ("unix:/run/fanout/fanout.sock",)
MAIN = "worker_processes 2; worker_rlimit_nofile 50000;\nevents { worker_connections 45000; }\nhttp {\n%s\n}\n"


def of_nginx(text: str, listeners: int = 30_000, addresses: tuple[str, ...] = SOCKET) -> list[ProxyRule]:
    return nginx.rules(text, addresses, listeners, cores=2)


def wrong(rules: list[ProxyRule]) -> dict[str, str]:
    """What is to be written, by what it is about; warnings with a question mark."""
    return {rule.about: rule.bad or f"{rule.warn}?" for rule in rules if rule.bad or rule.warn}


def test_the_files_of_the_documentation_are_in_order():
    assert wrong(of_nginx(MAIN % NGINX)) == {}
    assert wrong(haproxy.rules(HAPROXY, SOCKET, 19_400)) == {}
    assert {rule.about for rule in of_nginx(MAIN % NGINX)} == {
        "address", "HTTP/1.1", "upgrade", "buffering", "timeouts", "X-Forwarded-For", "repeats", "connections",
    }  # fmt: skip


def test_what_stands_only_in_the_main_file_is_asked_for():
    assert wrong(of_nginx(NGINX)) == {
        "connections": "worker_connections 61000; (give the output of nginx -T to have it checked)?"
    }


@pytest.mark.parametrize(
    ("before", "after", "about", "says"),
    [
        ("proxy_http_version 1.1;", "", "HTTP/1.1", "proxy_http_version 1.1;"),
        ("proxy_set_header Upgrade $http_upgrade;", "", "upgrade", "proxy_set_header Upgrade"),
        ("Connection $connection_upgrade;", "Connection close;", "upgrade", "Connection"),
        ("proxy_buffering off;", "", "buffering", "proxy_buffering off;?"),
        ("proxy_buffering off;", "proxy_ignore_headers X-Accel-Buffering;", "buffering", "proxy_buffering off;"),
        ("proxy_read_timeout 75s", "proxy_read_timeout 20s", "timeouts", "proxy_read_timeout 75s;"),
        ("proxy_read_timeout 75s", "proxy_read_timeout 30s", "timeouts", "proxy_read_timeout 75s;?"),
        ("X-Forwarded-For $remote_addr", "X-Forwarded-For $http_x_forwarded_for", "X-Forwarded-For", "$remote_addr"),
        ("proxy_next_upstream off", "proxy_next_upstream error non_idempotent", "repeats", "proxy_next_upstream off;"),
        ("unix:/run/fanout/fanout.sock", "127.0.0.1:9999", "address", "unix:/run/fanout/fanout.sock"),
        ("worker_connections 45000", "worker_connections 1024", "connections", "worker_connections 30500;"),
        ("worker_rlimit_nofile 50000", "worker_rlimit_nofile 1024", "connections", "worker_rlimit_nofile 31500;"),
    ],
)  # fmt: skip
def test_what_is_missing_in_nginx_is_named(before: str, after: str, about: str, says: str):
    whole = MAIN % NGINX
    assert before in whole
    found = wrong(of_nginx(whole.replace(before, after)))
    assert list(found) == [about]
    assert says in found[about]
    assert found[about].endswith("?") == says.endswith("?")


def test_headers_of_an_outer_level_count_only_where_there_are_none_within():
    """nginx: these directives are inherited if and only if there are none on the current level."""
    outer = (
        'http { proxy_http_version 1.1; proxy_buffering off; proxy_read_timeout "1m 30s";'
        "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; "
        "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"
        "server { location / { proxy_pass http://127.0.0.1:8700/; %s } } }"
    )
    own = ("127.0.0.1:8700",)
    assert set(wrong(of_nginx(outer % "", addresses=own))) == {"connections"}
    within = outer % "proxy_set_header Host $host; # not inherited\n"
    assert set(wrong(of_nginx(within, addresses=own))) == {"upgrade", "X-Forwarded-For", "connections"}


def test_only_what_leads_to_this_server_is_looked_at():
    others = "server { location / { proxy_pass http://127.0.0.1:9999; } }"
    assert wrong(of_nginx(MAIN % (others + NGINX))) == {}


@pytest.mark.parametrize(
    ("before", "after", "about", "says"),
    [
        ("maxconn 20000", "maxconn 2000", "connections", "maxconn 19900"),
        ("maxconn 20000", "", "connections", "maxconn 19900 (in global)?"),
        ("mode http", "mode tcp", "HTTP/1.1", "mode http"),
        ("timeout client 75s", "timeout client 5000", "timeouts", "timeout client 75s"),
        ("timeout server 75s", "timeout server 30s", "timeouts", "timeout server 75s?"),
        ("timeout tunnel 75s", "timeout tunnel 1s", "timeouts", "timeout tunnel 75s"),
        ("http-request set-header X-Forwarded-For %[src]", "", "X-Forwarded-For", "http-request set-header"),
        ("http-request set-header X-Forwarded-For %[src]", "option forwardfor if-none", "X-Forwarded-For", "%[src]"),
        ("retries 0", "retries 3\n    retry-on all-retryable-errors", "repeats", "retry-on none"),
        ("unix@/run/fanout/fanout.sock", "127.0.0.1:9999", "address", "server fanout unix:/run/fanout/fanout.sock"),
    ],
)  # fmt: skip
def test_what_is_missing_in_haproxy_is_named(before: str, after: str, about: str, says: str):
    assert before in HAPROXY
    found = wrong(haproxy.rules(HAPROXY.replace(before, after), SOCKET, 19_400))
    assert list(found) == [about]
    assert says in found[about]
    assert found[about].endswith("?") == says.endswith("?")


@pytest.mark.parametrize("text", ["", "}", "{{{", '"', "a; }} b { c", "defaults", "backend 'x", "\0\x1b[31m;{"])
def test_no_file_ends_in_a_traceback(text: str):
    assert wrong(of_nginx(text)).keys() == {"address"}
    assert wrong(haproxy.rules(text, SOCKET, 100)).keys() == {"address"}


@pytest.mark.parametrize(("name", "kind"), [("nginx.conf", "nginx"), ("haproxy.cfg", "haproxy")])
def test_the_kind_of_a_file_is_recognised(tmp_path: Path, name: str, kind: str):
    config = Config(unix=Path("/run/fanout/fanout.sock"), trust_proxy=True, data=tmp_path)
    examination = examine(config, listeners=1000, proxy_config=CONFIGS / name)
    found = {finding.check: finding.verdict for finding in examination.findings if finding.check.startswith(kind)}
    assert found == ({"nginx": "good", "nginx: connections": "warn"} if kind == "nginx" else {"haproxy": "good"})


def test_a_file_that_is_none_of_a_proxy_is_a_usage_error(tmp_path: Path):
    (tmp_path / "x").write_text("hello = 1\n")
    for path, says in ((tmp_path / "x", "neither"), (tmp_path / "absent", "can't be read")):
        with pytest.raises(ConfigurationError, match=says):
            examine(Config(port=0, data=tmp_path), listeners=100, proxy_config=path)


def test_every_rule_has_its_reason():
    rules = [*of_nginx("http { server { location / { proxy_pass http://127.0.0.1:1; } } }", addresses=("127.0.0.1:1",))]
    findings = proxy_findings("nginx", rules)
    assert {finding.check for finding in findings if finding.verdict == "bad"} >= {"nginx: HTTP/1.1", "nginx: upgrade"}
