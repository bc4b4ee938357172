"""Mail addresses: the local part is hidden, the domain kept.

Found from the @: what follows must begin as a domain does, and the local part is read backwards from there, so that addresses
that touch one another do not hide one another. Characters that frame values in arrays, URLs and delimited files ({ } | / ? & `)
end a local part although RFC 5321 allows them; = is passed over and kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from jupyter_govern_gateway.detect.disguise import AT_SIGNS
from jupyter_govern_gateway.detect.spans import Match, Span

LONGEST: Final = 64  # octets of a local part, RFC 5321 4.5.3.1.1
_LABEL: Final = rb"[A-Za-z0-9\x80-\xff_-]{1,63}"
_DOMAIN: Final = re.compile(
    rb"@(?:(?:" + _LABEL + rb"\.){1,6}?(?:[A-Za-z]{2}|[\x80-\xff]{2})|\[(?:IPv6:)?[0-9A-Fa-f:.]{2,45}\])"  # as little as tells
)
_LOCAL: Final = re.compile(rb"[A-Za-z0-9.!#$%'*+=^_~\x80-\xff-]+")  # applied to reversed text, as is the next
_QUOTED: Final = re.compile(rb'"{1,2}([A-Za-z0-9\x80-\xff](?:[^"\x00-\x1f]{0,62}[A-Za-z0-9\x80-\xff])?)"')
_LEADING: Final = b".!#$%'*+=^~-"  # quotes, signs and bullets before an address are rarely part of it
_CONTINUATION: Final = bytes(range(0x80, 0xC0))
_SEGMENT: Final = re.compile(rb"[^=]+")


def hint(data: bytes) -> bool:
    return b"@" in data or (AT_SIGNS[0][:1] in data and any(sign in data for sign in AT_SIGNS))


def places(data: bytes) -> list[int]:
    """Where an @ stands, whichever."""
    signs = [b"@"] if data.isascii() else [b"@", *AT_SIGNS]
    return [found.start() for sign in signs if sign in data for found in re.finditer(sign, data)]


def find(text: bytes) -> Iterator[Match]:
    for domain in _DOMAIN.finditer(text):
        at = domain.start()
        spans = _quoted(text, at) if text[at - 1 : at] == b'"' else _local(text, at)
        if spans:
            yield Match(spans[0][0], domain.end(), spans)


def _local(text: bytes, at: int) -> tuple[Span, ...]:
    found = _LOCAL.match(text[max(0, at - LONGEST) : at][::-1])
    if found is None:
        return ()
    local = found[0][::-1]
    if len(local) == LONGEST:
        local = local.lstrip(_CONTINUATION)  # cut inside a character: half of it must not be overwritten
    local = local.lstrip(_LEADING)
    return tuple(part.span() for part in _SEGMENT.finditer(text, at - len(local), at))


def _quoted(text: bytes, at: int) -> tuple[Span, ...]:
    """The quotes are kept: they may be a document's. Words must stand inside them, lest `","@b.c` of an array pass for one."""
    found = _QUOTED.match(text[max(0, at - LONGEST - 2) : at][::-1])
    return () if found is None else ((at - found.end(1), at - found.start(1)),)
