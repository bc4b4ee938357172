"""Characters that stand for others: digits of every script, separators and invisible characters beyond ASCII, full-width @ and dot.

Known by their code points (for JSON escapes) and by their UTF-8 bytes.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable
from itertools import groupby
from typing import Final

SEPARATOR: Final = b"\xc0"  # for any separator beyond ASCII; no byte of UTF-8
INVISIBLE_RUN: Final = 3  # invisible characters in a row that are passed over
_FILLERS: Final = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"
"""Letters by their category, which show nothing."""
_SELECTORS: Final = ((0xFE00, 0xFE10), (0xE0100, 0xE01F0))
_DOTS: Final = "\u00b7\u2022\u2024\u2027\u2219\u22c5\u30fb\uff65\u2044\u2215\u2212\uff0f\uff3f\u2028\u2029\u0085"
_SAME: Final = {"\uff20": b"@", "\ufe6b": b"@", "\uff0e": b".", "\ufe52": b"."}


def _stands_for() -> dict[str, bytes]:
    found: dict[str, bytes] = dict.fromkeys(_FILLERS, b"") | dict.fromkeys(_DOTS, SEPARATOR) | _SAME
    for first, stop in _SELECTORS:
        found |= dict.fromkeys(map(chr, range(first, stop)), b"")
    for character in map(chr, range(0x80, sys.maxunicode + 1)):
        kind = unicodedata.category(character)
        if kind == "Nd":
            found[character] = b"%d" % unicodedata.digit(character)
        elif kind in ("Zs", "Pd"):
            found[character] = SEPARATOR
        elif kind == "Cf":
            found[character] = b""
    return found


def _pattern(characters: Iterable[bytes]) -> bytes:
    """An alternative for each beginning, a class for the last bytes."""
    return b"|".join(
        re.escape(first) + b"[" + b"".join(rb"\x%02x" % character[-1] for character in group) + b"]"
        for first, group in groupby(sorted(characters), lambda character: character[:-1])
    )


def _escape(character: str) -> bytes:
    """A pattern of the character as JSON writes it, without its first backslash, in either case."""
    units = character.encode("utf-16-be").hex()
    either = [f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in units]
    return rb"\\{1,7}u".join("".join(either[at : at + 4]).encode() for at in range(0, len(either), 4))


BY_POINT: Final = _stands_for()
BY_BYTES: Final = {character.encode(): stands for character, stands in BY_POINT.items()}
INVISIBLE: Final = b"(?:" + _pattern(key for key, value in BY_BYTES.items() if not value) + b")"
INVISIBLE_ESCAPE: Final = b"(?:" + b"|".join(_escape(key) for key, value in BY_POINT.items() if not value) + b")"
"""The same characters as what stands behind the backslashes of a JSON escape; two of them for one beyond the first 65,536."""
VISIBLE: Final = b"(?:" + _pattern(key for key, value in BY_BYTES.items() if value) + b")"
DIGIT_LEADS: Final = bytes(sorted({key[0] for key, value in BY_BYTES.items() if value.isdigit()}))
OTHER_LEADS: Final = bytes(sorted({key[0] for key, value in BY_BYTES.items() if not value.isdigit()}))
AT_SIGNS: Final = tuple(key for key, value in BY_BYTES.items() if value == b"@")
