"""Whom a connection trusts, and what the gateway said is masked."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from jupyter_govern_kernel.connection import Endpoint, GovernedConnection, MaskedColumn, authority


def endpoint(ca_file: str = "", sslmode: str = "verify-full") -> Endpoint:
    return Endpoint(host="h", port=1, dbname="d", user="u", ca_file=ca_file, sslmode=sslmode)


def test_the_authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)
    ours = tmp_path / "ca.pem"
    ours.touch()
    assert authority(endpoint(str(ours))) == str(ours)
    assert authority(endpoint(str(tmp_path / "on-the-gateways-machine.pem"))) == "system"
    assert authority(endpoint()) == "system"
    assert authority(endpoint(sslmode="disable")) is None
    monkeypatch.setenv("PGSSLROOTCERT", "/some/file")
    assert authority(endpoint()) is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (None, ()),
        ("[]", ()),
        ("not json", ()),
        ('{"name": 1}', ()),
        ('[{"name": "email"}]', ()),
        ('[{"name": "email", "rule": "r", "format": "hash"}]', (MaskedColumn(name="email", rule="r", format="hash"),)),
    ],
)
def test_what_is_masked(said: str | None, expected: tuple[MaskedColumn, ...]) -> None:
    connection = SimpleNamespace(info=SimpleNamespace(parameter_status=lambda name: said if name == "govern.masked" else "x"))
    assert GovernedConnection.masked_columns(connection) == expected  # type: ignore[arg-type]
