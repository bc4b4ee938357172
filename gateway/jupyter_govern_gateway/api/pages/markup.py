"""HTML that cannot be broken into: values are escaped unless they are Safe already, odd characters are made visible.

A statement is what a stranger wrote. On the page where somebody decides about it, it must neither become markup nor look
like another statement (controls, invisible and direction-changing characters).
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable
from typing import LiteralString

from jupyter_govern.characters import is_odd


class Safe(str):
    """Text that is HTML already, made by this module only."""

    __slots__ = ()


def markup(template: LiteralString, **values: str | int | Safe) -> Safe:
    """The template with each {name} replaced by its value, escaped."""
    return Safe(template.format_map({name: _escaped(value) for name, value in values.items()}))


def joined(parts: Iterable[Safe]) -> Safe:
    """Pieces one after the other."""
    return Safe("".join(parts))


def visible(text: str) -> Safe:
    """Hostile text with every character that one would not see as itself spelled out."""
    return Safe("".join(_mark(c) if is_odd(c) else html.escape(c, quote=True) for c in text))


def _mark(character: str) -> str:
    name = unicodedata.name(character, "control character")
    return f'<span class="odd" title="{html.escape(name, quote=True)}">U+{ord(character):04X}</span>'


def _escaped(value: str | int | Safe) -> str:
    return value if isinstance(value, Safe) else html.escape(str(value), quote=True)
