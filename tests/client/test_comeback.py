"""When a client comes back, and when it does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.client.comeback import CUT, NO_STATUS, Comeback, Ending, Stopped
from fanout.client.target import Target, Wish
from fanout.core.position import Position
from fanout.errors import InvalidInput


@pytest.mark.parametrize("code", [1001, 1011, 4008, 4012, 4013, CUT, NO_STATUS])
def test_codes_after_which_a_client_comes_back(code: int) -> None:
    assert Comeback().wait_seconds(Ending(code), 0.5) == 0.25


@pytest.mark.parametrize(
    ("code", "name"), [(4001, "token_refused"), (4003, "banned"), (4004, "room_not_found"), (4009, "bad_command"),
                       (1009, "too_big"), (1002, "protocol_error"), (4999, "stopped")],
)  # fmt: skip
def test_codes_after_which_it_does_not(code: int, name: str) -> None:
    with pytest.raises(Stopped, match="why") as caught:
        Comeback().wait_seconds(Ending(code, "why"), 0.5)
    assert (caught.value.code, caught.value.close_code) == (name, code)


def test_the_word_of_a_bye_counts_before_the_table() -> None:
    assert Comeback().wait_seconds(Ending(4999, reconnect=True), 0) == 0
    with pytest.raises(Stopped):
        Comeback().wait_seconds(Ending(1001, reconnect=False), 0)


def test_a_slot_is_taken_exactly_within_reason() -> None:
    assert Comeback().wait_seconds(Ending(4012, after_ms=8200), 0.9) == 8.2
    assert Comeback().wait_seconds(Ending(4012, after_ms=10**12), 0.9) == 600
    assert Comeback().wait_seconds(Ending(4012, after_ms=-5), 0.9) == 0


@given(st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=80))
def test_waits_grow_to_half_a_minute_and_are_short_again_after_a_success(chances: list[float]) -> None:
    comeback = Comeback()
    for attempt, chance in enumerate(chances):
        assert 0 <= comeback.wait_seconds(Ending(), chance) <= min(30, 0.5 * 2**attempt)
    comeback.succeeded()
    assert comeback.wait_seconds(Ending(), 0.99) < 0.5


@pytest.mark.parametrize(
    ("url", "authority", "secure"),
    [
        ("http://127.0.0.1:8700", "127.0.0.1:8700", False),
        ("ws://example.org/v1/ws", "example.org", False),
        ("https://example.org/", "example.org", True),
        ("wss://[::1]:8443/live/v1/ws", "[::1]:8443", True),
    ],
)
def test_a_server_is_found_however_its_address_is_written(url: str, authority: str, secure: bool) -> None:
    target = Target.parse(url)
    assert (target.authority, target.secure) == (authority, secure)
    path = target.socket_path([Wish("@staff/desk", Position("k3f9", 18)), Wish("chat", None, 5)])
    prefix = "/live" if "live" in url else ""
    assert path == f"{prefix}/v1/ws?room=%40staff%2Fdesk&after=%40staff%2Fdesk%40k3f9%3A18&room=chat&last=5"


@pytest.mark.parametrize(
    "url", ["", "example.org", "ftp://example.org", "http://", "http://x:99999", "http://u:p@x", "http://[x"]
)
def test_what_is_no_address_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput):
        Target.parse(url)
