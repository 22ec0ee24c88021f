"""RFC 6455, by its sections: what the server writes, and what it takes from a client."""

from __future__ import annotations

import struct
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fanout.core.closing import CloseCode
from fanout.wire.frames import (
    NO_STATUS,
    Binary,
    Close,
    FrameReader,
    FrameViolation,
    Ping,
    Pong,
    Received,
    Text,
    binary_frame,
    close_frame,
    mask_frame,
    masked,
    ping_frame,
    pong_frame,
    text_frame,
)

MASK = b"\x37\xfa\x21\x3d"


def client_frame(first: int, payload: bytes = b"", mask: bytes = MASK) -> bytes:
    """Any frame as a client sends it, `first` being its first byte: FIN, reserved bits, opcode."""
    return mask_frame(bytes((first,)) + binary_frame(payload)[1:], mask)


def read(*pieces: bytes) -> tuple[list[Received], FrameViolation | None]:
    """What a fresh reader makes of these pieces, and the violation at which it stopped."""
    reader = FrameReader()
    received: list[Received] = []
    for piece in pieces:
        try:
            received += reader.feed(piece)
        except FrameViolation as violation:
            return received + violation.received, violation
    return received, None


# --- the examples of §5.7 ------------------------------------------------------------------------------------------


def test_frames_are_written_as_in_the_examples_of_section_5_7() -> None:
    assert text_frame(b"Hello") == bytes.fromhex("810548656c6c6f")
    assert ping_frame(b"Hello") == bytes.fromhex("890548656c6c6f")
    assert binary_frame(bytes(256)) == bytes.fromhex("827e0100") + bytes(256)
    assert binary_frame(bytes(65536)) == bytes.fromhex("827f0000000000010000") + bytes(65536)


def test_a_masked_text_and_pong_are_read_as_in_the_examples_of_section_5_7() -> None:
    assert read(bytes.fromhex("818537fa213d7f9f4d5158")) == ([Text("Hello")], None)
    assert read(bytes.fromhex("8a8537fa213d7f9f4d5158")) == ([Pong(b"Hello")], None)


# --- what is refused -----------------------------------------------------------------------------------------------

REFUSED = [
    # (section, what, bytes, close code, code)
    ("5.1", "a frame that is not masked", text_frame(b"x"), 1002, "unmasked"),
    ("5.1", "a pong that is not masked", pong_frame(b"1234"), 1002, "unmasked"),
    ("5.2", "reserved bit 1", client_frame(0xC1, b"x"), 1002, "reserved_bits"),
    ("5.2", "reserved bit 2", client_frame(0xA1, b"x"), 1002, "reserved_bits"),
    ("5.2", "reserved bit 3 on a pong", client_frame(0x9A), 1002, "reserved_bits"),
    *[("5.2", f"opcode {code}", client_frame(0x80 | code, b"x"), 1002, "bad_opcode") for code in (3, 4, 5, 6, 7)],
    *[("5.2", f"opcode {code}", client_frame(0x80 | code), 1002, "bad_opcode") for code in (11, 12, 13, 14, 15)],
    ("5.2", "125 bytes in 16 bits", b"\x82\xfe\x00\x7d" + MASK, 1002, "bad_length"),
    ("5.2", "65535 bytes in 64 bits", b"\x82\xff" + struct.pack("!Q", 65535) + MASK, 1002, "bad_length"),
    ("5.2", "a length with its highest bit set", b"\x82\xff" + struct.pack("!Q", 1 << 63), 1002, "bad_length"),
    ("5.4", "a continuation of nothing", client_frame(0x80, b"x"), 1002, "bad_fragment"),
    ("5.4", "an unfinished continuation of nothing", client_frame(0x00, b"x"), 1002, "bad_fragment"),
    ("5.4", "a second message begun in the first", client_frame(0x01) + client_frame(0x81), 1002, "bad_fragment"),
    ("5.4", "a short text in a fragmented one", client_frame(0x02) + client_frame(0x81, b"x"), 1002, "bad_fragment"),
    ("5.5", "a ping in two pieces", client_frame(0x09, b"x"), 1002, "fragmented_control"),
    ("5.5", "a ping of 126 bytes", b"\x89\xfe\x00\x7e" + MASK, 1002, "long_control"),
    ("5.5.1", "a close of one byte", client_frame(0x88, b"\x03"), 1002, "bad_close_code"),
    *[
        ("7.4", f"close code {code}", client_frame(0x88, struct.pack("!H", code)), 1002, "bad_close_code")
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
    ],
    ("5.5.1", "a reason that is not UTF-8", client_frame(0x88, b"\x03\xe8\xff"), 1007, "bad_utf8"),
    ("8.1", "text that is not UTF-8", client_frame(0x81, b"\xce\xba\xff"), 1007, "bad_utf8"),
    ("8.1", "a surrogate in UTF-8", client_frame(0x81, b"\xed\xa0\x80"), 1007, "bad_utf8"),
    ("8.1", "text that ends within a character", client_frame(0x81, b"\xce"), 1007, "bad_utf8"),
    ("8.1", "an overlong slash", client_frame(0x81, b"\xc0\xaf"), 1007, "bad_utf8"),
    ("10.4", "a frame beyond the limit", b"\x82\xff" + struct.pack("!Q", 65537), 1009, "frame_too_big"),
    ("10.4", "a frame of an exabyte", b"\x82\xff" + struct.pack("!Q", 1 << 60), 1009, "frame_too_big"),
    ("10.4", "fragments too long", client_frame(0x02, bytes(65536)) + client_frame(0, b"x"), 1009, "frame_too_big"),
]  # fmt: skip


@pytest.mark.parametrize(("section", "what", "data", "close_code", "code"), REFUSED)
def test_what_rfc_6455_forbids_ends_the_connection_with_the_right_code(
    section: str, what: str, data: bytes, close_code: int, code: str
) -> None:
    received, violation = read(data)
    assert received == []
    assert violation is not None, f"§{section}: {what}"
    assert (violation.close_code, violation.code) == (close_code, code)


@pytest.mark.parametrize(("section", "what", "data", "close_code", "code"), REFUSED)
def test_it_is_refused_just_so_when_it_comes_byte_by_byte(
    section: str, what: str, data: bytes, close_code: int, code: str
) -> None:
    _, violation = read(*(data[i : i + 1] for i in range(len(data))))
    assert violation is not None, f"§{section}: {what}"
    assert (violation.close_code, violation.code) == (close_code, code)


def test_a_short_text_in_a_read_of_its_own_does_not_slip_into_a_fragmented_message() -> None:
    _, violation = read(client_frame(0x02, b"x"), client_frame(0x81, b"y"))
    assert violation is not None
    assert violation.code == "bad_fragment"


def test_an_oversized_frame_is_refused_at_its_length_before_its_payload_comes() -> None:
    _, violation = read(b"\x81\xff" + struct.pack("!Q", 65537))
    assert violation is not None
    assert violation.close_code == CloseCode.TOO_BIG


def test_text_is_refused_at_its_first_bad_byte_not_at_the_end_of_the_message() -> None:
    whole = client_frame(0x01, b"abc\xf4\x90" + bytes(100))
    _, violation = read(whole[: 6 + 5])
    assert violation is not None
    assert violation.close_code == CloseCode.INVALID_PAYLOAD


def test_what_came_whole_before_a_violation_is_not_lost() -> None:
    received, violation = read(client_frame(0x81, b"first") + client_frame(0xC1, b"second") + client_frame(0x89))
    assert received == [Text("first")]
    assert violation is not None


def test_after_a_violation_nothing_more_is_read() -> None:
    reader = FrameReader()
    with pytest.raises(FrameViolation):
        reader.feed(b"\x00\x00")
    assert reader.feed(client_frame(0x8A)) == []
    assert not reader.resting


# --- what is taken -------------------------------------------------------------------------------------------------


def test_control_frames_come_between_the_fragments_of_a_message() -> None:
    pieces = (
        client_frame(0x01, "é".encode()[:1]),
        client_frame(0x89, b"?"),
        client_frame(0x8A),
        client_frame(0x80, b"\xa9"),
    )
    assert read(*pieces) == ([Ping(b"?"), Pong(b""), Text("é")], None)


def test_empty_messages_and_empty_fragments_are_messages() -> None:
    assert read(client_frame(0x81)) == ([Text("")], None)
    assert read(client_frame(0x02), client_frame(0x00), client_frame(0x80)) == ([Binary(b"")], None)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536])
def test_every_length_up_to_the_limit_comes_through(size: int) -> None:
    payload = bytes(i & 255 for i in range(size))
    assert read(client_frame(0x82, payload)) == ([Binary(payload)], None)


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1011, 1012, 1014, 3000, 3999, 4000, 4999])
def test_a_close_brings_its_code_and_reason(code: int) -> None:
    assert read(mask_frame(close_frame(code, "à bientôt"), MASK)) == ([Close(code, "à bientôt")], None)


def test_a_close_without_a_code_counts_as_1005() -> None:
    assert read(mask_frame(close_frame(), MASK)) == ([Close(NO_STATUS, "")], None)


def test_nothing_counts_after_a_close() -> None:
    assert read(client_frame(0x88) + client_frame(0x81, b"late"), b"\x00\x00") == ([Close(NO_STATUS, "")], None)


@given(st.text())
def test_a_long_reason_is_cut_between_two_characters(reason: str) -> None:
    (close,), violation = read(mask_frame(close_frame(1000, reason), MASK))
    assert violation is None
    assert isinstance(close, Close)
    assert reason.startswith(close.reason)
    assert len(reason.encode()) <= 123 or len(close.reason.encode()) > 119


def test_a_control_payload_of_126_bytes_is_the_callers_mistake() -> None:
    for write in (ping_frame, pong_frame):
        with pytest.raises(ValueError, match="125"):
            write(bytes(126))


# --- resting ---------------------------------------------------------------------------------------------------------


def test_a_reader_rests_exactly_when_nothing_is_half_read() -> None:
    reader = FrameReader()
    assert reader.resting
    reader.feed(client_frame(0x01, b"a"))
    assert not reader.resting, "a message is half read"
    reader.feed(client_frame(0x89, b"a"))
    assert not reader.resting, "a ping between does not end it"
    reader.feed(client_frame(0x80, b"b"))
    assert reader.resting
    for at in range(1, len(client_frame(0x81, b"abc"))):
        reader.feed(client_frame(0x81, b"abc")[:at])
        assert not reader.resting, f"{at} bytes of a frame"
        reader.feed(client_frame(0x81, b"abc")[at:])
        assert reader.resting
    reader.feed(client_frame(0x88))
    assert not reader.resting, "a new reader would read on after the close"


# --- masking ---------------------------------------------------------------------------------------------------------


@given(st.binary(max_size=5000), st.binary(min_size=4, max_size=4))
def test_masking_is_the_xor_of_section_5_3_at_any_length(data: bytes, mask: bytes) -> None:
    assert masked(data, mask) == bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))


@pytest.mark.parametrize("size", [1023, 1024, 1025, 1026, 1027, 65535, 65536])
def test_masking_agrees_with_itself_where_the_two_ways_meet(size: int) -> None:
    data = bytes(i * 7 & 255 for i in range(size))
    assert masked(data, MASK) == bytes(byte ^ MASK[i % 4] for i, byte in enumerate(data))


# --- any split, any bytes --------------------------------------------------------------------------------------------

payloads = st.binary(max_size=200) | st.binary(min_size=1000, max_size=1500)
masks = st.binary(min_size=4, max_size=4)
controls = st.builds(client_frame, st.sampled_from([0x89, 0x8A]), st.binary(max_size=125), masks)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[bytes, list[Received]]:
    """What a well-behaved client may send, and what it means."""
    stream, meant = b"", []
    for _ in range(draw(st.integers(0, 5))):
        if draw(st.booleans()):
            frame_payload = draw(st.binary(max_size=125))
            opcode = draw(st.sampled_from([0x89, 0x8A]))
            stream += client_frame(opcode, frame_payload, draw(masks))
            meant.append(Ping(frame_payload) if opcode == 0x89 else Pong(frame_payload))
            continue
        text = draw(st.none() | st.text(max_size=300))
        payload = draw(payloads) if text is None else text.encode()
        cuts = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=4)))
        edges = [0, *cuts, len(payload)]
        for i in range(len(edges) - 1):
            first = (0x80 if i == len(edges) - 2 else 0) | (0 if i else (1 if text is not None else 2))
            stream += client_frame(first, payload[edges[i] : edges[i + 1]], draw(masks))
            if i < len(edges) - 2 and draw(st.booleans()):
                between = draw(st.binary(max_size=125))
                stream += client_frame(0x89, between, draw(masks))
                meant.append(Ping(between))
        meant.append(Binary(payload) if text is None else Text(text))
    return stream, meant


def split(data: st.DataObject, stream: bytes) -> list[bytes]:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    edges = [0, *cuts, len(stream)]
    return [stream[edges[i] : edges[i + 1]] for i in range(len(edges) - 1)]


@given(conversations(), st.data())
def test_a_conversation_means_the_same_however_it_is_split(
    said: tuple[bytes, list[Received]], data: st.DataObject
) -> None:
    stream, meant = said
    assert read(stream) == (meant, None)
    assert read(*split(data, stream)) == (meant, None)
    assert read(*(stream[i : i + 1] for i in range(len(stream)))) == (meant, None)


def outcome(*pieces: bytes) -> tuple[list[Received], tuple[int, str] | None]:
    received, violation = read(*pieces)
    return received, None if violation is None else (violation.close_code, violation.code)


@given(st.binary(max_size=300) | st.lists(controls | st.binary(max_size=20), max_size=8).map(b"".join), st.data())
def test_any_bytes_end_as_values_or_as_a_violation_the_same_in_every_split(stream: bytes, data: st.DataObject) -> None:
    whole = outcome(stream)
    assert outcome(*split(data, stream)) == whole


@given(conversations(), st.data())
def test_a_changed_byte_is_a_value_or_a_violation_the_same_in_every_split(
    said: tuple[bytes, list[Received]], data: st.DataObject
) -> None:
    stream = bytearray(said[0] + client_frame(0x89))
    stream[data.draw(st.integers(0, len(stream) - 1))] ^= data.draw(st.integers(1, 255))
    assert outcome(*split(data, bytes(stream))) == outcome(bytes(stream))


def test_a_message_in_one_byte_fragments_takes_hardly_more_memory_than_it_has_bytes() -> None:
    reader = FrameReader()
    tracemalloc.start()
    try:
        for i in range(5_000):
            reader.feed(client_frame(0x00 if i else 0x02, b"x"))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reader.feed(client_frame(0x80)) == [Binary(b"x" * 5_000)]
    assert held < 10_000


def test_the_limit_holds_for_short_messages_too() -> None:
    with pytest.raises(FrameViolation) as caught:
        FrameReader(max_message_bytes=4).feed(client_frame(0x81, b"Hello"))
    assert caught.value.close_code == CloseCode.TOO_BIG
