"""A kernel's proof to its own notebook server: the MAC that both sides compute.

The kernel and the server that started it share the kernel's message key; nobody else on the wire does. Values only:
no clock and no I/O. What the proof is worth: it says "code in this kernel asks", never "this person asks".
"""

from __future__ import annotations

import hashlib
import hmac

MAX_CLOCK_SECONDS = 30
"""How far the time in a proof may lie from the server's own."""


def proof_mac(key: bytes, *, kernel_id: str, ts: str, nonce: str) -> str:
    """HMAC-SHA256 over the three fields, in hex. A field with the separator in it is no proof at all."""
    if not key or any("|" in part or not part for part in (kernel_id, ts, nonce)):
        raise ValueError("a proof needs a key and three non-empty fields without '|'")
    return hmac.new(key, f"{kernel_id}|{ts}|{nonce}".encode(), hashlib.sha256).hexdigest()
