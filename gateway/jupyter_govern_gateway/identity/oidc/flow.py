"""The flows with one provider, by Authlib: authorization code with PKCE, refresh, revocation, logout. Keeps nothing of anybody.

The tokens that come back are checked by the verifier before anything is believed of them.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from jupyter_govern.config.identity import OidcConfig
from jupyter_govern.config.strict import LOOPBACK
from jupyter_govern_gateway.identity.oidc.authlib_client import UNREACHABLE, OAuthError, oauth_client
from jupyter_govern_gateway.identity.oidc.errors import ProviderUnavailable
from jupyter_govern_gateway.identity.oidc.fetch import document, tls_of
from jupyter_govern_gateway.identity.oidc.verifier import Verifier

REFRESH: Final = {"token_type_hint": "refresh_token"}
ERRORS: Final = frozenset(
    "invalid_request invalid_client invalid_grant unauthorized_client unsupported_grant_type invalid_scope access_denied server_error "
    "unsupported_response_type temporarily_unavailable interaction_required login_required account_selection_required "
    "consent_required".split()
)
"""Error codes of RFC 6749 (4.1.2.1, 5.2) and of OpenID Connect Core 3.1.2.6."""


class GrantRefused(Exception):
    """The provider no longer takes this code or refresh token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An authorization request: where the browser goes, and what the answer has to fit."""

    url: str
    state: str
    nonce: str
    code_verifier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What the token endpoint gave; "" for what it did not. Secrets: never logged, never shown."""

    id_token: str
    access_token: str
    refresh_token: str


class Flow:
    """secret: the client's, "" for a public client. directory: what `ca` is relative to."""

    def __init__(self, config: OidcConfig, verifier: Verifier, *, secret: str, directory: Path) -> None:
        self.config, self.verifier, self._secret = config, verifier, secret
        self._tls = tls_of(directory / config.ca if config.ca else None)

    async def ask(self, redirect_uri: str) -> Asked:
        """A new authorization request. Raises ProviderUnavailable."""
        endpoint = (await self.verifier.issuer.discovery.get()).authorization_endpoint
        if not endpoint:
            raise ProviderUnavailable(f"{self.config.issuer} has no authorization endpoint")
        code_verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(32)
        async with self._client(redirect_uri) as client:
            url, state = client.create_authorization_url(
                endpoint,
                state=secrets.token_urlsafe(32),
                code_verifier=code_verifier,
                nonce=nonce,
                scope=" ".join(self.config.asked_scopes),
                **self.config.authorize_params,
            )
        return Asked(url=url, state=state, nonce=nonce, code_verifier=code_verifier)

    async def redeem(self, code: str, code_verifier: str, redirect_uri: str) -> Granted:
        """Tokens for a code. Raises GrantRefused, ProviderUnavailable."""
        return await self._grant("authorization_code", redirect_uri, code=code, code_verifier=code_verifier)

    async def refresh(self, refresh_token: str) -> Granted:
        """New tokens for a refresh token, which may be another afterwards. Raises GrantRefused, ProviderUnavailable."""
        granted = await self._grant("refresh_token", "", refresh_token=refresh_token)
        return granted if granted.refresh_token else Granted(
            id_token=granted.id_token, access_token=granted.access_token, refresh_token=refresh_token
        )  # fmt: skip

    async def userinfo(self, access_token: str) -> Mapping[str, Any] | None:
        """What the userinfo endpoint says, where it is to be asked. Raises ProviderUnavailable."""
        if not self.config.userinfo:
            return None
        endpoint = (await self.verifier.issuer.discovery.get()).userinfo_endpoint
        if not endpoint:
            raise ProviderUnavailable(f"{self.config.issuer} has no userinfo endpoint")
        return await document(self.verifier.issuer.http, endpoint, bearer=access_token)

    async def revoke(self, refresh_token: str) -> None:
        """Give a refresh token back, where the provider takes it. Raises ProviderUnavailable."""
        endpoint = (await self.verifier.issuer.discovery.get()).revocation_endpoint
        if not endpoint or not refresh_token:
            return
        try:
            async with self._client("") as client:
                await client.revoke_token(endpoint, token=refresh_token, **REFRESH)
        except (OAuthError, *UNREACHABLE) as error:
            raise ProviderUnavailable(f"{self.config.issuer} did not take a token back: {type(error).__name__}") from error

    async def logout_url(self, id_token: str, return_to: str) -> str:
        """Where a browser ends its session at the provider (RP-initiated logout); "" where there is no such thing."""
        endpoint = (await self.verifier.issuer.discovery.get()).end_session_endpoint
        if not endpoint:
            return ""
        parameters = {"client_id": self.config.client_id, "post_logout_redirect_uri": return_to}
        parameters |= {"id_token_hint": id_token} if id_token else {}
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(parameters)}"

    async def _grant(self, grant_type: str, redirect_uri: str, **fields: str) -> Granted:
        endpoint = (await self.verifier.issuer.discovery.get()).token_endpoint
        if not endpoint:
            raise ProviderUnavailable(f"{self.config.issuer} has no token endpoint")
        try:
            async with self._client(redirect_uri) as client:
                answer = await client.fetch_token(endpoint, grant_type=grant_type, **fields)
        except OAuthError as error:
            if error.error == "invalid_grant":
                raise GrantRefused from error
            raise ProviderUnavailable(f"{self.config.issuer} refuses the gateway: {_known(error.error)}") from error
        except UNREACHABLE as error:
            raise ProviderUnavailable(f"{self.config.issuer} cannot be asked for tokens: {type(error).__name__}") from error
        found = {name: answer.get(name) or "" for name in ("id_token", "access_token", "refresh_token")}
        if not all(isinstance(value, str) for value in found.values()):
            raise ProviderUnavailable(f"{self.config.issuer} sent tokens that are no text")
        return Granted(**found)

    def _client(self, redirect_uri: str) -> Any:
        return oauth_client(
            client_id=self.config.client_id,
            secret=self._secret,
            auth=self.config.client_auth,
            redirect_uri=redirect_uri,
            tls=self._tls,
            uses_proxy=urlsplit(self.config.issuer).hostname not in LOOPBACK,
        )


def _known(error: object) -> str:
    """What else was sent is not repeated."""
    return str(error) if error in ERRORS else "an error it should not send"
