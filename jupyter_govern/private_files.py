"""Files that only their owner can read, and that a crash leaves whole."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

PRIVATE: Final = 0o600


def replace(path: Path, content: str | bytes, *, mode: int = PRIVATE, durably: bool = False) -> None:
    """Give a file new content at once: it is written beside and renamed, so a crash leaves the old one or the new one.

    The mode holds from the first byte on. durably: a power cut leaves one of the two as well. Raises OSError.
    """
    data = content.encode() if isinstance(content, str) else content
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
        if durably:
            file.flush()
            os.fsync(file.fileno())
    beside.replace(path)
    if durably:
        _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
