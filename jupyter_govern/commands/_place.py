"""Where the gateway is, and the login that is kept on this machine. Files and environment only; no calls."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_data_dir, jupyter_runtime_dir

from jupyter_govern import private_files, vault
from jupyter_govern.client import HOW_TO_START, GatewayClient, GatewayProblem, GatewayUnreachable

MAX_FILE = 64 * 1024


class NotLoggedIn(GatewayProblem):
    """No token is kept here for that gateway."""

    def __init__(self, url: str) -> None:
        super().__init__(401, "not-logged-in", f"you are not logged in at {url}.", "Run `jupyter govern login`.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A gateway's address and the certificate authority to check it with ("" for the system's)."""

    url: str
    ca_file: str = ""

    def client(self, token: str = "") -> GatewayClient:
        """A client of it."""
        return GatewayClient(self.url, token, ca_file=self.ca_file)


def add_url(parser: argparse.ArgumentParser) -> None:
    """The option that all commands share."""
    text = "the gateway's address (else $JUPYTER_GOVERN_URL, the login kept here, this machine's gateway)"
    parser.add_argument("--url", default="", metavar="URL", help=text)


def find(url: str = "") -> Place:
    """The gateway meant: --url, $JUPYTER_GOVERN_URL, the one logged in at, or the one that runs on this machine."""
    running = _read(Path(jupyter_runtime_dir()) / "govern-gateway.json")
    said = url or os.environ.get("JUPYTER_GOVERN_URL", "") or _text(_read(credentials_file()), "url") or _text(running, "api_url")
    if not said:
        raise GatewayUnreachable("no gateway is known here.", HOW_TO_START)
    said = said.rstrip("/")
    own = _text(running, "ca_file") if said == _text(running, "api_url").rstrip("/") else ""
    return Place(url=said, ca_file=os.environ.get("JUPYTER_GOVERN_CA", "") or own)


def find_to_log_in(url: str = "") -> Place:
    """The gateway to log in at. What runs here now goes before an old login: that one may be long gone."""
    running = _text(_read(Path(jupyter_runtime_dir()) / "govern-gateway.json"), "api_url")
    return find(url or os.environ.get("JUPYTER_GOVERN_URL", "") or running)


def logged_in(url: str = "") -> GatewayClient:
    """A client with the token kept here. The token goes to the gateway that issued it and to no other; raises NotLoggedIn."""
    place, kept = find(url), _read(credentials_file())
    token = _text(kept, "token") or (vault.get(place.url) if kept.get("kept_in") == "keyring" else "")
    if not token or _text(kept, "url").rstrip("/") != place.url:
        raise NotLoggedIn(place.url)
    return place.client(token)


def credentials_file() -> Path:
    """Where a login is kept."""
    return Path(jupyter_data_dir()) / "govern" / "credentials.json"


def keep(login: Mapping[str, Any]) -> str:
    """Keep a login; where its token is now. In the system's keyring where there is one, else in a file.

    The file is readable by its owner only, from the first byte on; written beside and renamed.
    """
    path = credentials_file()
    _forget_in_keyring(_read(path))
    keyring = vault.put(_text(login, "url"), _text(login, "token"))
    if keyring:
        login = {key: value for key, value in login.items() if key != "token"} | {"kept_in": "keyring"}
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.parent.chmod(0o700)
    private_files.replace(path, json.dumps(login))
    return f"the keyring ({keyring})" if keyring else str(path)


def forget() -> bool:
    """Remove the kept login; whether there was one."""
    _forget_in_keyring(_read(credentials_file()))
    try:
        credentials_file().unlink()
    except FileNotFoundError:
        return False
    return True


def _forget_in_keyring(kept: Mapping[str, Any]) -> None:
    if kept.get("kept_in") == "keyring":
        vault.drop(_text(kept, "url").rstrip("/"))


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open(encoding="utf-8") as file:
            found = json.loads(file.read(MAX_FILE))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(found: Mapping[str, Any], key: str) -> str:
    value = found.get(key)
    return value if isinstance(value, str) else ""
