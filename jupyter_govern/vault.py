"""Keeps a token in the keyring of the operating system, where there is one: needs the package `keyring` and a real backend.

Whoever calls keeps the token in a file of mode 0600 where this cannot. Backends that only write a file, or nothing, do not
count as real. Nothing in here raises.
"""

from __future__ import annotations

import importlib
from typing import Any, Final

SERVICE: Final = "jupyter-govern"
REAL: Final = 1.0
"""Priority from which on the package itself recommends a backend."""


def put(url: str, token: str) -> str:
    """Keep a gateway's token; the name of the keyring that has it now, or ""."""
    keyring = _keyring()
    if keyring is None:
        return ""
    try:
        keyring.set_password(SERVICE, url, token)
        return _name(keyring.get_keyring()) if keyring.get_password(SERVICE, url) == token else ""
    except Exception:  # locked, denied or broken: the file remains
        return ""


def get(url: str) -> str:
    """The token kept for this gateway, or ""."""
    keyring = _keyring()
    try:
        return str(keyring.get_password(SERVICE, url) or "") if keyring is not None else ""
    except Exception:
        return ""


def drop(url: str) -> None:
    """Forget it."""
    keyring = _keyring()
    try:
        if keyring is not None:
            keyring.delete_password(SERVICE, url)
    except Exception:  # it was not there, or the keyring is locked: then the token ends by itself
        return


def _keyring() -> Any:
    try:
        keyring: Any = importlib.import_module("keyring")
        backend = keyring.get_keyring()
        parts = getattr(backend, "backends", None)
        return keyring if any(float(each.priority) >= REAL for each in (parts if parts is not None else [backend])) else None
    except Exception:  # not installed, or it cannot find its backends
        return None


def _name(backend: Any) -> str:
    return str(getattr(backend, "name", "") or type(backend).__name__)
