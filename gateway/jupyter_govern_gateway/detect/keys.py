"""Credentials: keys of known issuers, JSON web tokens, private key blocks.

A beginning tells (at most REACH bytes); from there everything is hidden until a byte that cannot belong to it, or a block's
footer. So a key may be as long as it likes, and a stream never waits for its end: it only has to know that it is inside one.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from jupyter_govern_gateway.detect.spans import Span

_TITLE: Final = rb" [A-Z0-9 ]{0,24}PRIVATE KEY(?: BLOCK)?-----"
_START: Final = re.compile(  # every branch begins with a literal: the engine skips to those bytes (8 times as fast as with groups)
    rb"-----BEGIN" + _TITLE + rb"|eyJ[A-Za-z0-9_-]{6,180}\.(?:eyJ|[A-Za-z0-9_-]{16})"
    rb"|A(?:KI|SI)A[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22}|xox[abeoprs]-[A-Za-z0-9-]{10}"
    rb"|sk_live_[A-Za-z0-9]{16}|rk_live_[A-Za-z0-9]{16}|AIza[0-9A-Za-z_-]{35}"
)
_SIGNS: Final = (
    b"PRIVATE KEY",
    b"eyJ",
    b"AKIA",
    b"ASIA",
    b"github_pat_",
    b"ghp_",
    b"gho_",
    b"ghu_",
    b"ghs_",
    b"ghr_",
    b"xox",
    b"k_live_",
    b"AIza",
)
_FOOTER: Final = re.compile(rb"-----END" + _TITLE)
_REST: Final = {  # JSON writes a block's line ends, and some writers / and +, as escapes
    "block": re.compile(rb"(?:[A-Za-z0-9+/=:,.* \t\r\n-]+|\\{1,7}(?:[nrt/]|u00[0-9a-fA-F]{2}))*"),
    "jwt": re.compile(rb"[A-Za-z0-9_.-]*"),
    "key": re.compile(rb"[A-Za-z0-9_-]*"),
}
_FORMS: Final = {b"---": "block", b"eyJ": "jwt"}
_PIECE: Final = 4096
_LONGEST_FOOTER: Final = 64
_SHOWN: Final = re.compile(rb"[^ \t\r\n,:]+")  # line ends and delimiters stay: rows are framed by them


class Region(NamedTuple):
    """data[start:stop] belongs to a key of this form."""

    form: str
    start: int
    stop: int


class Carry(NamedTuple):
    """A region that began before these bytes. stop: where it ends, or -1 while that is not known."""

    form: str
    stop: int = -1


def hint(data: bytes) -> bool:
    return any(sign in data for sign in _SIGNS)


def regions(data: bytes, carry: Carry | None = None) -> list[Region]:
    found: list[Region] = []
    at = 0
    if carry is not None:
        at = carry.stop if carry.stop >= 0 else _stop(data, 0, carry.form)
        found.append(Region(carry.form, 0, at))
    while (start := _START.search(data, at)) is not None:
        form = _FORMS.get(start[0][:3], "key")
        at = _stop(data, start.end(), form)
        found.append(Region(form, start.start(), at))
    return found


def shown(data: bytes, region: Region) -> list[Span]:
    return [part.span() for part in _SHOWN.finditer(data, region.start, region.stop)]


def _stop(data: bytes, at: int, form: str) -> int:
    """Piece by piece: a footer that is near must not cost a walk to the end of the text."""
    begin = at
    while (rest := _REST[form].match(data, at, at + _PIECE)) is not None and rest.end() > at:
        footer = _FOOTER.search(data, max(begin, at - _LONGEST_FOOTER), rest.end()) if form == "block" else None
        if footer is not None:
            return footer.end()
        at = rest.end()
    return at
