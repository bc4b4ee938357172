"""Overwriting inside a JSON document that must stay one: '*' in strings, '0' for the digits of a number, nothing else outside.

A number's fraction is left alone by the card detector: no card is written there, and one double in ten with a long fraction
would pass for one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from jupyter_govern_gateway.detect.spans import Finding, Span

_STRING: Final = re.compile(rb'"(?:[^"\\]+|\\.)*+("?)', re.DOTALL)
_DIGITS: Final = b"0123456789"
_ZEROS: Final = bytes(0x30 if byte in _DIGITS else byte for byte in range(256))
_LONGEST: Final = 32


def overwrite_json(data: bytes, found: Iterable[Finding]) -> bytes:
    hidden, at = bytearray(data), 0
    # What stands between the quotes; a string that is cut off goes to the end.
    strings = [(string.start() + 1, string.start(1)) for string in _STRING.finditer(data)]
    for finding in sorted(found, key=lambda finding: finding.start):
        while at < len(strings) and strings[at][1] <= finding.start:
            at += 1
        _overwrite(hidden, data, finding, strings, at)
    return bytes(hidden)


def _overwrite(hidden: bytearray, data: bytes, finding: Finding, strings: list[Span], at: int) -> None:
    """strings[at]: the first that ends after the start. A span may reach over several, if a pattern is not a value's."""
    kind, start, stop = finding
    while start < stop:
        opening, closing = strings[at] if at < len(strings) else (stop, stop)
        if start < opening:
            outside = min(stop, opening)
            if kind != "card" or not _fraction(data, start):
                hidden[start:outside] = _zeros(data, start, outside)
            start = outside
        inside = min(stop, closing)
        if start < inside:
            hidden[start:inside] = b"*" * (inside - start)
        start, at = max(start, inside), at + 1


def _zeros(data: bytes, start: int, stop: int) -> bytes:
    """A number of several digits may not begin with a zero."""
    zeros = data[start:stop].translate(_ZEROS)
    begins = data[start] in _DIGITS and data[start - 1 : start] not in (*(bytes([digit]) for digit in _DIGITS), b".")
    return b"1" + zeros[1:] if begins and data[start + 1 : start + 2].isdigit() else zeros


def _fraction(data: bytes, start: int) -> bool:
    return data[max(0, start - _LONGEST) : start].rstrip(_DIGITS).endswith(b".")
