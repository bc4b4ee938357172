"""The settings of [identity.jupyterhub]. Shapes only, like model.py."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from jupyter_govern.config.secrets import SecretReference
from jupyter_govern.config.strict import LOOPBACK, Strict


class JupyterHubConfig(Strict):
    """The gateway as a service of a JupyterHub (5 or later): its notebook servers need no login of their own. See docs/identity.md."""

    api_url: str
    """The Hub's API, `http://127.0.0.1:8081/hub/api`."""
    proxy_url: str
    """Where people's notebook servers are reached: the Hub's proxy, `http://127.0.0.1:8000`."""
    token: SecretReference
    """The token of the gateway's own service in the Hub; `{ env = "JUPYTERHUB_API_TOKEN" }` where the Hub starts the gateway."""
    service: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")] = "govern"
    """What the Hub calls that service; `access:services!service=NAME` is what people need there."""
    oidc: str
    """The `[[identity.oidc]]` whose id_token the Hub keeps of people; the gateway checks it itself."""
    client_id: Annotated[str, Field(min_length=1, max_length=255)]
    """The Hub's client at that provider: the audience of its id_token."""
    username_claim: Annotated[str, Field(min_length=1, max_length=255)] = "sub"
    """The claim that the Hub takes its user names from."""
    hub_groups: bool = False
    """Whether the Hub's own groups count in policy beside those of the identity provider."""
    hub_group_prefix: Annotated[str, Field(max_length=64)] = "hub:"
    """Put before the name of a group of the Hub, so that it is not taken for one of the provider's."""
    max_age_seconds: Annotated[int, Field(ge=60, le=86400)] = 43200
    """How old an id_token may be, whatever end it names itself. This is the longest that a revocation at the provider goes unseen."""
    recheck_seconds: Annotated[float, Field(ge=1, le=30)] = 15.0
    """How often the Hub is asked whether it still knows the tokens that are in use."""
    bind_address: bool = True
    """Tokens count only from the address that asked for them. Not where notebook servers reach the API through a proxy."""
    ca: str = ""
    """PEM file to verify the Hub against; the system's authorities if empty."""
    insecure_because: str = ""
    """Why plain http to a Hub that is not on this machine is acceptable; it is logged at each start."""

    @model_validator(mode="after")
    def _loud(self) -> JupyterHubConfig:
        for key, url in (("api_url", self.api_url), ("proxy_url", self.proxy_url)):
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError(f"{key} wants http:// or https://")
            if parts.scheme == "http" and parts.hostname not in LOOPBACK and not self.insecure_because:
                raise ValueError(f'{key}: http to a host that is not this machine needs insecure_because = "…"')
        return self
