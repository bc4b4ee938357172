"""A key of this machine, the certificate for it, and the entry of ssh_config that uses both. The private key never leaves its file."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from jupyter_govern import private_files
from jupyter_govern.client import GatewayClient
from jupyter_govern.commands._place import credentials_file
from jupyter_govern.errors import GovernError

_HOST = re.compile(r"[A-Za-z0-9.:_-]+")
_KEY = re.compile(r"ssh-ed25519 [A-Za-z0-9+/=]+( [A-Za-z0-9._-]*)?")


def ssh_entry(client: GatewayClient, target: str, seconds: int, networks: list[str]) -> str:
    """Get a certificate and write it; returns the entry. Raises GovernError."""
    folder = credentials_file().parent / "ssh"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = folder / "id_ed25519"
    got = client.ssh_certificate(target, seconds, networks, _public(key))
    host, port, host_key = str(got["host"]), int(got["port"]), str(got["host_key"])
    if _HOST.fullmatch(host) is None or _KEY.fullmatch(host_key) is None or "\n" in str(got["certificate"]):
        raise GovernError("the gateway's answer holds what does not belong there")
    name = f"govern-{target}"
    certificate, known = folder / f"{name}-cert.pub", folder / f"{name}.known_hosts"
    private_files.replace(certificate, f"{got['certificate']}\n")
    private_files.replace(known, f"[{host}]:{port} {host_key}\n")
    return (
        f"# {got['subject']}, until {got['expires_at']}\nHost {name}\n  HostName {host}\n  Port {port}\n  User {got['subject']}+{target}\n"
        f'  IdentityFile "{key}"\n  CertificateFile "{certificate}"\n  IdentitiesOnly yes\n  UserKnownHostsFile "{known}"\n'
        f"  StrictHostKeyChecking yes\n"
    )


def _public(key: Path) -> str:
    if not key.exists():
        try:
            made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "jupyter-govern", "-f", str(key)]
            subprocess.run(made, check=True, stdin=subprocess.DEVNULL, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as problem:
            raise GovernError(f"ssh-keygen could not make a key: {problem}") from None
    return key.with_suffix(".pub").read_text(encoding="ascii").strip()
