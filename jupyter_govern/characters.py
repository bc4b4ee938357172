"""Characters that one would not see as themselves: what strangers wrote is shown with these spelled out, on pages and terminals."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable


def is_odd(character: str) -> bool:
    """Whether a character is invisible, changes its neighbours, drives a terminal, or passes for a blank."""
    if character in {"\n", "\t", " "} or " " < character <= "~":
        return False
    # category C: controls, formats (bidi, zero width), surrogates, private use, unassigned; Z: all blanks and separators
    return unicodedata.category(character)[0] in {"C", "Z"}


def spelled(text: str, odd: Callable[[str], str] = lambda character: f"<U+{ord(character):04X}>") -> str:
    """The text with each odd character as `odd` writes it."""
    return "".join(odd(character) if is_odd(character) else character for character in text)
