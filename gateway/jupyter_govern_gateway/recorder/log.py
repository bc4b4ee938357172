"""The gateway's own chain: policy changes, logins, tokens, approvals, and when which session began and ended with which head."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any

from jupyter_govern import private_files
from jupyter_govern.errors import RecordingFailed
from jupyter_govern.heads import HEAD_FILE, Head
from jupyter_govern_gateway.recorder.chain import Chain, Clock
from jupyter_govern_gateway.recorder.flusher import Flusher
from jupyter_govern_gateway.recorder.signer import Signer
from jupyter_govern_gateway.recorder.tally import Tally

SIGN_ENTRIES = 256
"""So many entries at most are not signed; the maintenance thread signs what is left after some minutes."""


class GatewayLog:
    """`gateway.jsonl`. May be written from worker threads (password checks run there)."""

    def __init__(
        self,
        directory: Path,
        clock: Clock,
        *,
        seq: int = 0,
        head: str | None = None,
        signer: Signer | None = None,
        flusher: Flusher | None = None,
        tally: Tally | None = None,
    ) -> None:
        self._flusher = flusher
        release = flusher.release if flusher is not None else None
        self._chain = Chain(directory / "gateway.jsonl", clock, seq=seq, head=head, tally=tally, release=release)
        self._signer = signer
        self._unsigned = 0
        self._lock = Lock()
        self._signed: Head | None = None
        self._kept: Head | None = None

    @property
    def path(self) -> Path:
        return self._chain.path

    def write(self, kind: str, **fields: Any) -> None:
        """kind: gateway, policy, login, token, session, approval, watch, note. Raises RecordingFailed."""
        with self._lock:
            self._chain.append(kind, fields)
            self._unsigned += 1
            if self._unsigned >= SIGN_ENTRIES:
                self._sign()
        if self._flusher is not None:
            self._flusher.sync(self._chain)

    def sign(self) -> None:
        """Sign the head, unless the last entry is a signature. Raises RecordingFailed."""
        with self._lock:
            if self._unsigned:
                self._sign()

    def _sign(self) -> None:
        self._unsigned = 0
        if self._signer is not None:
            seq, head = self._chain.seq, self._chain.head
            fields = self._signer.fields(self._chain.path.stem, seq, head)
            self._chain.append("signature", fields)
            self._signed = Head(seq=seq, hash=head, key=fields["key"], signature=fields["signature"])

    @property
    def signed(self) -> Head | None:
        """The newest signed head."""
        return self._signed

    def keep_head(self) -> None:
        """Have the newest signed head beside the log (`gateway.head`), once the log itself is on the disk. Blocks. Raises OSError."""
        with self._lock:
            head = self._signed
            if head is None or head == self._kept:
                return
            descriptor = os.dup(self._chain.descriptor) if self._chain.descriptor >= 0 else -1
        if descriptor >= 0:
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        private_files.replace(self._chain.path.with_name(HEAD_FILE), head.line(), durably=True)
        self._kept = head

    def close(self) -> None:
        """Sign the end and close."""
        with suppress(RecordingFailed):
            self.sign()
        self._chain.close()
