"""Logs carry no secret, whoever wrote them and wherever in them it stands."""

import io
import json
import logging

import pytest
import structlog

from fanout.server.logs import configure_logs
from fanout.web.tokens import Tokens

TOKEN = Tokens(b"a secret for tests, as long as it has to be").issue("publisher", ["*"], ttl=60)


@pytest.fixture(autouse=True)
def own_logging():
    handlers, level = logging.root.handlers[:], logging.root.level
    yield
    structlog.reset_defaults()
    logging.captureWarnings(False)
    logging.root.handlers[:], logging.root.level = handlers, level


def test_a_line_is_one_json_object_with_time_level_and_event():
    stream = io.StringIO()
    configure_logs(None, stream)
    structlog.get_logger().info("listening", room="Œuvre\nsecond line")
    (line,) = stream.getvalue().splitlines()
    said = json.loads(line)
    assert (said["event"], said["level"], said["room"]) == ("listening", "info", "Œuvre\nsecond line")
    assert said["timestamp"].endswith("Z")


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize(
    "fields",
    [
        {"token": TOKEN},
        {"Authorization": f"Bearer {TOKEN}"},
        {"headers": {"authorization": f"Bearer {TOKEN}", "cookie": f"fanout_session={TOKEN}"}},
        {"headers": [("x", f"Bearer {TOKEN}")]},
        {"target": f"/v1/ws?room=a&token={TOKEN}&last=3"},
        {"target": f"/v1/ws?token={TOKEN}".encode()},
        {"note": f"somebody pasted {TOKEN} here"},
        {"error": ValueError(f"bad token={TOKEN}")},
        {"nested": [{"deep": (f"token={TOKEN}",)}]},
    ],
)
def test_a_token_is_never_logged(log_format: str, fields: dict[str, object]):
    stream = io.StringIO()
    configure_logs(log_format, stream)
    structlog.get_logger().warning("seen", **fields)
    try:
        raise RuntimeError(f"in a traceback: token={TOKEN}")
    except RuntimeError:
        structlog.get_logger().exception("failed")
    logging.getLogger("somebodys.package").warning("GET /v1/ws?token=%s", TOKEN)
    said = stream.getvalue()
    for part in TOKEN.split("."):
        assert part not in said
    assert said.count("[redacted]") >= 3
    assert "failed" in said
    assert "somebodys.package" in said or "GET /v1/ws" in said


def test_what_is_no_secret_is_logged_as_it_is():
    stream = io.StringIO()
    configure_logs("json", stream)
    structlog.get_logger().info("seen", target="/v1/ws?room=stage&last=3", tokens=3, text="a token of my esteem")
    said = json.loads(stream.getvalue())
    assert (said["target"], said["tokens"], said["text"]) == ("/v1/ws?room=stage&last=3", 3, "a token of my esteem")


def test_a_log_that_takes_no_line_any_more_ends_nobody():
    """A log file on a full disk: in a real server, a task that wrote to it would end the process."""
    stream = open("/dev/full", "w", buffering=1)  # noqa: SIM115  # closing it fails, as writing does
    configure_logs("json", stream)
    structlog.get_logger().warning("seen")
    logging.getLogger("somebodys.package").warning("seen")
    with pytest.raises(OSError, match="No space left"):
        stream.close()
