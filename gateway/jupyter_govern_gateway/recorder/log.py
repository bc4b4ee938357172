"""The gateway's own chain: policy changes, logins, tokens, approvals, and when which session began and ended with which head."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Any

from jupyter_govern_gateway.recorder.chain import Chain, Clock


class GatewayLog:
    """`gateway.jsonl`. May be written from worker threads (password checks run there)."""

    def __init__(self, directory: Path, clock: Clock, *, seq: int = 0, head: str | None = None) -> None:
        self._chain = Chain(directory / "gateway.jsonl", clock, seq=seq, head=head)
        self._lock = Lock()

    @property
    def path(self) -> Path:
        return self._chain.path

    def write(self, kind: str, **fields: Any) -> None:
        """kind: gateway, policy, login, token, session, approval, note. Raises RecordingFailed."""
        with self._lock:
            self._chain.append(kind, fields)

    def close(self) -> None:
        self._chain.close()
