"""The account of one permitted operation over a stream: what was delivered, how much, how it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from jupyter_govern.errors import RecordingFailed
from jupyter_govern_gateway.detect.stream import Stream
from jupyter_govern_gateway.ssh.bounds import MASK_IDLE_SECONDS, MAX_SHELL_RECORD

if TYPE_CHECKING:
    from jupyter_govern_gateway.gate import Permit
    from jupyter_govern_gateway.ssh.visit import Visit


class Account:
    """whole: everything is recorded (a shell); otherwise as far as the budget goes. Any failure to record ends the visit."""

    def __init__(self, visit: Visit, permit: Permit, *, whole: bool) -> None:
        self._visit, self._permit, self._whole = visit, permit, whole
        self.bytes = 0
        visit.began()

    def delivered(self, stream: str, data: bytes) -> bool:
        """Write down what goes to the client; False: it must not go."""
        self.bytes += len(data)
        try:
            if self._whole and self.bytes > MAX_SHELL_RECORD:
                raise RecordingFailed("this shell said more than one recording takes")
            self._permit.output(stream, data, whole=self._whole)
        except RecordingFailed as failed:
            self._visit.end(str(failed))
            return False
        return True

    def resized(self, width: int, height: int) -> None:
        self.delivered("r", f"{width}x{height}".encode())

    def end(self, *, tag: str | None, error: str | None = None) -> None:
        """Once; later calls do nothing."""
        if self._permit.spent:
            return
        try:
            self._permit.finish(tag=tag, rows=0, bytes_=self.bytes, error=error)
        except RecordingFailed as failed:
            self._visit.end(str(failed))
        finally:
            self._visit.ended()


class Masked:
    """One stream with what policy hides overwritten; `give` gets the bytes, at most MASK_IDLE_SECONDS after the last came."""

    def __init__(self, stream: Stream, give: Callable[[bytes], None]) -> None:
        self._stream, self._give = stream, give
        self._timer: asyncio.TimerHandle | None = None

    def feed(self, data: bytes) -> None:
        out = self._stream.feed(data)
        if out:
            self._give(out)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(MASK_IDLE_SECONDS, self._drain)

    def _drain(self) -> None:
        self._timer = None
        out = self._stream.drain()
        if out:
            self._give(out)

    def finish(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        out = self._stream.finish()
        if out:
            self._give(out)
