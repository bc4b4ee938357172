"""Hiding over chunks: the same bytes as hiding the whole, however they are cut, at most MAX_MATCH bytes later.

Bytes already given out are kept a while as what stands before the next ones. A key that is longer than that is carried as "inside
one": everything up to its end is hidden, so nothing has to be waited for.
"""

from __future__ import annotations

from typing import Final

from jupyter_govern_gateway.detect.keys import Carry
from jupyter_govern_gateway.detect.own import BLOCK
from jupyter_govern_gateway.detect.scanner import Scanner
from jupyter_govern_gateway.detect.spans import MAX_MATCH, overwrite

CONTEXT: Final = 2 * MAX_MATCH


class Stream:
    """One stream's state: feed() in order, then finish() once."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._held = b""  # context, then what is not given out yet
        self._given = 0
        self._carry: Carry | None = None

    def feed(self, chunk: bytes) -> bytes:
        self._held += chunk
        sure = len(self._held) - MAX_MATCH
        if sure <= self._given:
            return b""
        out = self._hidden()[self._given : sure]
        self._given = sure
        self._forget((sure - CONTEXT) // BLOCK * BLOCK)
        return out

    def drain(self) -> bytes:
        """What is held, for somebody who waits for it: a match that goes on behind it is hidden from here on only."""
        out = self._hidden()[self._given :]
        self._given = len(self._held)
        return out

    def finish(self) -> bytes:
        out = self._hidden()[self._given :]
        self._held, self._given, self._carry = b"", 0, None
        return out

    def _hidden(self) -> bytes:
        found = self._scanner.find(self._held, carry=self._carry)
        return overwrite(self._held, [(finding.start, finding.stop) for finding in found]) if found else self._held

    def _forget(self, count: int) -> None:
        """Drops whole blocks: own patterns count them from the stream's beginning."""
        if count <= 0:
            return
        self._carry = self._carried(count)
        self._held, self._given = self._held[count:], self._given - count

    def _carried(self, at: int) -> Carry | None:
        for region in self._scanner.regions(self._held, self._carry):
            if region.start < at < region.stop:
                known = region.stop <= len(self._held) - MAX_MATCH
                return Carry(region.form, region.stop - at if known else -1)
        return None
