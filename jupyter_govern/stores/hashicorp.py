"""`vault:PATH#FIELD`: HashiCorp Vault (or OpenBao) by hvac. PATH as the API has it: `secret/data/shop` in a KV version 2 engine.

Where and who we are comes from the environment, as with Vault's own tools: VAULT_ADDR, VAULT_CACERT, VAULT_NAMESPACE, and VAULT_TOKEN or
VAULT_TOKEN_FILE, or VAULT_ROLE_ID with VAULT_SECRET_ID or VAULT_SECRET_ID_FILE (AppRole; VAULT_APPROLE_MOUNT if not `approle`).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import hvac
import requests
from hvac.exceptions import VaultError

from jupyter_govern.config.stores import Secret, StoreProblem

SECONDS: Final = 10
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


def read(where: str) -> Secret:
    """Raises StoreProblem."""
    path, _, field = where.partition("#")
    if not path or not field:
        raise StoreProblem('wants PATH#FIELD, for example "vault:secret/data/shop#password"')
    client = _client()
    try:
        _log_in(client)
        answer = client.read(path)
    except VaultError as problem:
        # the exception's text holds what the server answered, never what we sent; one line of it is enough
        raise StoreProblem(f"Vault refuses {path}: {type(problem).__name__}: {_line(problem)}") from None
    except requests.RequestException as problem:
        raise StoreProblem(f"Vault at {client.url} cannot be reached: {type(problem).__name__}") from None
    finally:
        client.adapter.close()
    return _pick(answer, path, field)


def _pick(answer: Any, path: str, field: str) -> Secret:
    if not isinstance(answer, dict) or not isinstance(answer.get("data"), dict):
        raise StoreProblem(f"there is nothing at {path}")
    if answer.get("lease_id"):
        raise StoreProblem(f"{path} gives leased credentials, a user and a password each time: use a static role or a KV engine")
    data = answer["data"]
    if isinstance(data.get("metadata"), dict) and "data" in data:  # version 2 of the KV engine
        data = data["data"] or {}
    value = data.get(field)
    if not isinstance(value, str):
        raise StoreProblem(f"{path} has no text field {field!r}")
    ttl = data.get("ttl")  # of a static role: seconds until Vault changes the password
    return Secret(text=value, seconds=float(ttl) if isinstance(ttl, int) and "rotation_period" in data else 0.0)


def _client() -> hvac.Client:
    address = os.environ.get("VAULT_ADDR", "")
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise StoreProblem("VAULT_ADDR does not say where Vault is: https://vault.example.org:8200")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise StoreProblem("VAULT_ADDR is http to another machine: secrets would travel in clear")
    session = requests.Session()
    session.trust_env = False  # no proxy, no .netrc, no other authorities than the ones that are named
    verify: bool | str = os.environ.get("VAULT_CACERT") or True
    session.verify = verify
    return hvac.Client(
        url=address, token="", verify=verify, timeout=SECONDS, allow_redirects=False, session=session,
        namespace=os.environ.get("VAULT_NAMESPACE") or None,
    )  # fmt: skip


def _log_in(client: hvac.Client) -> None:
    if token := _given("VAULT_TOKEN"):
        client.token = token
        return
    role, secret = os.environ.get("VAULT_ROLE_ID", ""), _given("VAULT_SECRET_ID")
    if not role or not secret:
        raise StoreProblem("neither VAULT_TOKEN nor VAULT_ROLE_ID with VAULT_SECRET_ID is set (each but the second may be a file: …_FILE)")
    client.auth.approle.login(role_id=role, secret_id=secret, mount_point=os.environ.get("VAULT_APPROLE_MOUNT") or "approle")


def _given(name: str) -> str:
    if value := os.environ.get(name, ""):
        return value
    file = os.environ.get(f"{name}_FILE", "")
    if not file:
        return ""
    try:
        return Path(file).read_text().strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise StoreProblem(f"{name}_FILE cannot be read ({type(problem).__name__})") from None


def _line(problem: VaultError) -> str:
    return " ".join(str(problem).split())[:200]
