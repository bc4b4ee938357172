"""Rows as they were delivered, read for the record: from the wire's bytes to what a person can read in JSON.

Pure. The bytes may end in the middle of a message: that one is left out, and said so.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from jupyter_govern_gateway.codecs.postgresql.backend import Column, read_data_row
from jupyter_govern_gateway.codecs.postgresql.frames import DATA_ROW, HEADER, Malformed
from jupyter_govern_gateway.net.bounds import MAX_SAMPLED_ROWS, MAX_SAMPLED_VALUE

_INTEGERS: Final = frozenset({20, 21, 23, 26})
_TEXTS: Final = frozenset({18, 19, 25, 1042, 1043, 114, 142})
_FLOATS: Final = {700: "!f", 701: "!d"}
_SIZES: Final = {700: 4, 701: 8}


class ColumnLike(Protocol):
    """What the reader must know of a column."""

    @property
    def type_oid(self) -> int: ...
    @property
    def format(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveredColumn:
    """A result column as the record names it."""

    name: str
    type_oid: int
    format: int


MAX_KEPT: Final = 4096
_delivered: dict[tuple[int, tuple[int, ...], str], tuple[tuple[Column, ...], tuple[DeliveredColumn, ...]]] = {}
"""By identity of the columns, which are held, so that it stays theirs: comparing them costs more than what is found."""


def delivered_columns(columns: tuple[Column, ...], formats: tuple[int, ...], codec: str) -> tuple[DeliveredColumn, ...]:
    """The columns of a result; `formats` are a Bind's (none: as described, one: that one for all)."""
    key = (id(columns), formats, codec)
    known = _delivered.get(key)
    if known is not None:
        return known[1]
    given = formats * len(columns) if len(formats) == 1 else formats
    found = tuple(
        DeliveredColumn(
            name=column.name.decode(codec, "replace"),
            type_oid=column.type_oid,
            format=given[i] if i < len(given) else column.format,
        )
        for i, column in enumerate(columns)
    )
    if len(_delivered) >= MAX_KEPT:
        _delivered.clear()
    _delivered[key] = (columns, found)
    return found


def read_rows(columns: Sequence[ColumnLike], data: bytes) -> tuple[list[Any], bool]:
    """The rows of DataRow messages (lists) and the lines of CopyData messages (text), and whether something was left out."""
    rows: list[Any] = []
    at, size = 0, len(data)
    while at < size:
        stop = at + 1 + int.from_bytes(data[at + 1 : at + 5], "big") if size - at >= HEADER else size + 1
        if stop > size or len(rows) >= MAX_SAMPLED_ROWS:
            return rows, True
        if data[at] == DATA_ROW:
            try:
                values = read_data_row(data, at + HEADER, stop)
            except Malformed:
                return rows, True
            rows.append([_value(value, columns[i] if i < len(columns) else None) for i, value in enumerate(values)])
        else:
            rows.append(_text(data[at + HEADER : stop]))
        at = stop
    return rows, False


def _value(value: bytes | None, column: ColumnLike | None) -> Any:
    if value is None:
        return None
    if column is None or column.format == 0 or column.type_oid in _TEXTS:
        return _text(value)
    oid = column.type_oid
    if oid in _INTEGERS:
        return str(int.from_bytes(value, "big", signed=oid != 26))
    if oid == 16:
        return "t" if value == b"\x01" else "f"
    if oid in _FLOATS and len(value) == _SIZES[oid]:
        return repr(struct.unpack(_FLOATS[oid], value)[0])
    return {"b64": base64.b64encode(value[:MAX_SAMPLED_VALUE]).decode(), "bytes": len(value)}


def _text(value: bytes) -> Any:
    text = value[:MAX_SAMPLED_VALUE].decode("utf-8", "replace")
    return text if len(value) <= MAX_SAMPLED_VALUE else {"text": text, "bytes": len(value)}
