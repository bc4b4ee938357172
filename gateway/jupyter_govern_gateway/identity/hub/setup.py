"""[identity.jupyterhub] → the parts of this package, put together. Raises ConfigError for what is not there."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from jupyter_govern.config.hub import JupyterHubConfig
from jupyter_govern.config.model import IdentityConfig
from jupyter_govern.errors import ConfigError
from jupyter_govern_gateway.identity.hub.api import Hub
from jupyter_govern_gateway.identity.hub.exchange import HubLogins, HubSettings
from jupyter_govern_gateway.identity.hub.id_tokens import HubIdTokens
from jupyter_govern_gateway.identity.hub.recheck import Recheck
from jupyter_govern_gateway.identity.service import Identity
from jupyter_govern_gateway.recorder.log import GatewayLog

KEY = "identity.jupyterhub"


@dataclass(frozen=True, slots=True, kw_only=True)
class HubParts:
    """What the gateway runs and closes."""

    logins: HubLogins
    recheck: Recheck
    hub: Hub
    id_tokens: HubIdTokens

    async def close(self) -> None:
        """Close connections."""
        await self.hub.close()
        await self.id_tokens.close()


def hub_parts(
    config: IdentityConfig, *, directory: Path, identity: Identity, log: GatewayLog, clock: Callable[[], float]
) -> HubParts | None:
    """None where no JupyterHub is configured."""
    settings = config.jupyterhub
    if settings is None:
        return None
    provider = next(each for each in config.oidc if each.name == settings.oidc)
    token = settings.token.read(directory, f"{KEY}.token")
    hub = Hub(api_url=settings.api_url, proxy_url=settings.proxy_url, token=token, clock=clock, tls=_tls(settings, directory))
    prefixes = config.prefixes  # of SAML providers too: the Hub names nobody of theirs
    id_tokens = HubIdTokens(provider, settings.client_id, directory, clock, prefixes=prefixes)
    logins = HubLogins(hub=hub, id_tokens=id_tokens, identity=identity, settings=_settings(settings), log=log, clock=clock)
    recheck = Recheck(hub=hub, identity=identity, seconds=settings.recheck_seconds, clock=clock)
    return HubParts(logins=logins, recheck=recheck, hub=hub, id_tokens=id_tokens)


def _settings(config: JupyterHubConfig) -> HubSettings:
    return HubSettings(
        service=config.service,
        username_claim=config.username_claim,
        max_age_seconds=float(config.max_age_seconds),
        takes_hub_groups=config.hub_groups,
        hub_group_prefix=config.hub_group_prefix,
        binds_address=config.bind_address,
    )


def _tls(config: JupyterHubConfig, directory: Path) -> ssl.SSLContext | None:
    if not config.ca:
        return None
    try:
        return ssl.create_default_context(cafile=str(directory / config.ca))
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"{directory / config.ca} cannot be used: {error}", key=f"{KEY}.ca") from error
