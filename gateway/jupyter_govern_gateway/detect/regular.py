"""Cards between whose digits stand other separators than one blank or dash: dots, line breaks, several of them, any of Unicode's.

Such separators stand between ordinary numbers too, so more is asked for: an issuer's beginning and length, and a card's grouping:
every digit alone, fours, or 4-6-5 and 4-6-4. What goes on regularly beyond a card is a column of numbers. No separators: commas.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from jupyter_govern_gateway.detect.linear import linear

_RUN_PATTERN: Final = rb"[0-9][0-9 ./_\t\r\n\xc0-]{14,}"
_RUN: Final = linear(_RUN_PATTERN, every_byte=True) or re.compile(_RUN_PATTERN)
_OTHER: Final = re.compile(rb"[./_\t\r\n\xc0]|[ -]{2}")  # than one blank or dash, which cards.py knows
_SOME: Final = rb"[ ./_\t\r\n\xc0-]{1,3}"
_SHAPED: Final = b"|".join((
    rb"(?:[0-9]%s){12}[0-9]" % _SOME, rb"(?:[0-9]{4}%s){3}[0-9]" % _SOME, rb"[0-9]{4}%s[0-9]{6}%s[0-9]{4}" % (_SOME, _SOME)
))  # fmt: skip
_FAST_SHAPED: Final = linear(_SHAPED, every_byte=True) or re.compile(_SHAPED)
_GROUP: Final = re.compile(rb"[0-9]+")
GAP: Final = 3
_LENGTHS: Final = (frozenset({16}), frozenset({15}), frozenset({13, 16, 19}), frozenset(range(16, 20)), frozenset(range(14, 20)))
_ISSUERS: Final = (  # first four digits from, to; lengths
    (2200, 2204, _LENGTHS[3]), (2221, 2720, _LENGTHS[0]), (3000, 3059, _LENGTHS[4]), (3095, 3095, _LENGTHS[4]),
    (3400, 3499, _LENGTHS[1]), (3528, 3589, _LENGTHS[3]), (3600, 3699, _LENGTHS[4]), (3700, 3799, _LENGTHS[1]),
    (3800, 3999, _LENGTHS[4]), (4000, 4999, _LENGTHS[2]), (5018, 5038, _LENGTHS[3]), (5100, 5599, _LENGTHS[0]),
    (5600, 5899, _LENGTHS[3]), (6011, 6011, _LENGTHS[3]), (6200, 6299, _LENGTHS[3]), (6304, 6304, _LENGTHS[3]),
    (6440, 6599, _LENGTHS[3]), (6759, 6763, _LENGTHS[3]),
)  # fmt: skip
_FOURS: Final = {(4,) * (total // 4) + ((total % 4,) if total % 4 else ()) for total in range(13, 20)}
_SHAPES: Final = {1: [(1,) * total for total in range(13, 20)], 4: sorted(_FOURS | {(4, 6, 5), (4, 6, 4)})}
_BY_FIRST: Final = {first: lengths for low, high, lengths in _ISSUERS for first in range(low, high + 1)}

Group = tuple[int, int]


def find(text: bytes) -> Iterator[list[Group]]:
    if _FAST_SHAPED.search(text) is None:
        return
    for run in _RUN.finditer(text):
        if _OTHER.search(text, *run.span()) is not None:
            yield from _cards(text, [found.span() for found in _GROUP.finditer(text, *run.span())])


def _cards(text: bytes, groups: list[Group]) -> Iterator[list[Group]]:
    sizes = tuple(stop - start for start, stop in groups)
    gaps = [text[stop:start] for (_, stop), (start, _) in pairwise(groups)]
    digits = b"".join([text[start:stop] for start, stop in groups])
    first = 0
    for at, size in enumerate(sizes):
        lengths = _BY_FIRST.get(int(digits[first : first + 4]), ()) if size in _SHAPES else ()
        if lengths and not (0 < at < len(gaps) and gaps[at - 1] == gaps[at]):
            for shape in _SHAPES[size]:
                total, end = sum(shape), at + len(shape)
                if total in lengths and sizes[at:end] == shape and _luhn(digits[first : first + total]) and _ends(gaps, at, end):
                    yield groups[at:end]
        first += size


def _ends(gaps: list[bytes], begin: int, end: int) -> bool:
    """No gap is too wide, and what stands after the window is not its next group."""
    return max(map(len, gaps[begin : end - 1])) <= GAP and not (end - 1 < len(gaps) and gaps[end - 1] == gaps[end - 2])


def _luhn(digits: bytes) -> bool:
    values = [digit - 0x30 for digit in reversed(digits)]
    return not (sum(values[0::2]) + sum(value * 2 - 9 * (value > 4) for value in values[1::2])) % 10
