"""Listening sockets, networks, and names of targets."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator

from jupyter_govern.config.strict import Strict

TargetName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        raise ValueError(f"wants an address or a network without host bits, for example 10.0.0.0/8, and found {value!r}") from None


NetworkText = Annotated[str, AfterValidator(_network)]
"""An address, or a network as CIDR."""


class Listen(Strict):
    """A listening socket."""

    listen: str
    """Address and port, `127.0.0.1:6432` or `[::1]:6432`; port 0 takes any free one."""

    @field_validator("listen")
    @classmethod
    def _address(cls, value: str) -> str:
        host, colon, port = value.rpartition(":")
        if not colon or not host or not port.isdigit() or int(port) > 65535:
            raise ValueError("wants HOST:PORT, for example 127.0.0.1:6432")
        return value

    @property
    def host(self) -> str:
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.listen.rpartition(":")[2])
