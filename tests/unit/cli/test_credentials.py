"""revoke, credential, keys, config, and the login in a keyring, against the real API."""

from __future__ import annotations

import json
import re
import stat
import sys
import types
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from api.world import World

from jupyter_govern import vault
from jupyter_govern.commands import _reach, config
from jupyter_govern.commands._reach import Reach
from jupyter_govern.errors import GovernError

from .conftest import Ran, Run

LogIn = Callable[[str], Awaitable[Ran]]


class Backend:
    """A keyring in memory."""

    name = "Test Keyring"
    priority = 5.0

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}


def keyring_of(backend: Backend, *, broken: bool = False) -> types.ModuleType:
    def put(service: str, name: str, secret: str) -> None:
        if broken:
            raise RuntimeError("locked")
        backend.kept[service, name] = secret

    module = types.ModuleType("keyring")
    module.get_keyring = lambda: backend  # type: ignore[attr-defined]
    module.set_password = put  # type: ignore[attr-defined]
    module.get_password = lambda service, name: backend.kept.get((service, name))  # type: ignore[attr-defined]
    module.delete_password = lambda service, name: backend.kept.pop((service, name))  # type: ignore[attr-defined]
    return module


real_keyring = vault._keyring


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch, own_folders: Path) -> Backend:
    made = Backend()
    monkeypatch.setitem(sys.modules, "keyring", keyring_of(made))
    monkeypatch.setattr(vault, "_keyring", real_keyring)
    return made


async def test_a_login_in_the_keyring(world: World, run: Run, log_in: LogIn, backend: Backend, tmp_path: Path) -> None:
    ran = await run("login", "--user", "ana", "--password-stdin", typed="ana-password\n")
    assert ran.code == 0 and "kept in the keyring (Test Keyring)" in ran.out
    ((place, token),) = backend.kept.items()
    assert place == ("jupyter-govern", world.url) and token.startswith("gov_person_")
    file = tmp_path / "data" / "govern" / "credentials.json"
    assert token not in file.read_text() and "gov_" not in file.read_text()
    assert (await run("approvals")).code == 0
    from jupyter_govern_kernel.discovery import kept_login

    login = kept_login()
    assert login is not None and login.token == token
    assert (await run("logout")).code == 0
    assert backend.kept == {} and not file.exists()
    assert (await world.ask("GET", "me", token)).status == 401


@pytest.mark.parametrize("why", ["low priority", "broken", "chain of nothing"])
async def test_no_real_keyring_is_a_file(
    world: World, run: Run, backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    if why == "low priority":
        backend.priority = 0.5
    elif why == "broken":
        monkeypatch.setitem(sys.modules, "keyring", keyring_of(backend, broken=True))
    else:
        backend.backends = []  # type: ignore[attr-defined]
    assert (await run("login", "--user", "ana", "--password-stdin", typed="ana-password\n")).code == 0
    file = tmp_path / "data" / "govern" / "credentials.json"
    assert json.loads(file.read_text())["token"].startswith("gov_person_") and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (await run("approvals")).code == 0


async def test_revoke(world: World, run: Run, log_in: LogIn) -> None:
    token, pending = world.token("ana"), world.pending()
    await log_in("eve")
    ran = await run("revoke", "ana")
    assert ran.code == 1 and "administrators" in ran.err and "gateway.admins" in ran.err
    assert (await world.ask("GET", "me", token)).status == 200
    await log_in("ben")
    ran = await run("revoke", "ana", "--reason", "gone")
    assert ran.code == 0 and "Revoked ana: 2 tokens" in ran.out
    assert (await world.ask("GET", "me", token)).status == 401
    assert pending.approval.state == "pending"  # this world has no wire: its session is not tied to anything
    log = [json.loads(line) for line in world.recorder.log.path.read_text().splitlines()]
    assert [(e["event"], e["by"]) for e in log if e["type"] == "token" and e["event"] in ("refused", "person revoked") and "by" in e] == [
        ("refused", "eve"), ("person revoked", "ben")
    ]  # fmt: skip


async def test_credential(world: World, run: Run, log_in: LogIn) -> None:
    await log_in("ana")
    said = json.loads((await run("credential", "shop", "--for", "60", "--here", "--json")).out)
    assert {key: said[key] for key in ("host", "port", "database", "user", "sslmode", "ca")} == {
        "host": "127.0.0.1", "port": "6432", "database": "shop", "user": "ana", "sslmode": "verify-full", "ca": "/ca.pem",
    }  # fmt: skip
    assert said["jdbc"] == "jdbc:postgresql://127.0.0.1:6432/shop?sslmode=verify-full&sslrootcert=%2Fca.pem"
    token = world.identity.authenticate_password("ana", said["password"])
    assert (token.kind, token.targets, token.networks) == ("client", ("shop",), ("127.0.0.1/32",))
    only = await run("credential", "shop", "--password")
    assert re.fullmatch(r"gov_client_[\w-]{43}\n", only.out)
    assert (await run("credential", "nope")).code == 1
    assert (await run("credential", "shop", "--for", "99999")).code == 1
    printed = (await run("credential", "shop")).out
    assert "password  gov_client_" in printed and "until" in printed


async def test_connect_binds_its_token_and_prints_exports(world: World, run: Run, log_in: LogIn) -> None:
    await log_in("ana")
    ran = await run("connect", "shop", "--", "env")
    password = re.search(r"^export PGPASSWORD=(\S+)$", ran.out, re.M)
    assert password is not None
    assert world.identity.authenticate_password("ana", password[1]).targets == ("shop",)


async def test_keys(world: World, run: Run, log_in: LogIn) -> None:
    await log_in("ben")
    assert (await run("keys")).out == "There are no keys.\n"
    made = await run("keys", "create", "etl", "--expires", "30", "--target", "shop", "--from", "10.0.0.0/8")
    key = re.search(r"gov_service_[\w-]{43}", made.out)
    assert made.code == 0 and key is not None and "service/etl" in made.out
    listed = await run("keys", "list")
    assert key[0] not in listed.out and "10.0.0.0/8" in listed.out and "ben" in listed.out
    ((identifier,),) = [[each["id"] for each in json.loads((await run("keys", "list", "--json")).out)]]
    assert (await run("keys", "create", "nobody", "--expires", "1")).code == 1
    assert (await run("keys", "create", "etl", "--expires", "999")).code == 1
    assert (await run("keys", "revoke", identifier)).code == 0
    assert (await run("keys", "revoke", identifier)).code == 1
    await log_in("ana")
    assert "administrators" in (await run("keys", "create", "etl", "--expires", "1")).err


async def test_config(world: World, run: Run, log_in: LogIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "services"
    monkeypatch.setenv("PGSERVICEFILE", str(file))
    file.write_text("[mine]\nhost=elsewhere")
    await log_in("ana")
    printed = (await run("config")).out
    assert "[govern-shop]\nhost=127.0.0.1\nport=6432\ndbname=shop\nuser=ana\nsslmode=verify-full\nsslrootcert=/ca.pem\n" in printed
    assert "gov_" not in printed
    for _ in range(2):
        assert (await run("config", "--write")).code == 0
    text = file.read_text()
    assert text.startswith("[mine]\nhost=elsewhere\n#") and text.count("[govern-shop]") == 1 and text.count(config.BEGIN) == 1


def test_a_torn_service_file_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "services"
    file.write_text(f"{config.BEGIN}\n[govern-shop]\n[mine]\n")
    with pytest.raises(GovernError, match="mend it by hand"):
        config.write(file, "")
    assert "[mine]" in file.read_text() and list(tmp_path.iterdir()) == [file]


def test_the_authority_of_another_machine_is_kept_here(own_folders: Path) -> None:
    connect = {"host": "h", "port": 1, "dbname": "shop", "user": "ana", "ca_file": "/not/here/ca.pem", "ca": "-----BEGIN\n"}
    found = _reach._read({"connect": connect})
    assert Path(found.ca_file).read_text() == "-----BEGIN\n" and Path(found.ca_file).is_relative_to(own_folders / "data")
    assert found == _reach._read({"connect": connect})
    assert _reach._read({"connect": {**connect, "ca_file": "", "ca": ""}}).ca_file == "system"
    with pytest.raises(GovernError, match="control characters"):
        _reach._read({"connect": {**connect, "user": "ana\nhost=evil"}})
    assert isinstance(found, Reach)
