"""Text as its reader will see it: JSON escapes resolved, one byte for each, and the way back to the bytes as they stand.

Applied to any text with a backslash in it: JSON is stored in text columns too. An escape inside a string inside a document has
more than one backslash; up to seven (three levels) are taken for one escape. The parity of longer runs is not followed.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import Final

_ESCAPE: Final = re.compile(rb'(?<!\\)\\{1,7}(?:u([0-9a-fA-F]{4})|([bfnrt"/]))')
_SHORT: Final = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b'"': b'"', b"/": b"/"}
_OTHER: Final = b"\xc3"  # any character beyond ASCII: a byte as UTF-8 begins one


class View:
    """text: what to look at; plain: it is the data; raw(at): where that offset stands in the data."""

    def __init__(self, data: bytes) -> None:
        self._at: list[int] = []
        self._shift = [0]
        self.text = self._resolved(data) if b"\\" in data else data
        self.plain = not self._at

    def _resolved(self, data: bytes) -> bytes:
        parts, past, shift = [], 0, 0
        for escape in _ESCAPE.finditer(data):
            start, stop = escape.span()
            parts += [data[past:start], _character(escape)]
            self._at.append(start - shift)
            shift += stop - start - 1
            self._shift.append(shift)
            past = stop
        parts.append(data[past:])
        return b"".join(parts)

    def raw(self, at: int) -> int:
        return at + self._shift[bisect_left(self._at, at)] if self._at else at


def _character(escape: re.Match[bytes]) -> bytes:
    if escape[1] is None:
        return _SHORT[escape[2]]
    point = int(escape[1], 16)
    return bytes([point]) if point < 0x80 else _OTHER
