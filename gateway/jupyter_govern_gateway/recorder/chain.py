"""One append-only, hash-chained file. Knows the entry format, no operations and no protocol.

An append is one `os.write`; what may come later (how an operation ended) can be deferred until the next append or the next
`flush`, whichever is first. After any failed or short write the chain refuses everything: what is on disk can no longer be
known, and no record means no access.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from jupyter_govern.errors import RecordingFailed
from jupyter_govern.recording import FORMAT_VERSION, genesis
from jupyter_govern_gateway.recorder.encoding import Encoded, encode
from jupyter_govern_gateway.recorder.tally import Tally

Clock = Callable[[], float]
MAX_DEFERRED: Final = 65_536
"""Bytes of deferred entries that wait at most."""


@lru_cache(maxsize=8)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def timestamp(seconds: float) -> str:
    """RFC 3339 in UTC, with microseconds."""
    whole = int(seconds // 1)
    return f"{_second(whole)}.{str(1_000_000 + int((seconds - whole) * 1e6))[1:]}Z"


@lru_cache(maxsize=1024)
def _around_hash(keys: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The keys in order, up to the one that "hash" will follow and behind it."""
    ordered = sorted(keys)
    return tuple(key for key in ordered if key < "hash"), tuple(key for key in ordered if key > "hash")


def _members(fields: dict[str, Any], keys: tuple[str, ...]) -> str:
    return ",".join([f'"{key}":{value if type(value := fields[key]) is Encoded else encode(value)}' for key in keys])


class Chain:
    """An open recording file. `append` returns only when the kernel has the bytes: they survive a kill of this process.

    later: told when deferred entries wait; it must call `flush` soon. Without it nothing is deferred.
    release: takes the descriptor over when the chain is closed. synced: how many bytes are known to be on the disk.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        seq: int = 0,
        head: str | None = None,
        later: Callable[[Chain], None] | None = None,
        tally: Tally | None = None,
        release: Callable[[Chain, int], None] | None = None,
    ) -> None:
        self.path, self._clock = path, clock
        self.seq, self.head = seq, head or genesis(path.stem)
        self._failed = ""
        self._later = later
        self._tally, self._release = tally, release
        self._waiting = b""
        self.synced = 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            raise RecordingFailed(f"the recording cannot be opened: {error.strerror}") from error

    def append(self, kind: str, fields: dict[str, Any], *, defer: bool = False) -> str:
        """Write one entry; returns its time. Values may be `Encoded`. Raises RecordingFailed, and from then on always."""
        if self._failed:
            raise RecordingFailed(self._failed)
        at = timestamp(self._clock())
        entry = {**fields, "v": FORMAT_VERSION, "seq": self.seq + 1, "at": at, "type": kind, "prev": self.head}
        # canonical form has its keys in order, so the hash stands between the two halves; "at" and "prev" keep both from being empty
        before, behind = _around_hash(tuple(entry))
        self._add(_members(entry, before), _members(entry, behind), defer=defer)
        return at

    def append_parts(self, kind: str, before_hash: str, before_prev: str, before_seq: str, behind: str, *, at: float, defer: bool) -> None:
        """The same for the entries of every statement, whose keys are known to stand in order: members in canonical form, each
        with the comma that joins it to "at", "prev", "seq" and "type". at: by this chain's clock. Raises RecordingFailed."""
        if self._failed:
            raise RecordingFailed(self._failed)
        self._add(
            f'"at":"{timestamp(at)}"{before_hash}',
            f'{before_prev}"prev":"{self.head}"{before_seq},"seq":{self.seq + 1}{behind},"type":"{kind}","v":{FORMAT_VERSION}',
            defer=defer,
        )

    def _add(self, low: str, high: str, *, defer: bool) -> None:
        """An entry whose members stand in order around its hash."""
        digest = sha256(f"{{{low},{high}}}".encode("utf-8", "surrogatepass")).hexdigest()
        line = f'{{{low},"hash":"{digest}",{high}}}\n'.encode("utf-8", "surrogatepass")
        self.seq += 1
        self.head = digest
        if defer and self._later is not None:
            if not self._waiting:
                self._later(self)
            self._waiting += line
            if len(self._waiting) < MAX_DEFERRED:
                return
            line = b""
        self._write(self._waiting + line if self._waiting else line)

    def now(self) -> float:
        """By this chain's clock."""
        return self._clock()

    def soon(self) -> None:
        """Have `later` called, although nothing waits."""
        if self._later is not None:
            self._later(self)

    def flush(self) -> None:
        """Write what was deferred. Raises RecordingFailed."""
        if self._waiting and not self._failed:
            self._write(self._waiting)

    def _write(self, data: bytes) -> None:
        try:
            written = os.write(self._descriptor, data)
        except OSError as error:
            raise self.fail(f"the recording cannot be written: {error.strerror}") from error
        if written != len(data):
            raise self.fail("the recording could be written only in part: the disk is full")
        self._waiting = b""

    @property
    def descriptor(self) -> int:
        """The open file, or -1."""
        return self._descriptor

    def fail(self, why: str) -> RecordingFailed:
        """Refuse everything from now on."""
        self._failed = self._failed or why
        if self._tally is not None:
            self._tally.write_errors += 1
        self._waiting = b""
        return RecordingFailed(why)

    @property
    def failed(self) -> bool:
        return bool(self._failed)

    def close(self) -> None:
        """Nothing more is written; what was deferred and cannot be written is lost, as after a crash."""
        if self._descriptor >= 0:
            with suppress(RecordingFailed):
                self.flush()
            descriptor, self._descriptor = self._descriptor, -1
            if self._release is not None:
                self._release(self, descriptor)
            else:
                os.close(descriptor)
            self._failed = self._failed or "the recording is closed"
