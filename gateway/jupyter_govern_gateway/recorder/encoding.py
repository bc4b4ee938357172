"""JSON in canonical form (jupyter_govern/recording.py), made fast: one encoder for all, and what recurs is encoded once."""

from __future__ import annotations

import json
from collections.abc import Callable
from json.encoder import c_make_encoder  # type: ignore[attr-defined]
from typing import Any, Final, Generic, TypeVar

V = TypeVar("V")
MAX_KEPT: Final = 4096

_plain: Final = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode
# the same encoder, but made once: JSONEncoder makes one for each value that is not a text or a number
_compound: Final = c_make_encoder and c_make_encoder(None, None, json.encoder.encode_basestring, None, ":", ",", True, False, False)
text_of: Final[Callable[[str], str]] = json.encoder.encode_basestring
"""A text as JSON."""


def encode(value: Any) -> str:
    if _compound is None or type(value) is str:
        return _plain(value)
    return "".join(_compound(value, 0))


class Encoded(str):
    """JSON text that is in canonical form already: what is the same in many entries is encoded once."""

    __slots__ = ()


def encoded(value: Any) -> Encoded:
    return Encoded(encode(value))


class Kept(Generic[V]):
    """What was encoded of a frozen value, found again by its identity: comparing values costs more than encoding them."""

    __slots__ = ("_fields", "_known")

    def __init__(self, fields: Callable[[V], Any]) -> None:
        self._fields = fields
        self._known: dict[int, tuple[V, Encoded]] = {}

    def of(self, value: V) -> Encoded:
        known = self._known.get(id(value))
        if known is not None:  # it holds the value, so that nothing else can have its identity
            return known[1]
        if len(self._known) >= MAX_KEPT:
            self._known.clear()
        made = encoded(self._fields(value))
        self._known[id(value)] = (value, made)
        return made
