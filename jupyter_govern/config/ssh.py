"""Settings of SSH: the listener and the targets. Shapes only, like model.py, which holds the rest."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from jupyter_govern.config.secrets import SecretReference
from jupyter_govern.config.shapes import Listen, TargetName
from jupyter_govern.config.strict import Name, Strict


class SshListener(Listen):
    """The SSH listener. Needs the extra `ssh`."""

    listen: str = "127.0.0.1:2222"
    """Where ssh, scp, sftp and rsync connect; port 0 takes any free one."""


class SshTarget(Strict):
    """A server that is reached by SSH."""

    name: TargetName
    """What people call it: `ssh NAME@gateway`, `%govssh NAME`."""
    kind: Literal["ssh"]
    """Its protocol."""
    host: Name
    """Where it is."""
    port: Annotated[int, Field(ge=1, le=65535)] = 22
    """Its port."""
    user: Name
    """The gateway's own account there."""
    password: SecretReference | None = None
    """That account's password; people never see it."""
    private_key: SecretReference | None = None
    """That account's private key, in OpenSSH's format and without passphrase; people never see it."""
    host_key: str = ""
    """The target's public host key, as in `/etc/ssh/ssh_host_ed25519_key.pub`: nothing else is accepted."""
    known_hosts: str = ""
    """A known_hosts file that has the target's key; relative to this file."""

    @field_validator("host_key")
    @classmethod
    def _one_key(cls, value: str) -> str:
        if value and len(value.split()) < 2:
            raise ValueError("wants TYPE BASE64, for example ssh-ed25519 AAAA…")
        return value

    @model_validator(mode="after")
    def _trusted(self) -> SshTarget:
        if bool(self.host_key) == bool(self.known_hosts):
            raise ValueError("give exactly one of host_key and known_hosts: an unknown host is never trusted")
        if self.password is None and self.private_key is None:
            raise ValueError("needs password or private_key")
        return self
