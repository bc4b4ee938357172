"""Rows of a COPY FROM STDIN on their way, looked at for masked values that would be written over real ones. Pure.

It keeps people from a mistake, and is no border: what it cannot follow (a row of over 1 MiB and all behind it) it lets pass.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Sequence
from typing import Final

from jupyter_govern_gateway.sql.copying import CopyInto
from jupyter_govern_gateway.sql.masks import DOT, REDACTED, TEXT_TYPES
from jupyter_govern_gateway.sql.placeholders import Written, looks_masked

MAX_ROW: Final = 1 << 20
_BINARY_HEAD: Final = 19
"""Bytes of signature, flags and length of the extension."""
_SIGN: Final = re.compile(re.escape(DOT.encode()) * 3 + b"|" + re.escape(REDACTED[:3].encode()))
"""What every mask of a text shows, but for hashes."""


class CopiedRows:
    """The data of one COPY, in pieces of any size."""

    def __init__(self, into: CopyInto, codec: str) -> None:
        self.relation = into.relation
        self._into, self._codec = into, codec
        self._rest = b""
        self._is_blind = False
        self._is_begun = False
        self._has_signs = all(each.column.base in TEXT_TYPES and each.mask.format != "hash" for each in into.written)
        self._delimiter, self._quote = into.delimiter.encode(codec), into.quote.encode(codec)

    def found(self, data: bytes) -> Written | None:
        """The first value in what came so far that looks like the mask of its column."""
        if self._is_blind:
            return None
        data = self._rest + data
        binary = self._into.format == "binary"
        try:
            rows = self._binary(data) if binary else self._csv(data) if self._into.format == "csv" else self._text(data)
            return self._first(rows, is_binary=binary)
        finally:
            self._is_blind |= len(self._rest) > MAX_ROW

    def _first(self, rows: Iterable[Sequence[bytes]], *, is_binary: bool) -> Written | None:
        for row in rows:
            for each in self._into.written:
                if each.number <= len(row) and not (is_binary and each.column.base not in TEXT_TYPES):
                    value = row[each.number - 1].decode(self._codec, "replace")
                    if looks_masked(value, each.column, each.mask):
                        return each
        return None

    def _whole_lines(self, data: bytes) -> bytes:
        end = data.rfind(b"\n") + 1
        self._rest = data[end:]
        return data[:end]

    def _text(self, data: bytes) -> Iterable[Sequence[bytes]]:
        lines = self._whole_lines(data)
        if self._has_signs and _SIGN.search(lines) is None:
            return ()
        return (line.rstrip(b"\r").split(self._delimiter) for line in lines.split(b"\n"))

    def _csv(self, data: bytes) -> Iterable[Sequence[bytes]]:
        if self._quote not in data:
            return self._text(data)
        records: list[bytes] = []
        begun: list[bytes] = []
        is_open = False
        for line in data.split(b"\n"):
            begun.append(line)
            is_open ^= self._quotes(line) % 2 == 1
            if not is_open:
                records.append(b"\n".join(begun))
                begun.clear()
        # the last line is not whole, however its quotes stand
        self._rest = b"\n".join(begun) if begun else records.pop()
        return self._read_csv(records)

    def _quotes(self, line: bytes) -> int:
        """How many of them open or close a value."""
        if self._into.escape != self._into.quote:
            line = re.sub(re.escape(self._into.escape.encode(self._codec)) + b".", b"", line, flags=re.DOTALL)
        return line.count(self._quote)

    def _read_csv(self, records: list[bytes]) -> Iterable[Sequence[bytes]]:
        doubled = self._into.escape == self._into.quote
        texts = [record.decode(self._codec, "replace") for record in records]
        try:
            for text in texts:
                for row in csv.reader(
                    [text],
                    delimiter=self._into.delimiter,
                    quotechar=self._into.quote,
                    doublequote=doubled,
                    escapechar=None if doubled else self._into.escape,
                ):
                    yield [value.encode(self._codec, "replace") for value in row]
        except csv.Error:
            self._is_blind = True  # the target will say what is wrong with it

    def _binary(self, data: bytes) -> Iterable[Sequence[bytes]]:
        at = 0
        if not self._is_begun:
            if len(data) < _BINARY_HEAD or len(data) < (at := _BINARY_HEAD + int.from_bytes(data[15:19], "big")):
                self._rest = data
                return
            self._is_begun = True
        while (row := _tuple(data, at)) is not None:
            at, values = row
            yield values
        self._rest = data[at:]


def _tuple(data: bytes, at: int) -> tuple[int, list[bytes]] | None:
    """Where the tuple that begins here ends, and its fields (NULL is empty); None while it is not whole, and behind the last."""
    if len(data) < at + 2 or (count := int.from_bytes(data[at : at + 2], "big", signed=True)) < 0:
        return None
    at += 2
    values = []
    for _ in range(count):
        if len(data) < at + 4:
            return None
        length = max(int.from_bytes(data[at : at + 4], "big", signed=True), 0)
        at += 4
        if len(data) < at + length:
            return None
        values.append(data[at : at + length])
        at += length
    return at, values
