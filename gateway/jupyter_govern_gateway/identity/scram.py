"""SCRAM-SHA-256 verifiers (RFC 5802 section 3, RFC 7677) of gateway tokens. Pure.

One salt per person, so that the server's first message fits all of a person's tokens and the proof tells which one it was.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

ITERATIONS: Final = 4096
"""RFC 7677's minimum. Tokens hold 256 random bits: a slower hash would protect nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScramVerifiers:
    """candidates: (token id, StoredKey, ServerKey) of every living token of one person."""

    salt: bytes
    iterations: int
    candidates: tuple[tuple[str, bytes, bytes], ...]


def scram_keys(token: str, salt: bytes, iterations: int = ITERATIONS) -> tuple[bytes, bytes]:
    """StoredKey and ServerKey. Tokens are ASCII, so SASLprep changes nothing."""
    salted = hashlib.pbkdf2_hmac("sha256", token.encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return hashlib.sha256(client_key).digest(), hmac.digest(salted, b"Server Key", "sha256")


def salt_of(secret: bytes, subject: str) -> bytes:
    """A salt that is the same every time, for people who exist and for those who do not (no enumeration)."""
    return hmac.digest(secret, b"scram salt\0" + subject.encode(), "sha256")[:16]
