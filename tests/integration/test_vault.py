"""A target's password from Vault: a real OpenBao or Vault in dev mode where one is on PATH (or $VAULT_BIN names it), and a server that
speaks its API for what takes time."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import hvac
import psycopg
import pytest
from kernel_rig import wait_until
from pgwire_rig import Rig

from jupyter_govern.demo.postgres import free_port
from jupyter_govern_gateway import reaches
from tests.unit.config.vault_server import TOKEN, VaultServer

START_SECONDS = 30.0


class VaultRig(Rig):
    """The password of `shop` is in Vault."""

    where = "secret/data/shop"

    def policy(self, more: str = "") -> str:
        return super().policy(more).replace('{ file = "right" }', f'{{ store = "vault:{self.where}#password" }}')

    def rotated(self) -> int:
        return sum(1 for entry in self.gateway_log() if entry["type"] == "secret" and entry["event"] == "rotated")

    def change_password(self, password: str) -> None:
        with psycopg.connect(self.postgres.conninfo(), autocommit=True) as owner:
            owner.execute(f"alter role gateway password '{password}'")

    def works(self) -> bool:
        with self.connect() as connection:
            return bool(connection.execute("select 1").fetchone() == (1,))


@contextmanager
def environment(**values: str) -> Iterator[None]:
    names = ("VAULT_ADDR", "VAULT_TOKEN", "VAULT_ROLE_ID", "VAULT_SECRET_ID", "VAULT_CACERT", "VAULT_NAMESPACE")
    kept = {name: os.environ.pop(name) for name in names if name in os.environ}
    os.environ.update(values)
    try:
        yield
    finally:
        for name in values:
            os.environ.pop(name, None)
        os.environ.update(kept)


@contextmanager
def dev_server() -> Iterator[hvac.Client]:
    program = os.environ.get("VAULT_BIN") or shutil.which("bao") or shutil.which("vault")
    if not program:
        pytest.skip("neither bao nor vault is on PATH, and VAULT_BIN is not set")
    port, token = free_port(), secrets.token_hex(16)
    command = [program, "server", "-dev", f"-dev-root-token-id={token}", f"-dev-listen-address=127.0.0.1:{port}", "-dev-no-store-token"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client = hvac.Client(url=f"http://127.0.0.1:{port}", token=token)
    try:
        wait_until(lambda: process.poll() is None and answers(client), START_SECONDS)
        yield client
    finally:
        client.adapter.close()
        process.terminate()
        process.wait(20)


def answers(client: hvac.Client) -> bool:
    try:
        return bool(client.sys.read_health_status(method="GET").get("initialized"))
    except Exception:  # not yet
        return False


def put(client: hvac.Client, password: str) -> None:
    client.secrets.kv.v2.create_or_update_secret(path="shop", secret={"password": password})


def test_a_real_server_by_approle_and_a_rotation() -> None:
    with dev_server() as client:
        put(client, "target-password")
        client.sys.create_or_update_policy("govern", 'path "secret/data/shop" { capabilities = ["read"] }')
        client.sys.enable_auth_method("approle")
        client.auth.approle.create_or_update_approle("govern", token_policies=["govern"], token_ttl="1m")
        role = client.auth.approle.read_role_id("govern")["data"]["role_id"]
        secret = client.auth.approle.generate_secret_id("govern")["data"]["secret_id"]
        with environment(VAULT_ADDR=client.url, VAULT_ROLE_ID=role, VAULT_SECRET_ID=secret), VaultRig() as rig:
            assert rig.works()
            put(client, "the-next-one")
            rig.change_password("the-next-one")
            before = rig.rotated()
            rig.run(rig.app.upkeep.reload)
            wait_until(lambda: rig.rotated() > before, 20)
            assert rig.works()
            written = rig.everything_written()
            assert all(each.encode() not in written for each in ("target-password", "the-next-one", secret))


class StaticRole(VaultRig):
    where = "database/static-creds/shop"


def at(clock: Callable[[], float], end: float, password: str) -> dict[str, Any]:
    return {"data": {"username": "gateway", "password": password, "ttl": max(1, round(end - clock())), "rotation_period": 3600}}


def test_a_password_that_vault_rotates_is_read_anew_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaches, "SOONEST", 0.5)
    with VaultServer() as vault, environment(VAULT_ADDR=vault.url, VAULT_TOKEN=TOKEN):
        vault.paths[StaticRole.where] = at(time.monotonic, time.monotonic() + 2, "target-password")
        with StaticRole() as rig:
            assert rig.works()
            rig.change_password("rotated-by-vault")
            vault.paths[StaticRole.where] = at(time.monotonic, time.monotonic() + 3600, "rotated-by-vault")
            wait_until(lambda: rig.rotated() > 0, 20)
            assert rig.works()


def test_a_store_that_is_down_leaves_the_password_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    with VaultServer() as vault, environment(VAULT_ADDR=vault.url, VAULT_TOKEN=TOKEN):
        vault.kv2("shop", password="target-password")
        with VaultRig() as rig:
            vault.paths.clear()
            rig.run(rig.app.upkeep.reload)
            wait_until(lambda: any(entry["type"] == "secret" and entry["event"] == "refused" for entry in rig.gateway_log()), 20)
            assert rig.works()
