"""Settings of [[gateway.export]]: where operations are told as they end."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from jupyter_govern.config.secrets import SecretReference
from jupyter_govern.config.strict import SafeUrl, Strict


class Export(Strict):
    """Tells every operation that has ended to another system, in order, at least once: docs/observability.md."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
    """What it is called in the log; how far it has come is kept under this name."""
    kind: Literal["file", "syslog", "http", "otlp"]
    """file: lines appended; syslog: RFC 5424 to `address`; http: POST of JSON lines; otlp: OpenTelemetry logs over HTTP."""
    format: Literal["ocsf", "ecs", "jsonl"] = "ocsf"
    """OCSF Datastore Activity, Elastic Common Schema, or the API's own form."""
    file: str = ""
    """For file: where; `-` is standard output. Relative to this file."""
    address: str = ""
    """For syslog: `udp://HOST:PORT` or `tcp://HOST:PORT`, on this machine or a network you trust; it is not encrypted."""
    url: SafeUrl = ""
    """For http and otlp (`…/v1/logs`): where."""
    token: SecretReference | None = None
    """For http and otlp: sent as a bearer token."""
    seconds: Annotated[float, Field(ge=0.1, le=3600)] = 2.0
    """How often it looks for what has ended."""

    @model_validator(mode="after")
    def _fits(self) -> Export:
        needs = {"file": "file", "syslog": "address", "http": "url", "otlp": "url"}[self.kind]
        if not getattr(self, needs):
            raise ValueError(f'kind = "{self.kind}" needs `{needs}`')
        if self.kind == "syslog":
            scheme, _, rest = self.address.partition("://")
            host, _, port = rest.rpartition(":")
            if scheme not in {"udp", "tcp"} or not host or not port.isdigit():
                raise ValueError("address wants udp://HOST:PORT or tcp://HOST:PORT")
        return self
