"""Certificates: made for a token, good for exactly what the token is good for."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from ssh_rig import OPTIONS, SshRig, needs_ssh

from jupyter_govern.client import GatewayClient
from jupyter_govern.commands import _ssh

pytestmark = needs_ssh


@pytest.fixture(scope="module")
def rig() -> Iterator[SshRig]:
    with SshRig() as rig:
        yield rig


def run(rig: SshRig, key: Path, certificate: Path, user: str = "web1") -> subprocess.CompletedProcess[bytes]:
    arguments = ["ssh", *OPTIONS, "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-i", str(key), "-o", f"CertificateFile={certificate}"]
    return subprocess.run(
        [*arguments, "-p", str(rig.port), f"{user}@127.0.0.1", "echo in"],
        capture_output=True,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def made(rig: SshRig, folder: Path, authority: Any = None, **changes: Any) -> tuple[Path, Path, str]:
    """A key with a certificate for a token of ana's; `changes` forge it."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(folder / "key")
    (folder / "key").chmod(0o600)
    issue = rig.gate.house.identity.issue
    _text, token = rig.run(
        lambda: issue(
            subject="ana", groups=frozenset({"analysts"}), kind=changes.pop("kind", "client"), targets=changes.pop("targets", ("web1",))
        )
    )
    if authority is None and not changes:
        text = rig.gate.house.authority.certificate(key.export_public_key().decode(), token)
        (folder / "cert.pub").write_text(text + "\n")
    else:
        fields = {"principals": [f"govern-token-{token.id}", "ana", "web1"], "valid_before": "+1h", **changes}
        signer = authority or rig.gate.house.authority._key
        signer.generate_user_certificate(key, key_id="forged", **fields).write_certificate(folder / "cert.pub")
    return folder / "key", folder / "cert.pub", token.id


def test_a_certificate_logs_in_until_its_token_is_revoked(rig: SshRig, tmp_path: Path) -> None:
    key, certificate, token = made(rig, tmp_path)
    assert run(rig, key, certificate).stdout == b"in\n"
    assert run(rig, key, certificate, "ana+web1").stdout == b"in\n"
    shown = subprocess.run(["ssh-keygen", "-L", "-f", certificate], capture_output=True, text=True, check=True).stdout
    assert "jupyter-govern ana for web1" in shown and "Valid: from" in shown
    rig.run(lambda: rig.gate.house.identity.revoke(token, by="test"))
    assert run(rig, key, certificate).returncode == 255


def test_it_opens_no_other_target_and_nobody_else(rig: SshRig, tmp_path: Path) -> None:
    key, certificate, _ = made(rig, tmp_path)
    assert run(rig, key, certificate, "stranger").returncode == 255
    assert run(rig, key, certificate, "ben+web1").returncode == 255


@pytest.mark.parametrize(
    "changes",
    [
        {"valid_after": int(time.time()) - 7200, "valid_before": int(time.time()) - 3600},
        {"valid_after": int(time.time()) + 3600, "valid_before": int(time.time()) + 7200},
        {"principals": ["ana", "web1"]},
        {"principals": []},
        {"principals": ["govern-token-0000000000000000", "ana"]},
        {"source_address": ["203.0.113.0/24"]},
        {"kind": "server", "targets": (), "valid_before": "+1h"},
    ],
    ids=str,
)
def test_wrong_certificates_of_the_right_authority_are_refused(rig: SshRig, tmp_path: Path, changes: dict[str, Any]) -> None:
    key, certificate, _ = made(rig, tmp_path, **dict(changes))
    assert run(rig, key, certificate).returncode == 255


def test_forged_and_stolen_certificates_are_refused(rig: SshRig, tmp_path: Path) -> None:
    key, certificate, _ = made(rig, tmp_path, authority=asyncssh.generate_private_key("ssh-ed25519"))
    assert run(rig, key, certificate).returncode == 255
    for name in ("mine", "theirs"):
        (tmp_path / name).mkdir()
    (_mine, stolen, _), (other, _theirs, _) = made(rig, tmp_path / "mine"), made(rig, tmp_path / "theirs")
    assert run(rig, other, stolen).returncode == 255, "a certificate without its private key"
    plain = run(rig, other, tmp_path / "none")
    assert plain.returncode == 255, "a bare key is nobody"


def test_the_command_line_writes_an_entry_that_works(rig: SshRig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path))
    client = GatewayClient(rig.app.api.url, rig.token())
    (tmp_path / "config").write_text(_ssh.ssh_entry(client, "web1", 600, []))
    got = subprocess.run(
        ["ssh", "-F", tmp_path / "config", "-o", "BatchMode=yes", "govern-web1", "echo in"],
        capture_output=True, timeout=60, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert got.stdout == b"in\n", got.stderr
