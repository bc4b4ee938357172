"""Secret stores: what they give, what they say when they do not, and that no message holds a secret."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from jupyter_govern.config import stores
from jupyter_govern.config.load import parse
from jupyter_govern.config.secrets import SecretReference
from jupyter_govern.config.stores import Secret, StoreProblem
from jupyter_govern.errors import ConfigError

from .vault_server import APPROLE_TOKEN, ROLE, SECRET_ID, TOKEN, VaultServer

HERE = Path()


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[VaultServer]:
    for name in ("TOKEN", "TOKEN_FILE", "ROLE_ID", "SECRET_ID", "SECRET_ID_FILE", "CACERT", "NAMESPACE", "APPROLE_MOUNT"):
        monkeypatch.delenv(f"VAULT_{name}", raising=False)
    with VaultServer() as server:
        monkeypatch.setenv("VAULT_ADDR", server.url)
        server.kv2("shop", password="hunter2", port=5432)
        server.paths["kv/shop"] = {"data": {"password": "one"}, "lease_duration": 2764800}
        server.paths["database/static-creds/shop"] = {"data": {"username": "gateway", "password": "s", "ttl": 90, "rotation_period": 3600}}
        server.paths["database/creds/shop"] = {"data": {"username": "v-1", "password": "d"}, "lease_id": "database/creds/shop/1"}
        yield server


def of(locator: str) -> Secret:
    return SecretReference(store=locator).resolve(HERE, "target.shop.password")


def problem_of(locator: str) -> str:
    with pytest.raises(ConfigError) as told:
        of(locator)
    assert told.value.key == "target.shop.password"
    for secret in ("hunter2", TOKEN, SECRET_ID):
        assert secret not in str(told.value)
    return str(told.value)


def test_vault_with_a_token(vault: VaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    monkeypatch.setenv("VAULT_NAMESPACE", "team")
    assert of("vault:secret/data/shop#password") == Secret(text="hunter2")
    assert of("vault:kv/shop#password") == Secret(text="one")
    assert of("vault:database/static-creds/shop#password") == Secret(text="s", seconds=90)
    assert {namespace for _, _, namespace in vault.asked} == {"team"}


def test_vault_with_approle(vault: VaultServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "id").write_text(f"{SECRET_ID}\n")
    monkeypatch.setenv("VAULT_ROLE_ID", ROLE)
    monkeypatch.setenv("VAULT_SECRET_ID_FILE", str(tmp_path / "id"))
    assert of("vault:secret/data/shop#password").text == "hunter2"
    assert vault.asked[-1][1] == APPROLE_TOKEN
    (tmp_path / "id").write_text("wrong")
    assert "Vault refuses" in problem_of("vault:secret/data/shop#password")
    (tmp_path / "id").unlink()
    assert "VAULT_SECRET_ID_FILE cannot be read" in problem_of("vault:secret/data/shop#password")


@pytest.mark.parametrize(
    ("locator", "says"),
    [
        ("vault:secret/data/none#password", "nothing at secret/data/none"),
        ("vault:secret/data/shop#pasword", "no text field 'pasword'"),
        ("vault:secret/data/shop#port", "no text field 'port'"),
        ("vault:secret/data/shop", "wants PATH#FIELD"),
        ("vault:database/creds/shop#password", "leased credentials"),
        ("gsm:shop", "no secret store 'gsm' is installed; there are aws, vault"),
    ],
)
def test_problems_say_what_is_wrong(vault: VaultServer, monkeypatch: pytest.MonkeyPatch, locator: str, says: str) -> None:
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)
    assert says in problem_of(locator)


def test_vault_that_refuses_is_absent_or_unsafe(vault: VaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    where = "vault:secret/data/shop#password"
    assert "neither VAULT_TOKEN nor" in problem_of(where)
    monkeypatch.setenv("VAULT_TOKEN", "another")
    assert "Forbidden" in problem_of(where)
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:1")
    assert "cannot be reached" in problem_of(where)
    monkeypatch.setenv("VAULT_ADDR", "http://vault.example.org:8200")
    assert "in clear" in problem_of(where)
    monkeypatch.setenv("VAULT_ADDR", "")
    assert "VAULT_ADDR" in problem_of(where)


def test_a_missing_extra_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hvac", None)
    monkeypatch.delitem(sys.modules, "jupyter_govern.stores.hashicorp", raising=False)
    assert "hvac is not installed here; install it with: pip install 'jupyter-govern[vault]'" in problem_of("vault:a#b")


def given(where: str) -> Secret:
    """A store of somebody else's."""
    if where == "empty":
        return Secret(text="")
    if where == "broken":
        raise StoreProblem("the store is shut")
    return Secret(text=f"secret of {where}", seconds=7)


def test_a_store_of_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint(name="mine", value=f"{__name__}:given", group=stores.GROUP)
    monkeypatch.setattr(stores, "entry_points", lambda group: [point] if group == stores.GROUP else [])
    assert of("mine:x") == Secret(text="secret of x", seconds=7)
    assert "secret of" not in repr(of("mine:x"))
    assert "it is empty" in problem_of("mine:empty")
    assert "the store is shut" in problem_of("mine:broken")


@pytest.mark.parametrize("value", ['{ store = "hunter2" }', '{ store = "vault:" }', '{ store = "vault:a#b", env = "A" }', '"hunter2"'])
def test_what_is_no_reference_is_told_without_quoting_it(value: str) -> None:
    text = f'[[target]]\nname = "shop"\nkind = "postgresql"\nhost = "localhost"\ndatabase = "d"\nuser = "u"\npassword = {value}\n'
    config, problems = parse(text, "govern.toml")
    assert config is None and "target[0].password" in str(problems[0])
    assert "hunter2" not in str(problems[0])
