"""Statements that differ in their literals only share a plan: the text with its literals taken out, and where they stood. Pure.

Reads only what cannot be misread: plain numbers and plain strings. Where a text holds a comment, a backslash, a dollar quote or a
prefixed string, whose extent depends on settings of the session, it is not normalised (fail closed: its plan is its own).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MAX_NORMALISED: Final = 16_384
"""Longer texts are rarely sent twice with other literals."""
_WORD: Final = r"A-Za-z0-9_\x80-\U0010ffff"
_NEVER: Final = ("\\", "--", "/*", "\x00", "\x01", "\x02")
_DOLLAR: Final = re.compile(r"\$(?![0-9])")
_PREFIXED: Final = re.compile(r"[Uu]&")
_NUMBER_HERE: Final = rf"(?<![{_WORD}$.])[0-9]+(?:\.[0-9]+)?(?![{_WORD}$.])"
_NEXT: Final = re.compile(
    rf"""(?:[^{_WORD}"']++|"[^"]*+"|(?!{_NUMBER_HERE})[{_WORD}][{_WORD}$.]*+)*+"""
    rf"""(?:((?<![{_WORD}$])'[^']*+')|({_NUMBER_HERE})|["'])"""
)
"""All that is neither a literal nor a quote: signs, quoted names, words. Then a plain string, a plain number, or a quote that belongs
to none of them. Only ever matched where the last one ended: begun elsewhere it would read the middle of a name."""
_STRING, _NUMBER = 1, 2


@dataclass(frozen=True, slots=True)
class Normal:
    """key: the text without its literals. spans: where they stand in it, in bytes of the text."""

    key: str
    spans: tuple[tuple[int, int], ...]


def normal(text: str) -> Normal | None:
    """None where the text's literals cannot be told from the rest with certainty, or where it has none."""
    if len(text) > MAX_NORMALISED or not _is_sure(text):
        return None
    ascii_only = text.isascii()
    out: list[str] = []
    spans: list[tuple[int, int]] = []
    at = 0
    while (piece := _NEXT.match(text, at)) is not None:
        which = piece.lastindex
        if which is None:
            return None
        start, stop = piece.span(which)
        out += (text[at:start], "\x01" if which == _STRING else "\x02")
        at = stop
        spans.append((start, stop) if ascii_only else (len(text[:start].encode()), len(text[:stop].encode())))
    if not spans:
        return None
    out.append(text[at:])
    return Normal("".join(out), tuple(spans))


def _is_sure(text: str) -> bool:
    """Nothing in there whose extent depends on more than the text."""
    for mark in _NEVER:
        if mark in text:
            return False
    return not ("$" in text and _DOLLAR.search(text)) and not ("&" in text and _PREFIXED.search(text))


def moved(offset: int, old: tuple[tuple[int, int], ...], new: tuple[tuple[int, int], ...]) -> int:
    """A byte offset in one text as the same place in another with other literals; it stands in no literal."""
    shift = 0
    for (start, stop), (new_start, new_stop) in zip(old, new, strict=True):
        if start >= offset:
            break
        shift += (new_stop - new_start) - (stop - start)
    return offset + shift
