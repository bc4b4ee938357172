"""Which key stops which session. Keys are ours: a client never learns the target's.

The process number is the target's own where it is free, so that a client sees the same one in BackendKeyData, in
pg_backend_pid() and in a NOTIFY; two targets may have processes of the same number, and then the later session gets another.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from typing import Final

KEY_BYTES_3_0: Final = 4
KEY_BYTES_3_2: Final = 32
MAX_PID: Final = 0x7FFFFFFF


class CancelKeys:
    """Keys of the living sessions of one listener."""

    def __init__(self) -> None:
        self._sessions: dict[int, tuple[bytes, Callable[[], None]]] = {}

    def issue(self, cancel: Callable[[], None], *, is_long: bool, wanted: int = 0) -> tuple[int, bytes]:
        """A process number (the wanted one, if no living session has it) and a key for a session."""
        pid = wanted
        while not 0 < pid <= MAX_PID or pid in self._sessions:
            pid = 1 + secrets.randbelow(MAX_PID - 1)
        key = secrets.token_bytes(KEY_BYTES_3_2 if is_long else KEY_BYTES_3_0)
        self._sessions[pid] = (key, cancel)
        return pid, key

    def withdraw(self, pid: int) -> None:
        """The session is over."""
        self._sessions.pop(pid, None)

    def cancel(self, pid: int, key: bytes) -> bool:
        """Stop what the session runs, if the key is right. Who asks is told nothing, as the protocol has it."""
        known = self._sessions.get(pid)
        if known is None or not hmac.compare_digest(known[0], key):
            return False
        known[1]()
        return True
