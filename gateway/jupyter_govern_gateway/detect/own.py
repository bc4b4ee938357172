"""An installation's own patterns: the whole match is hidden.

Nothing is known of such a pattern, so it is shown the text in blocks counted from the text's beginning: each match begins in a
block and ends before its window does. A longer match goes on in the next block. Streams cut at the same places.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from re import _parser  # type: ignore[attr-defined]
from typing import Final

from jupyter_govern_gateway.detect.linear import linear
from jupyter_govern_gateway.detect.spans import REACH, Span
from jupyter_govern_gateway.detect.view import View

BLOCK: Final = 64
_BEFORE: Final = 16  # what a look-behind, and an escape that begins before the block, may see
_CONTEXT: Final = re.compile(rb"\\[bBAZzpP]|[$^]|\(\?[^:]|[*+?}]\+|\\[1-9]")


class Own:
    """Raises ValueError for a pattern that does not compile or can match nothing at all."""

    def __init__(self, name: str, pattern: str) -> None:
        source = pattern.encode()
        try:
            least = _parser.parse(source).getwidth()[0]
            self._plain = re.compile(source)
        except re.error as error:
            raise ValueError(f"pattern {name!r}: {error}") from None
        if not least:
            raise ValueError(f"pattern {name!r} can match the empty string")
        self.name, self._pattern = name, linear(source) or self._plain
        self._free = _CONTEXT.search(source.replace(b"[^", b"[")) is None

    def hint(self, data: bytes) -> bool:
        """A pattern that looks around itself may match in a part and not in the whole: nothing is promised for it."""
        return not self._free or b"\\" in data or self._pattern.search(data) is not None

    def find(self, data: bytes) -> Iterator[Span]:
        for block in range(0, len(data), BLOCK):
            before = min(_BEFORE, block)
            window = data[block - before : block + REACH]
            view = View(window)
            offset = block - before
            first = before if view.text is window else next(at for at in range(len(window) + 1) if view.raw(at) >= before)
            for start, stop in self._spans(view.text, first):
                if view.raw(start) + offset >= block + BLOCK:
                    break
                yield view.raw(start) + offset, view.raw(stop) + offset

    def _spans(self, text: bytes, first: int) -> Iterator[Span]:
        return (found.span() for found in self._pattern.finditer(text, first) if found.end() > found.start())
