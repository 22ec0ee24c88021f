"""Request heads by grammar: whatever the RFCs allow comes back as it was put in, and one forbidden thing spoils any."""

from __future__ import annotations

import string
from urllib.parse import quote

import h11
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fanout.errors import InvalidInput
from fanout.wire.join import HubRequest, handshake_response, hub_request
from fanout.wire.request_head import _ONCE, BadRequest, find_head_end, parse_request_head

TOKEN = "!#$%&'*+-.^_`|~" + string.digits + string.ascii_letters
KNOWN = _ONCE | {"cookie", "transfer-encoding", "connection", "upgrade"}

tokens = st.text(TOKEN, min_size=1, max_size=12)
names = tokens.filter(lambda name: name.lower() not in KNOWN)
blanks = st.text(" \t", max_size=3)
values = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f") | st.just("\t"), max_size=40
)
methods = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
paths = st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=8), max_size=4).map(
    lambda segments: "/" + "/".join(segments)
)
queries = st.none() | st.text(string.ascii_letters + string.digits + "-._~!$&'()*+,;=:@/?%{}|\\^`[]", max_size=30)
hosts = st.sampled_from(["example.org", "example.org:8700", "127.0.0.1", "[::1]:80", "a"])
fields = st.lists(st.tuples(names, blanks, values, blanks), max_size=8)


@st.composite
def heads(draw: st.DrawFn) -> tuple[bytes, str, str, str, dict[str, str]]:
    """A valid head, and what was put into it: method, path, query, headers."""
    method, path, query, host = draw(methods), draw(paths), draw(queries), draw(hosts)
    lines = draw(fields)
    lines.insert(draw(st.integers(0, len(lines))), (draw(st.sampled_from(["Host", "host", "HOST"])), " ", host, ""))
    headers: dict[str, list[str]] = {}
    for name, _, value, _ in lines:
        headers.setdefault(name.lower(), []).append(value.strip(" \t"))
    target = quote(path, safe="/:@!$&'()*+,;=") + ("" if query is None else f"?{query}")
    text = f"{method} {target} HTTP/1.{draw(st.integers(0, 9))}\r\n" + "".join(
        f"{name}:{before}{value}{after}\r\n" for name, before, value, after in lines
    )
    joined = {name: ", ".join(values) for name, values in headers.items()}
    return (text + "\r\n").encode("latin-1"), method, path, query or "", joined


@given(heads())
def test_a_valid_head_gives_back_what_was_put_in(made: tuple[bytes, str, str, str, dict[str, str]]) -> None:
    data, method, path, query, headers = made
    assert find_head_end(data + b"body") == len(data)
    found = parse_request_head(data)
    assert (found.method, found.path, found.query, found.headers) == (method, path, query, headers)


@given(heads(), st.data())
def test_a_valid_head_in_pieces_ends_where_it_ends(
    made: tuple[bytes, str, str, str, dict[str, str]], data: st.DataObject
) -> None:
    head = made[0]
    have = 0
    while have < len(head):
        more = data.draw(st.integers(have + 1, len(head)))
        assert find_head_end(head[:more], have) == (len(head) if more == len(head) else -1)
        have = more


@given(heads())
def test_h11_reads_the_same_out_of_whatever_is_let_through(
    made: tuple[bytes, str, str, str, dict[str, str]],
) -> None:
    """The ordinary path parses again with h11: the two may never disagree."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(made[0])
    event = connection.next_event()
    assert isinstance(event, h11.Request)
    found = parse_request_head(made[0])
    assert (event.method.decode(), event.target.decode("latin-1")) == (found.method, found.target)
    ours = sorted((name, value) for name, value in found.headers.items())
    theirs: dict[str, str] = {}
    for raw_name, raw_value in event.headers:
        name, value = raw_name.decode(), raw_value.decode("latin-1")
        theirs[name] = f"{theirs[name]}, {value}" if name in theirs else value
    assert ours == sorted(theirs.items())


SPOILS = [
    b"\n", b"\r", b"\r\r\n", b"\n\r\n", b"\0", b"\x01", b"\x0b", b"\x0c", b"\x1b", b"\x7f",
    b"\r\n folded", b"\r\n\tfolded: x", b"\r\nno colon", b"\r\nName : x", b"\r\n: no name", b"\r\nHost: second",
    b"\r\nContent-Length: -1", b"\r\nContent-Length: 1\r\nContent-Length: 1", b"\r\nTransfer-Encoding: gzip",
    b"\r\nContent-Length: 1\r\nTransfer-Encoding: chunked", b"\r\nN\xe9: x", b"\r\nN@: x",
]  # fmt: skip


@given(heads(), st.sampled_from(SPOILS), st.data())
def test_one_forbidden_thing_after_any_header_line_spoils_a_valid_head(
    made: tuple[bytes, str, str, str, dict[str, str]], spoil: bytes, data: st.DataObject
) -> None:
    lines = made[0].split(b"\r\n")
    at = data.draw(st.integers(1, len(lines) - 3))
    lines[at] += spoil
    with pytest.raises(BadRequest):
        parse_request_head(b"\r\n".join(lines))


@given(heads(), st.sampled_from([9, *range(0x20), 0x7F, 0xE9, ord(" ")]), st.data())
def test_no_other_byte_may_stand_in_a_request_line(
    made: tuple[bytes, str, str, str, dict[str, str]], byte: int, data: st.DataObject
) -> None:
    end = made[0].index(b"\r\n")
    at = data.draw(st.integers(1, end))
    with pytest.raises(BadRequest):
        parse_request_head(made[0][:at] + bytes((byte,)) + made[0][at:])


def decided(data: bytes) -> HubRequest | BadRequest | None:
    """The whole way of a head through the fast path. Anything but a BadRequest gets out of here."""
    try:
        end = find_head_end(data)
        request = hub_request(parse_request_head(data if end < 0 else data[:end]))
        if request is not None and request.kind == "websocket":
            assert handshake_response(request).endswith(b"\r\n\r\n")
        return request
    except BadRequest as caught:
        refusal = caught
    assert refusal.status in (400, 414, 426, 431, 501, 505)
    assert refusal.code
    assert refusal.detail.endswith(".")
    return refusal


UPGRADE = (
    b"GET /v1/ws?room=stage&after=stage@k3f9:18&last=3&token=a.b.c HTTP/1.1\r\nHost: example.org\r\n"
    b"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: fanout.v1.json\r\n"
    b"Cookie: a=b; fanout_session=x\r\nX-Forwarded-For: 1.2.3.4, 5.6.7.8\r\n\r\n"
)
EVENTS = b"GET /v1/rooms/stage/events?last=3 HTTP/1.1\r\nHost: example.org\r\nLast-Event-ID: k3f9:18\r\n\r\n"


@given(st.binary(max_size=400))
@example(b"\r\n\r\n")
@example(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
def test_any_bytes_end_as_a_request_or_as_a_refusal(data: bytes) -> None:
    decided(data)
    decided(data + b"\r\n\r\n")


@given(st.sampled_from([UPGRADE, EVENTS]), st.data())
def test_any_change_to_a_hub_request_ends_as_a_request_or_as_a_refusal(base: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(base)))
    cut = data.draw(st.integers(0, 12))
    decided(base[:at] + data.draw(st.binary(max_size=8)) + base[at + cut :])


@given(st.text(max_size=200))
def test_any_query_is_read_or_has_its_problem_carried_along(text: str) -> None:
    for query in (quote(text), quote(text, safe="=&@:+/"), "room=" + quote(text), "room=a&after=a@" + quote(text)):
        for base in (b"GET /v1/ws? HTTP/1.1", b"GET /v1/rooms/a/events? HTTP/1.1"):
            line = base.replace(b"?", b"?" + query.encode())
            request = decided(UPGRADE.replace(UPGRADE.split(b"\r\n")[0], line))
            assert isinstance(request, HubRequest)
            assert request.problem is None or isinstance(request.problem, InvalidInput)
            assert (request.problem is None) or request.rooms == ()
