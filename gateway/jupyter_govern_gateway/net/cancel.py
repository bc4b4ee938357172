"""Which key stops which session. Keys are ours: a client never learns the target's."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from typing import Final

KEY_BYTES_3_0: Final = 4
KEY_BYTES_3_2: Final = 32


class CancelKeys:
    """Keys of the living sessions of one listener."""

    def __init__(self) -> None:
        self._sessions: dict[int, tuple[bytes, Callable[[], None]]] = {}

    def issue(self, cancel: Callable[[], None], *, is_long: bool) -> tuple[int, bytes]:
        """A process number and a key for a session."""
        while True:
            pid = 1 + secrets.randbelow(0x7FFFFFFE)
            if pid not in self._sessions:
                break
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
