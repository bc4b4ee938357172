"""`jupyter govern trust`: what it says of the authority, and what it refuses."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from jupyter_govern_gateway.authority import LocalAuthority, names_of

from .conftest import Run


@pytest.fixture
def ca(tmp_path: Path) -> Path:
    local = LocalAuthority(tmp_path / "tls", names_of())
    local.ensure()
    return local.ca


@pytest.fixture
def running(ca: Path, tmp_path: Path) -> Path:
    (tmp_path / "runtime").mkdir()
    (tmp_path / "runtime" / "govern-gateway.json").write_text(json.dumps({"api_url": "https://localhost:1", "ca_file": str(ca)}))
    return ca


def openssl_says(certificate: Path) -> str:
    command = ["openssl", "x509", "-in", str(certificate), "-noout", "-fingerprint", "-sha256"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.partition("=")[2].strip()


async def test_it_tells_file_and_fingerprint(run: Run, running: Path) -> None:
    ran = await run("trust")
    assert ran.code == 0 and openssl_says(running) in ran.out
    for word in (str(running), "sslrootcert=", "cafile=", "update-ca-certificates", "Firefox", "JUPYTER_GOVERN_CA"):
        assert word in ran.out


async def test_export_is_a_copy_and_overwrites_nothing(run: Run, running: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.pem"
    ran = await run("trust", "--export", str(copy))
    assert ran.code == 0 and str(copy) in ran.out and openssl_says(copy) == openssl_says(running)
    assert (await run("trust", "--export", str(copy))).code == 0
    copy.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    ran = await run("trust", "--export", str(copy))
    assert ran.code == 1 and "not overwritten" in ran.err


@pytest.fixture
def both(running: Path, tmp_path: Path) -> Path:
    """A file with the key too."""
    file = tmp_path / "both.pem"
    file.write_text((running.parent / "ca.key").read_text() + running.read_text())
    return file


async def test_keys_are_never_told(run: Run, running: Path, both: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.pem"
    assert (await run("trust", "--ca", str(both), "--export", str(copy))).code == 0
    assert "PRIVATE" not in copy.read_text()
    ran = await run("trust", "--ca", str(running.parent / "ca.key"))
    assert ran.code == 1 and "no certificate" in ran.err


async def test_without_an_authority_it_says_what_to_do(run: Run) -> None:
    ran = await run("trust", "--url", "https://gateway.example.org")
    assert ran.code == 1 and "--ca FILE" in ran.err


async def test_an_authority_that_cannot_be_read_is_one_line(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_GOVERN_CA", "/nowhere/ca.pem")
    ran = await run("login", "--url", "https://localhost:1", "--user", "ana", "--password-stdin", typed="x\n")
    assert ran.code == 1 and "/nowhere/ca.pem cannot be used" in ran.err and "Traceback" not in ran.err
