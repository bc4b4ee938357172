"""International telephone numbers: +, a country code (kept), 8 to 15 digits in all, with the usual separators."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from jupyter_govern_gateway.detect.spans import Match, words

SHORTEST: Final = 8
LONGEST: Final = 15  # E.164
_NUMBER: Final = re.compile(rb"\+\(?[0-9](?:[ ./()-]{0,3}[0-9]){7,14}")
_HINT: Final = re.compile(rb"\+\(?[0-9]")
_DIGIT: Final = re.compile(rb"[0-9]")
_TWO_DIGITS: Final = frozenset(
    (b"20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 "
     b"81 82 84 86 90 91 92 93 94 95 98").split()
)  # fmt: skip


def hint(data: bytes) -> bool:
    return b"+" in data and _HINT.search(data) is not None


def find(text: bytes) -> Iterator[Match]:
    for found in _NUMBER.finditer(text):
        digits = [digit.start() for digit in _DIGIT.finditer(text, found.start(), found.end())]
        while len(digits) >= SHORTEST and text[digits[-1] + 1 : digits[-1] + 2].isdigit():
            digits.pop()  # a number ends where a group of digits ends
        if len(digits) >= SHORTEST:
            stop = digits[-1] + 1
            yield Match(found.start(), stop, words(text, digits[_country(text, digits)], stop))


def _country(text: bytes, digits: list[int]) -> int:
    """How many digits the country code has."""
    first, second = (text[at : at + 1] for at in digits[:2])
    if first in b"17":
        return 1
    return 2 if first + second in _TWO_DIGITS else 3
