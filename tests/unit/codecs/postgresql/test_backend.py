from __future__ import annotations

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_govern_gateway.codecs.postgresql import backend
from jupyter_govern_gateway.codecs.postgresql.frames import HEADER, Malformed, frame


def columns(*names: str, origin: tuple[int, int] = (0, 0)) -> bytes:
    body = struct.pack("!h", len(names))
    for name in names:
        body += name.encode() + b"\0" + struct.pack("!ihihih", *origin, 25, -1, -1, 0)
    return frame(ord("T"), body)


def row(*values: bytes | None) -> bytes:
    body = struct.pack("!h", len(values))
    for value in values:
        body += struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value
    return frame(ord("D"), body)


def test_columns_and_their_origins() -> None:
    message = columns("id", "email", origin=(16384, -2))
    found = backend.read_row_description(message, HEADER, len(message))
    assert [(c.name, c.relation, c.attribute, c.type_oid, c.format) for c in found] == [
        (b"id", 16384, -2, 25, 0),
        (b"email", 16384, -2, 25, 0),
    ]


def test_columns_cut_anywhere_are_refused() -> None:
    message = columns("id", "email")
    for stop in range(HEADER, len(message)):
        with pytest.raises(Malformed):
            backend.read_row_description(message, HEADER, stop)


@given(st.lists(st.none() | st.binary(max_size=30), max_size=6))
def test_rows_come_back(values: list[bytes | None]) -> None:
    message = row(*values)
    assert backend.read_data_row(message, HEADER, len(message)) == tuple(values)


@given(st.binary(max_size=80))
def test_garbage_is_read_or_refused(body: bytes) -> None:
    for read in (backend.read_row_description, backend.read_data_row, backend.read_parameter_status, backend.read_backend_key_data):
        with suppress(Malformed):
            read(body, 0, len(body))


def test_what_we_write_we_can_read() -> None:
    message = backend.parameter_status(b"a", b"b")
    assert backend.read_parameter_status(message, HEADER, len(message)) == (b"a", b"b")
    message = backend.backend_key_data(7, b"k" * 32)
    assert backend.read_backend_key_data(message, HEADER, len(message)) == (7, b"k" * 32)
    message = backend.authentication_sasl((b"A", b"B"))
    assert backend.read_sasl_mechanisms(message, HEADER + 4, len(message)) == (b"A", b"B")
