"""Paths that matter beyond their bytes: what is written there runs by itself later, or changes what programs do. Pure."""

from __future__ import annotations

import posixpath
from typing import Final

_SYSTEM: Final = ("bin", "boot", "dev", "etc", "lib", "lib32", "lib64", "libx32", "opt", "proc", "root", "run", "sbin", "sys", "usr")
_HARMLESS: Final = frozenset({"/dev/null", "/dev/stdout", "/dev/stderr", "/dev/stdin", "/dev/zero", "/dev/tty"})
_RUNNING: Final = frozenset({"bin", "sbin", "cron", "crontabs", "at", "atjobs"})


def runs_later(path: str) -> bool:
    """Whether a file here may be run, or read by shells and programs at their start: hidden files and folders, `bin` folders,
    and the system's own. Case is ignored, for file systems that do."""
    if path in _HARMLESS:
        return False
    parts = [part for part in path.lower().split("/") if part not in {"", "."}]
    if any((part.startswith(".") and part != "..") or part in _RUNNING for part in parts):
        return True
    return path.startswith("/") and bool(parts) and parts[0] in _SYSTEM


def resource(path: str) -> str | None:
    """The path as rules see it: absolute, or `~/…` for what is relative to the home directory; None where `..` hides where it is."""
    if ".." in path.split("/"):
        return None
    if path.startswith("~/"):
        return "~/" + posixpath.normpath(path[2:] or ".")
    plain = posixpath.normpath(path)
    return plain.replace("//", "/", 1) if plain.startswith("/") else f"~/{plain}"
