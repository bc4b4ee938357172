"""Properties: nothing but the found bytes changes, once is enough, the prefilter misses nothing, a stream equals the whole."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from detect.texts import EVERYTHING, OWN, TEXTS
from jupyter_govern_gateway.detect.scanner import NAMES, Scanner
from jupyter_govern_gateway.detect.spans import MAX_MATCH
from jupyter_govern_gateway.detect.stream import Stream

SMALL = 1 << 15
GROWTH = 8
NOISE = 0.02  # seconds
ADVERSARIAL = [
    b"1", b"0", b"@", b"a.a.a.", b" ", b" -", b"1-", b"5 ", b"123-45-6789 ", b"@a.aa", b"@a.1.1.1.1.1", b'""@a.com', b'"a', b"=@a.com",
    b"a=", b"eyJ", b"eyJaaaaaaaa.", b"-----BEGIN PRIVATE KEY-----;", b"-----BEGIN PRIVATE KEY----------END PRIVATE KEY-----",
    b"-----BEGIN ", b"\\n", b"\\", b"\\u0031", b"+1 ", b"+12345678", b"DE89", b"DE89 ", b"ghp_", b"\xc3\xa9",
    b"5.", b"4.1.1.1. ", b"4111\n", b"4111\n1111\t", b"\xef\xbc\x94", b"\xef\xbc\x94.", b"\xe2\x80\x8d",
    b"4\xe2\x80\x8d", b"\\u200d", b"\\uff14.",
]  # fmt: skip


@given(TEXTS)
@example(b"DE89 3704 0044 0532 0130 00GB82WEST123456987654324111111111111111")  # what is hidden ends inside a run of digits
@example(b"DE89 3704 0044 0532 0130 00+1(212)555-0123+1(212)555-0123")  # three that touch
@settings(max_examples=600)
def test_length_is_kept_and_once_is_enough(data: bytes) -> None:
    hidden = EVERYTHING.hide(data)
    assert len(hidden) == len(data)
    assert EVERYTHING.hide(hidden) is hidden


@given(TEXTS)
def test_nothing_but_the_findings_changes(data: bytes) -> None:
    covered = {at for _, start, stop in EVERYTHING.find(data) for at in range(start, stop)}
    hidden = EVERYTHING.hide(data)
    assert all(hidden[at] == (0x2A if at in covered else data[at]) for at in range(len(data)))
    assert (hidden is data) == (not covered)


@given(TEXTS, st.sampled_from([*sorted(NAMES), "own"]), st.data())
@settings(max_examples=600)
def test_the_prefilter_misses_nothing_in_any_part(data: bytes, name: str, draw: st.DataObject) -> None:
    scanner = OWN if name == "own" else Scanner([name])
    start = draw.draw(st.integers(0, len(data)))
    part = data[start : draw.draw(st.integers(start, len(data)))]
    assert scanner.may_hold(data) or not scanner.find(part)


@given(st.lists(TEXTS, max_size=8).map(b"".join), st.sampled_from([EVERYTHING, OWN]), st.data())
@settings(max_examples=400, deadline=None)
def test_a_stream_equals_the_whole(data: bytes, scanner: Scanner, draw: st.DataObject) -> None:
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=12)))
    stream, out, fed = Stream(scanner), b"", 0
    for start, stop in zip([0, *cuts], [*cuts, len(data)], strict=True):
        out += stream.feed(data[start:stop])
        fed = stop
        assert fed - len(out) <= MAX_MATCH
    assert out + stream.finish() == scanner.hide(data)


@pytest.mark.parametrize("size", [1, 7, 64, 513, 4096])
def test_long_keys_and_runs_stream_too(size: int) -> None:
    block = b"-----BEGIN PRIVATE KEY-----\n" + b"MIIE" * 2000 + b"\n-----END PRIVATE KEY----- 4111111111111111 "
    data = block + b"eyJhbGciOiJIUzI1NiJ9.eyJ" + b"ab" * 2000 + b".sig x@y.com " + b"1-" * 2000 + block[:5000] + b"\\n" * 900 + b"; a@b.com"
    stream = Stream(EVERYTHING)
    out = b"".join(stream.feed(data[at : at + size]) for at in range(0, len(data), size)) + stream.finish()
    assert out == EVERYTHING.hide(data)


@pytest.mark.parametrize("pattern", ADVERSARIAL)
def test_time_is_linear(pattern: bytes) -> None:
    """Eight times the text takes about eight times as long: what is quadratic takes sixty-four times, on whatever machine."""
    small = pattern * (SMALL // len(pattern))
    least = min(_seconds(small) for _ in range(3))
    assert min(_seconds(small * GROWTH) for _ in range(2)) < 3 * GROWTH * (least + NOISE / GROWTH)


def _seconds(data: bytes) -> float:
    started = time.process_time()
    EVERYTHING.may_hold(data)
    EVERYTHING.hide(data)
    return time.process_time() - started
