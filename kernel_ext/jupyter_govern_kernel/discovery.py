"""Where a gateway is and who logged in, as this machine's files and environment say. Reads only."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_data_dir, jupyter_runtime_dir

MAX_FILE = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What `jupyter govern login` kept."""

    url: str
    token: str


def gateway_url() -> str:
    """The gateway's address: $JUPYTER_GOVERN_URL, else what a gateway on this machine wrote down, else ""."""
    if said := os.environ.get("JUPYTER_GOVERN_URL"):
        return said
    return str(_read(Path(jupyter_runtime_dir()) / "govern-gateway.json").get("api_url") or "")


def kept_login() -> Login | None:
    """The person token that `jupyter govern login` keeps, if there is one."""
    kept = _read(Path(jupyter_data_dir()) / "govern" / "credentials.json")
    token = kept.get("token")
    url = gateway_url() if os.environ.get("JUPYTER_GOVERN_URL") else str(kept.get("url") or "") or gateway_url()
    return Login(url=url, token=token) if isinstance(token, str) and token else None


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open(encoding="utf-8") as file:
            found = json.loads(file.read(MAX_FILE))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
