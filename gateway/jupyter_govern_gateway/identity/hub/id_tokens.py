"""The id_token that the Hub keeps, checked by the gateway's own verifier for the Hub's client: only that audience counts here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import jwt

from jupyter_govern.config.identity import OidcConfig
from jupyter_govern_gateway.identity.hub.proof import IdTokenRefused, Proven
from jupyter_govern_gateway.identity.oidc.errors import ProviderUnavailable, TokenRefused
from jupyter_govern_gateway.identity.oidc.verifier import Verifier


class HubIdTokens:
    """provider: whose tokens. client_id: the Hub's client there."""

    def __init__(
        self, provider: OidcConfig, client_id: str, directory: Path, clock: Callable[[], float], *, prefixes: Sequence[str] = ()
    ) -> None:
        only_the_hubs = provider.model_copy(update={"audiences": (client_id,)})
        self._verifier = Verifier(only_the_hubs, directory, clock, prefixes=prefixes)

    async def verify(self, text: str) -> Proven:
        """Raises IdTokenRefused."""
        try:
            said = await self._verifier.verify(text)
        except TokenRefused as refused:
            raise IdTokenRefused(f"{refused.why}: {refused.detail}", expired=refused.why == "expired") from None
        except ProviderUnavailable as problem:
            raise IdTokenRefused(f"{problem}", unchecked=True) from None
        # the signature was checked a line above; the claim that the Hub names people by may be any of them
        claims = jwt.decode(text, options={"verify_signature": False})
        return Proven(
            subject=said.subject,
            issuer=said.issuer,
            groups=said.groups,
            attributes=said.attributes,
            claims=claims,
            issued_at=said.issued_at,
            expires_at=said.expires_at,
        )

    async def close(self) -> None:
        """Close its connections."""
        await self._verifier.close()
