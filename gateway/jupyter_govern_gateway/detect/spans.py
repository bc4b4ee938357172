"""What a detector answers: where its match stands and which parts of it are to be overwritten.

Every decision about a byte rests on bytes near it, never on how the text was cut: that is what makes a stream equal the whole.
REACH bounds one look around; hiding looks twice (see scanner), so a stream is sure of a byte MAX_MATCH bytes later.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple

MAX_MATCH: Final = 640
REACH: Final = 240  # twice, and what a cut escape or a border may add, is less than MAX_MATCH

Span = tuple[int, int]
_WORD: Final = re.compile(rb"[0-9A-Za-z]+")


class Finding(NamedTuple):
    """kind: the detector's name; data[start:stop] is to be overwritten."""

    kind: str
    start: int
    stop: int


class Match(NamedTuple):
    """start, stop: all of it, with what is kept; hide: the parts to overwrite."""

    start: int
    stop: int
    hide: tuple[Span, ...]


class Detector(NamedTuple):
    """hint: can any substring of this hold a match? False is a promise, True is not."""

    name: str
    hint: Callable[[bytes], bool]
    find: Callable[[bytes], Iterator[Match]]


def words(text: bytes, start: int, stop: int) -> tuple[Span, ...]:
    """The letters and digits in between: separators are kept, they tell nothing."""
    return tuple(found.span() for found in _WORD.finditer(text, start, stop))


def overwrite(data: bytes, spans: Iterable[Span]) -> bytes:
    hidden = bytearray(data)
    for start, stop in spans:
        hidden[start:stop] = b"*" * (stop - start)
    return bytes(hidden)
