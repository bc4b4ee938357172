"""What goes on from a block that was read: stretches that nothing changed as they are, other bytes in place of the rest.

To the target, each stretch carries the permits of the messages in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_govern_gateway.adapters.steps import Permitted

if TYPE_CHECKING:
    from jupyter_govern_gateway.gate import Permit


class ToTarget:
    """The block from the client."""

    __slots__ = ("_end", "_permits", "_start", "block", "written")

    def __init__(self, written: list[Permitted]) -> None:
        self.written = written
        self.block = b""
        self._start = self._end = 0
        self._permits: list[Permit] = []

    def begin(self, block: bytes) -> None:
        """A new block is looked at."""
        self.block = block
        self._start = self._end = 0

    def keep(self, permit: Permit, at: int, stop: int) -> None:
        """These bytes of the block go on as they are."""
        if self._end != at or not self._permits:
            self.flush()
            self._start = at
        self._end = stop
        permits = self._permits
        if not permits or permits[-1] is not permit:
            permits.append(permit)

    def put(self, permit: Permit, data: bytes) -> None:
        """Other bytes go."""
        self.flush()
        self.written.append(Permitted(data, (permit,)))

    def flush(self) -> None:
        """Write the stretch so far."""
        if self._permits:
            block = self.block
            if self._start or self._end != len(block):
                block = block[self._start : self._end]
            self.written.append(Permitted(block, self._permits))
            self._permits = []


class ToClient:
    """The block from the target: everything goes on that is not replaced."""

    __slots__ = ("_from", "block", "written")

    def __init__(self, written: list[bytes]) -> None:
        self.written = written
        self.block = b""
        self._from = 0

    def begin(self, block: bytes) -> None:
        """A new block is looked at."""
        self.block = block
        self._from = 0

    def replace(self, at: int, stop: int, data: bytes) -> None:
        """Other bytes (or none) go in place of these."""
        if at > self._from:
            self.written.append(self.block[self._from : at])
        if data:
            self.written.append(data)
        self._from = stop

    def end(self, stop: int) -> None:
        """Everything up to here was looked at."""
        if stop > self._from:
            whole = self._from == 0 and stop == len(self.block)
            self.written.append(self.block if whole else self.block[self._from : stop])
        self.block = b""
        self._from = 0
