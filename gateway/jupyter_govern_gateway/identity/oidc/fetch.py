"""Documents of identity providers: JSON over verified TLS, bounded in size and time, no redirects."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from jupyter_govern.config.strict import LOOPBACK
from jupyter_govern_gateway.identity.oidc.errors import ProviderUnavailable

SECONDS: Final = 10.0
MAX_BYTES: Final = 1 << 20


def tls_of(ca: Path | None) -> ssl.SSLContext:
    """Verification against a file of authorities, or the system's. Raises OSError, ssl.SSLError."""
    context = ssl.create_default_context(cafile=str(ca) if ca else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def client(issuer: str, ca: Path | None = None) -> httpx.AsyncClient:
    """A client for one provider; a provider on this machine is never asked through a proxy."""
    local = urlsplit(issuer).hostname in LOOPBACK
    return httpx.AsyncClient(verify=tls_of(ca), timeout=SECONDS, follow_redirects=False, trust_env=not local)


async def document(http: httpx.AsyncClient, url: str, *, bearer: str = "") -> Mapping[str, Any]:
    """The JSON object at this URL. Raises ProviderUnavailable."""
    where = urlsplit(url).netloc
    headers = {"Accept": "application/json"} | ({"Authorization": f"Bearer {bearer}"} if bearer else {})
    try:
        async with http.stream("GET", url, headers=headers) as answer:
            if answer.status_code != 200:
                raise ProviderUnavailable(f"{where} answered {answer.status_code} for {urlsplit(url).path}")
            body = bytearray()
            async for piece in answer.aiter_bytes():
                body += piece
                if len(body) > MAX_BYTES:
                    raise ProviderUnavailable(f"{where} sent more than {MAX_BYTES} bytes for {urlsplit(url).path}")
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise ProviderUnavailable(f"{where} cannot be asked: {type(error).__name__}") from error
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ProviderUnavailable(f"{where} sent no JSON for {urlsplit(url).path}") from error
    if not isinstance(found, dict):
        raise ProviderUnavailable(f"{where} sent no JSON object for {urlsplit(url).path}")
    return found
