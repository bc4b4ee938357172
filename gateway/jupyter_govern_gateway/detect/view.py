"""Text as its reader will see it: JSON escapes resolved, one byte for each, and the way back to the bytes as they stand.

Applied to any text with a backslash in it: JSON is stored in text columns too. An escape inside a string inside a document has
more than one backslash; up to seven (three levels) are taken for one escape. The parity of longer runs is not followed.

A wide view also sees through disguise: digits of every script are 0 to 9, other separators one byte each, invisible ones nothing.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import Final

from jupyter_govern_gateway.detect.disguise import BY_BYTES, BY_POINT, INVISIBLE, INVISIBLE_ESCAPE, INVISIBLE_RUN, VISIBLE

_ESCAPE: Final = re.compile(rb'(?<!\\)\\{1,7}(?:u([0-9a-fA-F]{4})|([bfnrt"/]))')
_PAIR: Final = rb"(?<!\\)\\{1,7}u([dD][89abAB][0-9a-fA-F]{2})\\{1,7}u([dD][c-fC-F][0-9a-fA-F]{2})"
_HIDDEN: Final = rb"(?P<run>(?:" + INVISIBLE + rb"|(?<!\\)\\{1,7}u" + INVISIBLE_ESCAPE + rb")+)"
_WIDE: Final = re.compile(_HIDDEN + b"|(?P<seen>" + VISIBLE + b")|" + _PAIR + b"|" + _ESCAPE.pattern)
_ONE_HIDDEN: Final = re.compile(INVISIBLE + b"|" + _PAIR[len(rb"(?<!\\)") :] + rb"|\\{1,7}u....", re.DOTALL)
_SHORT: Final = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b'"': b'"', b"/": b"/"}
_OTHER: Final = b"\xc3"  # any character beyond ASCII: a byte as UTF-8 begins one


class View:
    """text: what to look at; plain: it is the data; raw(at): where that offset stands in the data."""

    def __init__(self, data: bytes, *, wide: bool = False) -> None:
        self._at: list[int] = []
        self._shift = [0]
        wide = wide and (b"\\u" in data or not data.isascii())
        self.text = self._resolved(data, wide) if wide or b"\\" in data else data
        self.plain = not self._at

    def _resolved(self, data: bytes, wide: bool) -> bytes:
        parts, past, shift = [], 0, 0
        for found in (_WIDE if wide else _ESCAPE).finditer(data):
            start, stop = found.span()
            stands = _unmasked(found) if wide else _character(found[1], found[2])
            parts += [data[past:start], stands]
            self._at.append(start - shift)
            shift += stop - start - len(stands)
            self._shift.append(shift)
            past = stop
        parts.append(data[past:])
        return b"".join(parts)

    def raw(self, at: int) -> int:
        return at + self._shift[bisect_left(self._at, at)] if self._at else at


def _unmasked(found: re.Match[bytes]) -> bytes:
    run, seen, high, low, point, short = found.groups()
    if seen is not None:
        return BY_BYTES[seen]
    if run is not None:
        return b"" if sum(1 for _ in _ONE_HIDDEN.finditer(run)) <= INVISIBLE_RUN else _OTHER
    if high is not None:
        return BY_POINT.get(chr(0x10000 + ((int(high, 16) & 0x3FF) << 10) + (int(low, 16) & 0x3FF)), _OTHER)
    return (BY_POINT.get(chr(int(point, 16))) if point is not None else None) or _character(point, short)


def _character(point: bytes | None, short: bytes) -> bytes:
    if point is None:
        return _SHORT[short]
    value = int(point, 16)
    return bytes([value]) if value < 0x80 else _OTHER
