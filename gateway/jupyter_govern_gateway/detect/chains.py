"""Where in raw bytes a card can be, disguised or not: cheap for text without one, and it misses none.

First a pass in C that leaves out separators: are there 13 digits in a row? Then a pattern, in linear time. Text beyond ASCII is
translated to classes of bytes for it, so that the pattern is small: what begins a digit of any script, a separator, what follows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from jupyter_govern_gateway.detect.disguise import DIGIT_LEADS, INVISIBLE_RUN, OTHER_LEADS
from jupyter_govern_gateway.detect.linear import linear
from jupyter_govern_gateway.detect.regular import GAP

_SHORTEST: Final = 13
_FOLLOWING: Final = bytes(range(0x80, 0xC0))
_BOTH: Final = bytes(set(DIGIT_LEADS) & set(OTHER_LEADS))


def _table(classes: Mapping[bytes, bytes]) -> bytes:
    table = bytearray(b"x" * 256)
    for members, stands in classes.items():
        for byte in members:
            table[byte] = stands[0]
    return bytes(table)


_DIGITS: Final = b"0123456789"
_ALONE: Final = _table({_DIGITS + DIGIT_LEADS: b"0"})
_ENOUGH: Final = b"0" * _SHORTEST
_ESCAPED: Final = b"\\nrt"
_LEFT_OUT: Final = b" -./_\t\r\n"
_LEFT_OUT_WIDE: Final = _LEFT_OUT + _FOLLOWING + bytes(set(OTHER_LEADS) - set(DIGIT_LEADS))
_CLASSES: Final = _table(
    {_DIGITS: b"0", DIGIT_LEADS: b"D", OTHER_LEADS: b"S", _BOTH: b"B", _FOLLOWING: b"~"}
    | {bytes([byte]): bytes([byte]) for byte in _LEFT_OUT + _ESCAPED}
)


def _compiled(digit: bytes, separator: bytes, most: int) -> Any:
    """separator: any single one, up to `most` of them where the grouping is regular."""
    some = rb"(?:%s|\\{1,7}[nrt/]){1,%d}" % (separator, most)
    groups = (
        b"%s(?:[ -]?%s){12}" % (digit, digit),
        b"%s(?:%s%s){12}" % (digit, some, digit),
        b"(?:(?:%s){4}%s){3}%s" % (digit, some, digit),
        b"(?:%s){4}%s(?:%s){6}%s(?:%s){4}" % (digit, some, digit, some, digit),
    )
    source = b"|".join(groups)
    return linear(source) or re.compile(source)


_PLAIN: Final = _compiled(b"[0-9]", rb"[ ./_\t\r\n-]", GAP)
_WIDE_PATTERN: Final = _compiled(
    rb"(?:0|[DB]~{1,3})(?:[SB]~{1,3}){0,%d}" % INVISIBLE_RUN,
    rb"(?:[ ./_\t\r\n-]|[SB]~{1,3})",
    GAP + (GAP + 1) * INVISIBLE_RUN,
)


def hint(data: bytes) -> bool:
    """Can any part of this hold a card?"""
    return _enough(data) and next(iter(_found(data)), None) is not None


def places(data: bytes) -> list[int]:
    """Where a chain of digits begins: every card in the data has such a place inside or right before it."""
    return [found.start() for found in _found(data)] if _enough(data) else []


def _enough(data: bytes) -> bool:
    left_out = _LEFT_OUT if data.isascii() else _LEFT_OUT_WIDE
    return _ENOUGH in data.translate(_ALONE, left_out + _ESCAPED if b"\\" in data else left_out)


def _found(data: bytes) -> Any:
    return _PLAIN.finditer(data) if data.isascii() else _WIDE_PATTERN.finditer(data.translate(_CLASSES))
