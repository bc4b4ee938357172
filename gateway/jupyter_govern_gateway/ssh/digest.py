"""The SHA-256 of a file that comes in pieces, perhaps not quite in order. Pure."""

from __future__ import annotations

import hashlib
from typing import Final

MAX_AHEAD: Final = 16 * 1024 * 1024
"""Bytes that wait for those before them; a file that is read more wildly has no digest."""


class Digest:
    """bytes: how many were transferred in all."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._next = self.bytes = self._ahead = 0
        self._waiting: dict[int, bytes] = {}
        self._is_broken = False

    def add(self, offset: int, data: bytes) -> None:
        self.bytes += len(data)
        if self._is_broken or not data:
            return
        if offset != self._next:
            self._ahead += len(data)
            self._is_broken = offset < self._next or offset in self._waiting or self._ahead > MAX_AHEAD
            self._waiting[offset] = data
            if self._is_broken:
                self._waiting.clear()
            return
        self._take(data)
        while (following := self._waiting.pop(self._next, None)) is not None:
            self._ahead -= len(following)
            self._take(following)

    def _take(self, data: bytes) -> None:
        self._hash.update(data)
        self._next += len(data)

    def hexdigest(self) -> str:
        """Of everything from the beginning on, or "" where it was not transferred whole and in order."""
        return "" if self._is_broken or self._waiting else self._hash.hexdigest()
