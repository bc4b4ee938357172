"""Where a gateway is and who logged in, as this machine's files and environment say. Reads only."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_data_dir, jupyter_runtime_dir

from jupyter_govern import vault
from jupyter_govern_kernel.gateway_api import Address

MAX_FILE = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What `jupyter govern login` kept."""

    address: Address
    token: str


def gateway_address(url: str = "") -> Address:
    """The gateway's address: `url`, $JUPYTER_GOVERN_URL, else what a gateway on this machine wrote down, else ""."""
    found = _read(Path(jupyter_runtime_dir()) / "govern-gateway.json")
    here = str(found.get("api_url") or "").rstrip("/")
    url = (url or os.environ.get("JUPYTER_GOVERN_URL") or here).rstrip("/")
    return Address(url=url, ca_file=str(found.get("ca_file") or "") if url == here else "")


def kept_login() -> Login | None:
    """The person token that `jupyter govern login` keeps, if there is one for the gateway that is meant.

    A token goes to the gateway that issued it and to no other, whatever $JUPYTER_GOVERN_URL says.
    """
    kept = _read(Path(jupyter_data_dir()) / "govern" / "credentials.json")
    token, url = kept.get("token"), str(kept.get("url") or "").rstrip("/")
    meant = os.environ.get("JUPYTER_GOVERN_URL", url).rstrip("/")
    if not url or meant != url:
        return None
    if kept.get("kept_in") == "keyring":
        token = vault.get(url)
    if not isinstance(token, str) or not token:
        return None
    return Login(address=gateway_address(url), token=token)


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open(encoding="utf-8") as file:
            found = json.loads(file.read(MAX_FILE))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
