"""Authlib's OAuth client, imported without its notice about the HTTP library it will use some day, and what that library raises."""

from __future__ import annotations

import importlib
import ssl
import warnings
from typing import Any, Final

with warnings.catch_warnings():
    from authlib.deprecate import AuthlibDeprecationWarning  # importing this turns its warnings on: off again, for here

    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    from authlib.integrations.base_client import OAuthError
    from authlib.integrations.httpx_client import AsyncOAuth2Client

from jupyter_govern_gateway.identity.oidc.fetch import SECONDS

__all__ = ["UNREACHABLE", "OAuthError", "oauth_client"]

_HTTP: Final[Any] = importlib.import_module(
    next(base.__module__.partition(".")[0] for base in AsyncOAuth2Client.__mro__ if base.__name__ == "AsyncClient")
)
UNREACHABLE: Final[tuple[type[Exception], ...]] = (_HTTP.HTTPError, _HTTP.InvalidURL, OSError, ValueError, TypeError, AttributeError)
"""No answer, or one that is no JSON object (Authlib reads it without looking first)."""


def oauth_client(*, client_id: str, secret: str, auth: str, redirect_uri: str, tls: ssl.SSLContext, uses_proxy: bool) -> Any:
    """A client for one exchange: it keeps the tokens of its last answer, so two people never share one."""
    return AsyncOAuth2Client(
        client_id=client_id,
        client_secret=secret or None,
        token_endpoint_auth_method=auth if secret else "none",
        redirect_uri=redirect_uri or None,
        code_challenge_method="S256",
        verify=tls,
        timeout=SECONDS,
        follow_redirects=False,
        trust_env=uses_proxy,
    )
