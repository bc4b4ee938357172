"""Payment card numbers: 13 to 19 digits, plain or in groups by single blanks or dashes, with a right Luhn digit.

Order numbers and dates stand beside cards, so every window that begins and ends at a group's border is tried, not only the
longest. The Luhn sums come from running totals: trying a window costs two look-ups, whatever the text. Other separators are
regular.py's; find() is shown a wide view, the hint and the places are chains.py's, asked of raw bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from jupyter_govern_gateway.detect import regular
from jupyter_govern_gateway.detect.spans import Match

SHORTEST: Final = 13
LONGEST: Final = 19
KEPT_FIRST: Final = 6
KEPT_LAST: Final = 4

_RUN: Final = re.compile(rb"[0-9][0-9 -]{12,}")  # one character class: no grouping, so nothing to backtrack into
_GROUP: Final = re.compile(rb"[0-9]+")
_VALUE: Final = bytes(byte - 0x30 if 0x30 <= byte <= 0x39 else 0 for byte in range(256))
_DOUBLED: Final = bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9)[byte - 0x30] if 0x30 <= byte <= 0x39 else 0 for byte in range(256))

_Group = tuple[int, int]


def find(text: bytes) -> Iterator[Match]:
    for run in _RUN.finditer(text):
        chain: list[_Group] = []
        for group in _GROUP.finditer(text, run.start(), run.end()):
            start, stop = group.span()
            if chain and start != chain[-1][1] + 1:
                yield from _windows(text, chain)
                chain = []
            chain.append((start, stop))
        yield from _windows(text, chain)
    for groups in regular.find(text):
        yield _match(groups)


def _windows(text: bytes, chain: list[_Group]) -> Iterator[Match]:
    """chain: digit groups with one separator between each two."""
    counts = [0, *accumulate(stop - start for start, stop in chain)]
    if counts[-1] < SHORTEST or (len(chain) == 1 and counts[-1] > LONGEST):
        return
    digits = b"".join([text[start:stop] for start, stop in chain])
    totals, end, size = _totals(digits), 0, len(chain)
    for begin in range(size):
        first = counts[begin]
        while end < size and counts[end] - first < SHORTEST:
            end += 1
        window = end
        while window <= size and SHORTEST <= (past := counts[window]) - first <= LONGEST:
            total = totals[past & 1]
            if not (total[past] - total[first]) % 10 and digits[first:past].strip(b"0"):
                yield _match(chain[begin:window])
            window += 1


def _totals(digits: bytes) -> tuple[list[int], list[int]]:
    """Running Luhn sums for windows that stop at an even and at an odd offset: the last digit counts once, the one before twice."""
    once, twice = digits.translate(_VALUE), digits.translate(_DOUBLED)
    even, odd = bytearray(once), bytearray(once)
    even[0::2] = twice[0::2]
    odd[1::2] = twice[1::2]
    return [0, *accumulate(even)], [0, *accumulate(odd)]


def _match(groups: list[_Group]) -> Match:
    """Of each group, what lies between the first six digits of all and the last four."""
    start, stop = groups[0][0], groups[-1][1]
    digits = sum(end - begin for begin, end in groups)
    hidden, at, past = [], KEPT_FIRST, digits - KEPT_LAST
    for begin, end in groups:
        if at < end - begin and past > 0:
            hidden.append((begin + max(at, 0), begin + min(past, end - begin)))
        at, past = at - (end - begin), past - (end - begin)
    return Match(start, stop, tuple(hidden))
