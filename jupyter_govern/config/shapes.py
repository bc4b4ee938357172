"""Listening sockets, and names of targets."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from jupyter_govern.config.strict import Strict

TargetName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]


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
