"""Content detection in what the target sends: text values of rows, COPY, errors and notices, whichever column they come from.

What is hidden is overwritten, so every length stays as it came. Values of types that are not text pass as they are; a value whose
type is not known counts as text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from jupyter_govern_gateway.codecs.postgresql import fields
from jupyter_govern_gateway.codecs.postgresql.frames import COPY_DATA, HEADER
from jupyter_govern_gateway.detect.stream import Stream

if TYPE_CHECKING:
    from jupyter_govern_gateway.adapters.postgresql.entries import Run
    from jupyter_govern_gateway.detect.scanner import Scanner

JSON: Final = frozenset({114, 3802})
JSONB: Final = 3802
FIRST_USER_OID: Final = 16384
TEXTS: Final = frozenset(
    {18, 19, 25, 705, 1042, 1043, 2275, 142, 3614, 3615, 4072, 2249, 1790}  # char name text unknown bpchar varchar cstring xml tsvector …
    | {199, 3807, 143, 1002, 1003, 1009, 1014, 1015, 1263, 2287, 3643, 3645, 4073}  # their arrays; record[]
    | JSON
)
_SPOKEN: Final = (fields.MESSAGE, fields.DETAIL, fields.HINT, fields.WHERE, fields.INTERNAL_QUERY)


def is_text(type_oid: int) -> bool:
    """Whether values of this type are text: PostgreSQL's own, and all types of users (domains, composites, hstore, citext)."""
    return type_oid in TEXTS or type_oid >= FIRST_USER_OID


def shown_row(scanner: Scanner, run: Run, data: bytes, at: int, stop: int) -> bytes | None:
    """A DataRow or CopyData with what it must not show overwritten; None where there is nothing to hide."""
    body = at + HEADER
    if data[at] == COPY_DATA:
        value = data[body:stop]
        hidden = scanner.hide(value)
        return None if hidden is value else data[at:body] + hidden
    types = _types(run)
    changed: bytearray | None = None
    place, index = body + 2, 0
    while place + 4 <= stop:
        size = int.from_bytes(data[place : place + 4], "big", signed=True)
        place += 4
        if size > 0:
            type_oid, is_binary = types[index] if index < len(types) else (25, False)
            start = place + (1 if is_binary and type_oid == JSONB else 0)
            if is_text(type_oid):
                value = data[start : place + size]
                hidden = scanner.hide(value, json=type_oid in JSON)
                if hidden is not value:
                    changed = changed or bytearray(data[at:stop])
                    changed[start - at : place + size - at] = hidden
            place += size
        index += 1
    return None if changed is None else bytes(changed)


def _types(run: Run) -> tuple[tuple[int, bool], ...]:
    if run.types is None:
        columns = run.columns or (run.prepared.columns if run.prepared is not None else ())
        formats = run.formats * len(columns) if len(run.formats) == 1 else run.formats
        run.types = tuple(
            (column.type_oid, bool(formats[i] if i < len(formats) else column.format)) for i, column in enumerate(columns)
        )
    return run.types


def hide_spoken(scanner: Scanner, found: fields.Fields) -> bool:
    """The texts of an error or notice; says whether anything changed."""
    changed = False
    for letter in _SPOKEN:
        value = found.get(letter)
        if value is not None and (hidden := scanner.hide(value)) is not value:
            found[letter], changed = hidden, True
    return changed


class LongRow:
    """A row too long to hold, value by value as it streams. run: whose types tell texts from the rest; None for CopyData."""

    def __init__(self, scanner: Scanner, run: Run | None) -> None:
        self._scanner = scanner
        self._types = _types(run) if run is not None else None
        self._skip = HEADER if run is None else HEADER + 2
        self._head = b""
        self._index = -1
        self._left = 0
        self._stream: Stream | None = Stream(scanner) if run is None else None

    def feed(self, data: bytes, *, is_last: bool) -> bytes:
        """The next bytes of the message, hidden; what is held back comes with later ones."""
        out = [data[: self._skip]]
        at = min(self._skip, len(data))
        self._skip -= at
        if self._types is not None:
            self._values(data, at, out)
        elif self._stream is not None:
            out.append(self._stream.feed(data[at:]))
        if is_last and self._stream is not None:
            out.append(self._stream.finish())
        return b"".join(out)

    def _values(self, data: bytes, at: int, out: list[bytes]) -> None:
        while at < len(data):
            if not self._left:
                part = data[at : at + 4 - len(self._head)]
                self._head += part
                at += len(part)
                if len(self._head) == 4:
                    out.append(self._head)
                    self._begin(max(0, int.from_bytes(self._head, "big", signed=True)))
                continue
            part = data[at : at + self._left]
            out.append(self._stream.feed(part) if self._stream is not None else part)
            at += len(part)
            self._left -= len(part)
            if not self._left and self._stream is not None:
                out.append(self._stream.finish())
                self._stream = None

    def _begin(self, size: int) -> None:
        self._head, self._left = b"", size
        self._index += 1
        types = self._types or ()
        is_text_value = self._index >= len(types) or is_text(types[self._index][0])
        self._stream = Stream(self._scanner) if size and is_text_value else None
