from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_govern_gateway.codecs.postgresql import frontend
from jupyter_govern_gateway.codecs.postgresql.frames import HEADER, Malformed

names = st.binary(max_size=20).filter(lambda raw: b"\0" not in raw)
values = st.lists(st.none() | st.binary(max_size=30), max_size=6)


def write_bind(portal: bytes, statement: bytes, formats: list[int], given: list[bytes | None], results: list[int]) -> bytes:
    body = portal + b"\0" + statement + b"\0" + struct.pack(f"!h{len(formats)}h", len(formats), *formats)
    body += struct.pack("!h", len(given))
    for value in given:
        body += struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value
    return body + struct.pack(f"!h{len(results)}h", len(results), *results)


@given(names, names, values, st.lists(st.integers(0, 1), max_size=4), st.integers(0, 1))
def test_a_bind_comes_back(portal: bytes, statement: bytes, given: list[bytes | None], results: list[int], form: int) -> None:
    body = write_bind(portal, statement, [form], given, results)
    found = frontend.read_bind(b"pad" + body + b"pad", 3, 3 + len(body))
    assert (found.portal, found.statement, found.parameters) == (portal, statement, tuple(given))
    assert (found.formats, found.result_formats) == ((form,), tuple(results))


@given(names, names, values)
def test_a_bind_cut_anywhere_is_refused(portal: bytes, statement: bytes, given: list[bytes | None]) -> None:
    body = write_bind(portal, statement, [], given, [])
    for stop in range(len(body)):
        with pytest.raises(Malformed):
            frontend.read_bind(body, 0, stop)


@given(st.binary(max_size=80))
def test_garbage_is_read_or_refused(body: bytes) -> None:
    for read in (frontend.read_bind, frontend.read_parse, frontend.read_query, frontend.read_execute, frontend.read_target):
        with suppress(Malformed):
            read(body, 0, len(body))


@pytest.mark.parametrize(
    "body",
    [
        write_bind(b"", b"", [2], [b"x"], []),
        write_bind(b"", b"", [0, 1], [b"x"], []),
        write_bind(b"", b"", [], [b"x"], [7]),
        write_bind(b"", b"", [], [], []) + b"x",
        b"\0\0\0\0\0\1\xff\xff\xff\xfe\0\0",
    ],
)
def test_impossible_binds(body: bytes) -> None:
    with pytest.raises(Malformed):
        frontend.read_bind(body, 0, len(body))


def test_a_second_text_behind_a_query_is_refused() -> None:
    with pytest.raises(Malformed):
        frontend.read_query(b"select 1\0drop table t\0", 0, 22)


def test_a_parse_comes_back() -> None:
    made = frontend.parse(b"s", b"select 1", struct.pack("!hi", 1, 23))
    found = frontend.read_parse(made, HEADER, len(made))
    assert (found.name, found.text, found.types) == (b"s", b"select 1", struct.pack("!hi", 1, 23))
    with pytest.raises(Malformed):
        frontend.read_parse(made + b"x", HEADER, len(made) + 1)


def test_executes_and_targets() -> None:
    assert frontend.read_execute(b"p\0\0\0\0\5", 0, 6) == (b"p", 5)
    assert frontend.read_target(b"Ss\0", 0, 3) == (frontend.STATEMENT, b"s")
    with pytest.raises(Malformed):
        frontend.read_target(b"Xs\0", 0, 3)
    with pytest.raises(Malformed):
        frontend.read_target(b"Ss\0x\0", 0, 5)
