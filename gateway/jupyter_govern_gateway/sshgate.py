"""The SSH listener, where there is one: the extra is imported only then."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_govern.config.model import Config
from jupyter_govern.config.ssh import SshListener
from jupyter_govern.errors import ConfigError
from jupyter_govern_gateway.identity.service import LocalIdentity
from jupyter_govern_gateway.net.services import Services
from jupyter_govern_gateway.policy.store import PolicyStore

if TYPE_CHECKING:
    from jupyter_govern_gateway.ssh.listener import SshGate


def ssh_gate(
    config: Config, listen: SshListener, directory: Path, state: Path, services: Services, identity: LocalIdentity, policy: PolicyStore
) -> SshGate:
    """Not started yet. Raises ConfigError where the extra is missing or a target cannot be used."""
    try:
        from jupyter_govern_gateway.ssh.listener import SshGate
    except ModuleNotFoundError as missing:
        raise ConfigError("needs the extra `ssh`: pip install 'jupyter-govern[gateway,ssh]'", key="gateway.ssh") from missing
    return SshGate(
        host=listen.host,
        port=listen.port,
        state_dir=state,
        directory=directory,
        targets=config.ssh_targets,
        identity=identity,
        policy=policy,
        gate=services.gate,
        log=services.log,
    )
