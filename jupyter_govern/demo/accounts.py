"""The demo's accounts file, in the gateway's format. The gateway package is looked up by name: the parts meet at run time only."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path


def write_accounts(path: Path, people: Mapping[str, tuple[str, list[str]]]) -> None:
    """{name: (password, groups)} as argon2 hashes, mode 0600."""
    importlib.import_module("jupyter_govern_gateway.identity.accounts").write_accounts(path, people)
