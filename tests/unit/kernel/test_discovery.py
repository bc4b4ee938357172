"""Where a gateway is, and that a kept token goes to no gateway but its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jupyter_govern_kernel.discovery import Login, gateway_address, kept_login
from jupyter_govern_kernel.gateway_api import Address


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("DATA", "RUNTIME"):
        monkeypatch.setenv(f"JUPYTER_{name}_DIR", str(tmp_path / name.lower()))
    monkeypatch.delenv("JUPYTER_GOVERN_URL", raising=False)
    (tmp_path / "runtime").mkdir()
    (tmp_path / "data" / "govern").mkdir(parents=True)
    return tmp_path


def write(path: Path, said: object) -> None:
    path.write_text(json.dumps(said))


def test_nothing_is_known() -> None:
    assert gateway_address() == Address(url="")
    assert kept_login() is None


def test_this_machines_gateway_and_its_authority(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(place / "runtime" / "govern-gateway.json", {"api_url": "https://here:1/", "ca_file": "/ca.pem"})
    assert gateway_address() == Address(url="https://here:1", ca_file="/ca.pem")
    monkeypatch.setenv("JUPYTER_GOVERN_URL", "https://there")
    assert gateway_address() == Address(url="https://there")


def test_a_kept_token_goes_to_its_own_gateway_only(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(place / "data" / "govern" / "credentials.json", {"token": "t", "url": "https://issuer/"})
    login = Login(address=Address(url="https://issuer"), token="t")
    assert kept_login() == login
    monkeypatch.setenv("JUPYTER_GOVERN_URL", "https://issuer")
    assert kept_login() == login
    monkeypatch.setenv("JUPYTER_GOVERN_URL", "https://attacker")
    assert kept_login() is None


@pytest.mark.parametrize("said", [[], {}, {"token": 5, "url": "http://x"}, {"token": "t"}, "text"])
def test_broken_credentials_are_none(place: Path, said: object) -> None:
    write(place / "data" / "govern" / "credentials.json", said)
    assert kept_login() is None
