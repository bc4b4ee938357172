"""One provider's verifier: discovery and keys put together with verify(). What a hub, a login and a workload all use."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from jupyter_govern.config.identity import Issuer, OidcConfig
from jupyter_govern_gateway.identity.oidc.discovery import Discovery
from jupyter_govern_gateway.identity.oidc.fetch import client
from jupyter_govern_gateway.identity.oidc.keys import Keys
from jupyter_govern_gateway.identity.oidc.verify import Identity, key_id, verified_claims, verify


class IssuerKeys:
    """Discovery and keys of one issuer; close it in the end."""

    def __init__(self, config: Issuer, directory: Path, clock: Callable[[], float], http: httpx.AsyncClient | None = None) -> None:
        self.http = http if http is not None else client(config.issuer, directory / config.ca if config.ca else None)
        self.discovery = Discovery(config.issuer, self.http, clock)
        self._keys = Keys(self._where, self.http, clock)
        self._config, self._clock = config, clock

    async def claims(self, token: str, audiences: Sequence[str]) -> dict[str, Any]:
        """The verified claims of a token for one of these audiences. Raises TokenRefused, ProviderUnavailable."""
        return verified_claims(token, await self.of(token), self._config, audiences, self._clock())

    async def of(self, token: str) -> Sequence[Mapping[str, Any]]:
        """The keys that this token may be signed with."""
        return await self._keys.for_kid(key_id(token))

    async def close(self) -> None:
        await self.http.aclose()

    async def _where(self) -> str:
        return (await self.discovery.get()).jwks_uri


class Verifier:
    """ID tokens of one provider → Identity.

    prefixes: those of all providers, so that no provider can name another's people.
    """

    def __init__(
        self,
        config: OidcConfig,
        directory: Path,
        clock: Callable[[], float],
        *,
        prefixes: Sequence[str] = (),
        http: httpx.AsyncClient | None = None,
    ) -> None:
        self.config, self.issuer = config, IssuerKeys(config, directory, clock, http)
        self._clock, self._prefixes = clock, tuple(prefixes)

    async def verify(
        self, token: str, *, nonce: str | None = None, access_token: str | None = None, more: Mapping[str, Any] | None = None
    ) -> Identity:
        """See verify.verify. Raises TokenRefused, ProviderUnavailable."""
        return verify(
            token,
            await self.issuer.of(token),
            self.config,
            self._clock(),
            nonce=nonce,
            access_token=access_token,
            more=more,
            other_prefixes=self._prefixes,
        )

    async def close(self) -> None:
        await self.issuer.close()
