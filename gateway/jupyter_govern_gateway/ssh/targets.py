"""Where SSH targets are, whom they must be, and how the gateway logs in there. Nothing of this machine's own SSH set-up is used.

The credential leaves this process towards its target only. A target whose host key is not known is not reached.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import asyncssh

from jupyter_govern.errors import ConfigError, TargetUnavailable
from jupyter_govern_gateway.ssh.bounds import CONNECT_SECONDS, KEEPALIVE_SECONDS

if TYPE_CHECKING:
    from jupyter_govern.config.ssh import SshTarget
    from jupyter_govern_gateway.gate import Permit

CIPHERS: Final = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes256-ctr", "aes128-ctr")
"""The first costs half of what the third does (design/protocols.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SshAddress:
    """Where a target is; `trusted` is what AsyncSSH takes as known_hosts."""

    name: str
    host: str
    port: int
    user: str
    trusted: Any
    password: str | None = field(repr=False, default=None)
    key: asyncssh.SSHKey | None = field(repr=False, default=None)


def ssh_address(target: SshTarget, directory: Path) -> SshAddress:
    """From the configuration; raises ConfigError where a secret or a key cannot be read."""
    at = f"target.{target.name}"
    return SshAddress(
        name=target.name,
        host=target.host,
        port=target.port,
        user=target.user,
        trusted=_trusted(target, directory),
        password=target.password.read(directory, f"{at}.password") if target.password is not None else None,
        key=_private_key(target.private_key.read(directory, f"{at}.private_key"), at) if target.private_key is not None else None,
    )


def _private_key(text: str, at: str) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_private_key(text + "\n")
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as problem:
        raise ConfigError(f"is no private key that can be used ({type(problem).__name__})", key=f"{at}.private_key") from None


def _trusted(target: SshTarget, directory: Path) -> Any:
    try:
        if target.host_key:
            return ([asyncssh.import_public_key(target.host_key)], [], [])
        return asyncssh.import_known_hosts((directory / target.known_hosts).read_text())
    except (asyncssh.KeyImportError, ValueError) as problem:
        key = "host_key" if target.host_key else "known_hosts"
        raise ConfigError(f"cannot be used: {problem}", key=f"target.{target.name}.{key}") from None
    except OSError as problem:
        raise ConfigError(f"cannot be read: {problem.strerror}", key=f"target.{target.name}.known_hosts") from None


async def connect(address: SshAddress, permit: Permit) -> asyncssh.SSHClientConnection:
    """A connection to the target; raises TargetUnavailable. The Permit is the session's own."""
    if permit.operation is not None:
        raise PermissionError("a target is reached with the session's own permit")
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return await asyncssh.connect(
                address.host,
                address.port,
                username=address.user,
                password=address.password,
                client_keys=[address.key] if address.key is not None else None,
                known_hosts=address.trusted,
                config=None,
                agent_path=None,
                agent_forwarding=False,
                gss_host=None,
                encryption_algs=CIPHERS,
                compression_algs=None,
                keepalive_interval=KEEPALIVE_SECONDS,
            )
    except (asyncssh.Error, OSError, TimeoutError) as problem:
        raise TargetUnavailable(f'target "{address.name}" cannot be reached: {_why(problem)}') from None


def _why(problem: Exception) -> str:
    """What a client may know of it."""
    match problem:
        case asyncssh.HostKeyNotVerifiable():
            return "its host key is not the one that it must have"
        case asyncssh.PermissionDenied():
            return "the gateway's own credential was refused"
        case TimeoutError():
            return f"it did not answer within {CONNECT_SECONDS:g} seconds"
        case asyncssh.Error():
            return problem.reason
        case OSError():
            return os.strerror(problem.errno) if problem.errno else "no such host"
    return "it failed"
