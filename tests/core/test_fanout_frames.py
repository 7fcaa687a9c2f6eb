"""Reading what a client sends, however it is cut, and refusing what the protocol forbids."""
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.fanout import frames
from core.fanout.frames import BINARY, CLOSE, NOT_TEXT, PING, PROTOCOL_ERROR, TEXT, TOO_BIG, Incoming, Refused


def from_client(payload: bytes, opcode=TEXT, final=True, mask=None) -> bytes:
    """A masked frame, as a browser sends it."""
    mask = os.urandom(4) if mask is None else mask
    size = len(payload)
    head = bytes([(0x80 if final else 0) | opcode])
    head += bytes([0x80 | size]) if size < 126 else (
        b"\xfe" + size.to_bytes(2, "big") if size < 65536 else b"\xff" + size.to_bytes(8, "big"))
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def test_the_answer_to_a_key_is_the_standards_example():
    assert frames.accept_key("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536])
def test_a_servers_frame_says_its_length_and_masks_nothing(size):
    made = frames.frame(b"x" * size)
    assert made[0] == 0x81
    assert made.endswith(b"x" * size)
    assert len(made) - size == (2 if size < 126 else 4 if size < 65536 else 10)
    assert made[1] < 128


def test_text_and_bytes_become_frames_of_their_kind():
    assert frames.message("4é") == b"\x81\x034\xc3\xa9"
    assert frames.message(b"\x00") == b"\x82\x01\x00"


@given(st.lists(st.tuples(st.sampled_from([TEXT, BINARY, PING]), st.binary(max_size=125)), max_size=6),
       st.lists(st.integers(0, 400), max_size=8), st.binary(min_size=4, max_size=4))
def test_messages_are_read_however_the_bytes_are_cut(said, cuts, mask):
    line = b"".join(from_client(payload, opcode, mask=mask) for opcode, payload in said)
    edges = sorted({min(cut, len(line)) for cut in cuts} | {0, len(line)})
    reader, heard = Incoming(1000), []
    for start, end in zip(edges, edges[1:], strict=False):
        heard += reader.feed(line[start:end])
    assert heard == said


@pytest.mark.parametrize("size", [126, 300, 65535, 65536, 70000])
def test_long_messages_are_read_byte_by_byte_at_the_head(size):
    line, reader, heard = from_client(b"y" * size, BINARY), Incoming(100_000), []
    for at in range(20):
        heard += reader.feed(line[at:at + 1])
    heard += reader.feed(line[20:])
    assert heard == [(BINARY, b"y" * size)]


def test_a_message_in_parts_is_one_message_and_pings_may_come_between():
    reader = Incoming(100)
    line = (from_client(b"he", TEXT, final=False) + from_client(b"?", PING) + from_client(b"ll", 0, final=False)
            + from_client(b"o", 0) + from_client(b"!", BINARY))
    assert reader.feed(line) == [(PING, b"?"), (TEXT, b"hello"), (BINARY, b"!")]


@pytest.mark.parametrize("line, code", [
    (frames.frame(b"unmasked"), PROTOCOL_ERROR),
    (b"\xc1" + from_client(b"compressed")[1:], PROTOCOL_ERROR),
    (from_client(b"odd kind", 3), PROTOCOL_ERROR),
    (from_client(b"odd kind", 11), PROTOCOL_ERROR),
    (from_client(b"a part of nothing", 0), PROTOCOL_ERROR),
    (from_client(b"begun", TEXT, final=False) + from_client(b"begun anew", TEXT), PROTOCOL_ERROR),
    (from_client(b"x" * 126, PING), PROTOCOL_ERROR),
    (from_client(b"", CLOSE, final=False), PROTOCOL_ERROR),
    (from_client(b"x" * 1001), TOO_BIG),
    (from_client(b"x" * 600, TEXT, final=False) + from_client(b"x" * 600, 0), TOO_BIG),
], ids=["unmasked", "compressed", "kind 3", "kind 11", "a part of nothing", "begun twice", "long ping",
        "close in parts", "too long", "too long in parts"])  # masks are random, and two workers must see the same names
def test_what_the_protocol_forbids_is_refused(line, code):
    with pytest.raises(Refused) as refused:
        Incoming(1000).feed(line)
    assert refused.value.code == code


def test_a_length_beyond_the_limit_is_refused_before_its_bytes_come():
    with pytest.raises(Refused) as refused:
        Incoming(1000).feed(b"\x81\xff" + (1 << 40).to_bytes(8, "big") + b"mask")
    assert refused.value.code == TOO_BIG
    assert NOT_TEXT == 1007
