"""The answer to AuthenticationMD5Password, for targets that still ask for it. We never ask a client for it."""

from __future__ import annotations

import hashlib


def md5_answer(user: bytes, password: bytes, salt: bytes) -> bytes:
    """The body of the PasswordMessage: "md5" + md5(md5(password + user) + salt), and a NUL."""
    inner = hashlib.md5(password + user, usedforsecurity=False).hexdigest().encode()
    return b"md5" + hashlib.md5(inner + salt, usedforsecurity=False).hexdigest().encode() + b"\0"
