"""What `import fanout` promises: adding is easy, taking away is a broken promise."""

import subprocess
import sys

import fanout

PROMISED = {
    *{"open_engine", "Engine", "Room", "Listener", "attach"},
    *{"Author", "Entry", "Format", "Gap", "GapReason", "Message", "Mode", "Overflow", "Position", "Recovery"},
    *{"Retraction", "Say"},
    *{"FanoutError", "ConfigurationError", "Conflict", "EngineAway", "EngineClosed", "EpochChanged"},
    *{"InvalidInput", "KeyReused"},
    *{"ListenerOvertaken", "LogUnavailable", "MessageNotFound", "NotAllowed", "ProtocolViolation", "RoomNotFound"},
    *{"Banned", "RecordNotFound", "StoreUnavailable", "SubmissionNotFound", "SubmissionRefused", "TooSoon"},
    *{"TransitionRefused"},
}


def test_the_promised_names_are_these():
    assert set(fanout.__all__) == PROMISED
    assert list(fanout.__all__) == sorted(fanout.__all__)


def test_every_promised_name_is_there_and_says_what_it_is():
    for name in PROMISED - {"Entry"}:  # a union has no docstring
        assert getattr(fanout, name).__doc__, name


def test_every_error_is_promised_and_has_a_code_of_its_own():
    errors = [e for e in vars(fanout.errors).values() if isinstance(e, type) and issubclass(e, fanout.FanoutError)]
    assert {error.__name__ for error in errors} <= PROMISED
    assert len({error.code for error in errors}) == len(errors)


def test_importing_the_library_pulls_in_no_server_and_nothing_heavy():
    """Nobody who wants the engine should load a web framework or a load generator."""
    heavy = ["locust", "gevent", "starlette", "prometheus_client", "jwt", "structlog", "matplotlib", "redis"]
    heavy += ["trio_websocket"]  # comes with `attach`, when that is asked for
    code = f"import fanout, sys; print([name for name in {heavy} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.strip() == "[]"
