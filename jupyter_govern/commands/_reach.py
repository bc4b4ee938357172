"""How a native client reaches a target: what the gateway says, and a file with the authority to check it with. No tokens."""

from __future__ import annotations

import difflib
import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_data_dir

from jupyter_govern.client import GatewayClient, GatewayProblem

PUBLIC = "system"
"""libpq's word (since version 16) for the authorities of the operating system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """One target, ready for a client's settings."""

    target: str
    host: str
    port: str
    user: str
    sslmode: str
    ca_file: str


def reach(client: GatewayClient, name: str) -> Reach:
    """How to reach one target; raises GatewayProblem."""
    targets = {str(target["name"]): target for target in client.targets()}
    if name not in targets:
        near = difflib.get_close_matches(name, targets, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(targets) or 'none'}."
        raise GatewayProblem(404, "not-found", f"there is no target '{name}'.", hint)
    return _read(targets[name])


def all_reaches(client: GatewayClient) -> list[Reach]:
    """The targets on which something is allowed; raises GatewayProblem."""
    return [_read(target) for target in client.targets() if target.get("verbs") and target.get("kind") != "ssh"]


def _read(target: dict[str, Any]) -> Reach:
    where: dict[str, Any] | None = target.get("connect")
    if not where:
        raise GatewayProblem(503, "unavailable", "the gateway does not listen for PostgreSQL clients.")
    found = Reach(
        target=str(where["dbname"]),
        host=str(where["host"]),
        port=str(where["port"]),
        user=str(where["user"]),
        sslmode=str(where.get("sslmode") or "verify-full"),
        ca_file=_authority(str(where.get("ca_file") or ""), str(where.get("ca") or "")),
    )
    for value in (found.target, found.host, found.port, found.user, found.sslmode, found.ca_file):
        if any(ord(character) < 32 for character in value):
            raise GatewayProblem(502, "unreadable", "the gateway's answer holds control characters.")
    return found


def _authority(path: str, pem: str) -> str:
    """A file with that authority on this machine: the gateway's own where it is the same machine, else a copy of ours.

    The copy came over the API's own verified connection.
    """
    if not path:
        return PUBLIC
    if not pem or _same(Path(path), pem):
        return path
    folder = Path(jupyter_data_dir()) / "govern" / "authorities"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / f"{hashlib.sha256(pem.encode()).hexdigest()[:32]}.pem"
    if not _same(file, pem):
        descriptor, beside = tempfile.mkstemp(dir=folder)
        with os.fdopen(descriptor, "w", encoding="ascii") as opened:
            opened.write(pem)
        os.replace(beside, file)
    return str(file)


def _same(path: Path, pem: str) -> bool:
    try:
        return path.read_text(encoding="ascii") == pem
    except (OSError, ValueError):
        return False
