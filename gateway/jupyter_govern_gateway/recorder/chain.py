"""One append-only, hash-chained file. Knows the entry format, no operations and no protocol.

Each append is one `os.write` of one line. After any failed or short write the chain refuses everything: what is on
disk can no longer be known, and no record means no access.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from jupyter_govern.errors import RecordingFailed
from jupyter_govern.recording import FORMAT_VERSION, canonical, genesis

Clock = Callable[[], float]


def timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class Chain:
    """An open recording file. `append` returns only when the kernel has the bytes: they survive a kill of this process."""

    def __init__(self, path: Path, clock: Clock, *, seq: int = 0, head: str | None = None) -> None:
        self.path, self._clock = path, clock
        self.seq, self.head = seq, head or genesis(path.stem)
        self._failed = ""
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            raise RecordingFailed(f"the recording cannot be opened: {error.strerror}") from error

    def append(self, kind: str, fields: dict[str, Any]) -> str:
        """Write one entry; returns its time. Raises RecordingFailed, and from then on always."""
        if self._failed:
            raise RecordingFailed(self._failed)
        at = timestamp(self._clock())
        entry = {**fields, "v": FORMAT_VERSION, "seq": self.seq + 1, "at": at, "type": kind, "prev": self.head}
        body = canonical(entry)
        digest = sha256(body).hexdigest()
        entry["hash"] = digest
        line = canonical(entry) + b"\n"
        try:
            written = os.write(self._descriptor, line)
        except OSError as error:
            raise self._fail(f"the recording cannot be written: {error.strerror}") from error
        if written != len(line):
            raise self._fail("the recording could be written only in part: the disk is full")
        self.seq, self.head = self.seq + 1, digest
        return at

    def _fail(self, why: str) -> RecordingFailed:
        self._failed = why
        return RecordingFailed(why)

    @property
    def failed(self) -> bool:
        return bool(self._failed)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            self._failed = self._failed or "the recording is closed"
