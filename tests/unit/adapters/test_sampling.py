from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from adapters.play import copy_data, row
from jupyter_govern_gateway.adapters.postgresql.sampling import DeliveredColumn, delivered_columns, read_rows
from jupyter_govern_gateway.codecs.postgresql.backend import Column

TEXT = DeliveredColumn(name="t", type_oid=25, format=0)


def test_rows_and_copied_lines() -> None:
    assert read_rows((TEXT, TEXT), row(b"a", None) + row(b"b", b"")) == ([["a", None], ["b", ""]], False)
    assert read_rows((), copy_data(b"1\tx\n")) == (["1\tx\n"], False)


def test_binary_values_are_readable_where_they_can_be() -> None:
    columns = tuple(DeliveredColumn(name="c", type_oid=oid, format=1) for oid in (23, 16, 701, 25, 1700))
    data = row(struct.pack("!i", -5), b"\x01", struct.pack("!d", 1.5), b"text", b"\0\x01")
    ((number, truth, real, text, other),), _ = read_rows(columns, data)
    assert (number, truth, real, text) == ("-5", "t", "1.5", "text")
    assert other == {"b64": "AAE=", "bytes": 2}


def test_a_bind_says_the_formats() -> None:
    columns = tuple(Column(name=b"c", relation=0, attribute=0, type_oid=23, format=0) for _ in range(2))
    assert [c.format for c in delivered_columns(columns, (1,), "utf-8")] == [1, 1]
    assert [c.format for c in delivered_columns(columns, (0, 1), "utf-8")] == [0, 1]
    assert [c.format for c in delivered_columns(columns, (), "utf-8")] == [0, 0]


@given(st.integers(0, 60))
def test_what_was_cut_is_left_out_and_said(at: int) -> None:
    whole = row(b"first") + row(b"second") + row(b"third")
    rows, cut = read_rows((TEXT,), whole[:at])
    assert rows == [["first"], ["second"], ["third"]][: len(rows)]
    assert cut == (at not in (0, len(row(b"first")), len(row(b"first") + row(b"second"))) and at < len(whole))


@given(st.binary(max_size=200))
def test_no_bytes_break_it(data: bytes) -> None:
    read_rows((TEXT,), data)
