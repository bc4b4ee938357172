"""Logins that are under way at a provider: each state works once, for ten minutes, in the browser that began it. Bounded.

Knows no HTTP and no provider. Time comes in as a callable.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

PENDING_SECONDS: Final = 600.0
MAX_PENDING: Final = 10_000
"""The oldest gives way: who began it has to begin again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """holder: a hash of the cookie of the browser that began it. leads_to: our own page that it wants."""

    provider: str
    holder: str
    nonce: str
    code_verifier: str
    redirect_uri: str
    leads_to: str
    expires_at: float


class Pendings:
    """Kept by a hash of the state."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._out: OrderedDict[str, Pending] = OrderedDict()

    def expires_at(self) -> float:
        """For a login that begins now."""
        return self._clock() + PENDING_SECONDS

    def put(self, state: str, pending: Pending) -> None:
        while len(self._out) >= MAX_PENDING:
            self._out.popitem(last=False)
        self._out[_hashed(state)] = pending

    def take(self, state: str) -> Pending | None:
        """What this state began; it is used up, whatever comes of it. None for a replay, a forgery or one too old."""
        found = self._out.pop(_hashed(state), None)
        return found if found is not None and found.expires_at > self._clock() else None

    def __len__(self) -> int:
        return len(self._out)


def _hashed(state: str) -> str:
    return hashlib.sha256(state.encode("utf-8", "replace")).hexdigest()
