"""A provider's discovery document (OpenID Connect Discovery 1.0), kept for an hour; its issuer must be the configured one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from jupyter_govern.config.identity import secure_url
from jupyter_govern_gateway.identity.oidc.errors import ProviderUnavailable
from jupyter_govern_gateway.identity.oidc.fetch import document

METADATA_SECONDS: Final = 3600.0
RETRY_SECONDS: Final = 5.0
"""A provider that failed is not asked again before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """Endpoints of a provider; "" for what it does not have."""

    issuer: str
    jwks_uri: str
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    revocation_endpoint: str = ""
    says_issuer: bool = False
    """Whether its authorization responses carry `iss` (RFC 9207); then they must."""


class Discovery:
    """`get()` asks at most once per METADATA_SECONDS, and not more than once per RETRY_SECONDS after a failure."""

    def __init__(self, issuer: str, http: httpx.AsyncClient, clock: Callable[[], float]) -> None:
        self._issuer, self._http, self._clock = issuer, http, clock
        self._lock = asyncio.Lock()
        self._found: Metadata | None = None
        self._good_until = self._not_before = 0.0

    async def get(self) -> Metadata:
        """Raises ProviderUnavailable."""
        async with self._lock:
            now = self._clock()
            if self._found is not None and now < self._good_until:
                return self._found
            if now < self._not_before:
                raise ProviderUnavailable(f"{self._issuer} did not answer a moment ago")
            self._not_before = now + RETRY_SECONDS
            read = await document(self._http, self._issuer.rstrip("/") + "/.well-known/openid-configuration")
            self._found = metadata(read, self._issuer)
            self._good_until, self._not_before = now + METADATA_SECONDS, 0.0
            return self._found


def metadata(read: Mapping[str, Any], issuer: str) -> Metadata:
    """The document's endpoints. Pure. Raises ProviderUnavailable where it is another issuer's, or lacks https."""
    if read.get("issuer") != issuer:
        raise ProviderUnavailable(f"the discovery document of {issuer} names another issuer")
    names = [name for name in Metadata.__dataclass_fields__ if name not in {"issuer", "says_issuer"}]
    found = {name: _endpoint(read.get(name, ""), name, issuer) for name in names}
    if not found["jwks_uri"]:
        raise ProviderUnavailable(f"the discovery document of {issuer} names no jwks_uri")
    return Metadata(issuer=issuer, says_issuer=read.get("authorization_response_iss_parameter_supported") is True, **found)


def _endpoint(value: Any, name: str, issuer: str) -> str:
    if value in ("", None):
        return ""
    try:
        # an endpoint may carry a query of its own
        secure_url(str(value).partition("?")[0])
    except ValueError as error:
        raise ProviderUnavailable(f"the discovery document of {issuer}: {name} {error}") from None
    return str(value)
