"""An OpenID Connect provider for tests, over HTTP on loopback, that says whatever a test wants: right or forged.

Codes work once and only with the PKCE secret and redirect URI of their request; refresh tokens rotate, and a used one is refused.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
from aiohttp import web

from jupyter_govern.config.identity import OidcConfig
from tests.unit.identity.oidc.signing import jwk, private_key


@dataclass
class Provider:
    """`claims` are added to each ID token (None leaves one out); `forge` replaces the signed token."""

    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    forge: Callable[[dict[str, Any]], str] | None = None
    key: str = "rsa"
    keys: list[dict[str, Any]] = field(default_factory=lambda: [jwk("rsa")])
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    refresh_tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    gives_refresh_tokens: bool = True
    is_down: bool = False
    asked: list[str] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    revoked: list[str] = field(default_factory=list)

    def config(self, **more: Any) -> OidcConfig:
        return OidcConfig.model_validate({"name": "idp", "issuer": self.issuer, "client_id": "gateway", **more})

    def code(self, request: dict[str, str]) -> str:
        """What the browser brings back after a login here."""
        code = secrets.token_urlsafe(8)
        self.codes[code] = request
        return code

    def revoke_all(self) -> None:
        self.refresh_tokens.clear()

    def id_token(self, nonce: str | None) -> str:
        now = int(time.time())
        said = {"iss": self.issuer, "sub": "ida", "aud": "gateway", "iat": now, "exp": now + 300, "nonce": nonce, "groups": ["analysts"]}
        said = {key: value for key, value in {**said, **self.claims}.items() if value is not None}
        if self.forge is not None:
            return self.forge(said)
        return sign(said, self.key)

    def _tokens(self, nonce: str | None) -> web.Response:
        refresh = secrets.token_urlsafe(16)
        self.refresh_tokens[refresh] = {}
        answer = {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "expires_in": 60, "id_token": self.id_token(nonce)}
        return web.json_response(answer | ({"refresh_token": refresh} if self.gives_refresh_tokens else {}))

    async def token(self, request: web.Request) -> web.Response:
        body = await request.post()
        self.asked.append(str(body["grant_type"]))
        if self.is_down:
            raise web.HTTPServiceUnavailable
        if body["grant_type"] == "refresh_token":
            if self.refresh_tokens.pop(str(body["refresh_token"]), None) is None:
                return web.json_response({"error": "invalid_grant"}, status=400)
            return self._tokens(None)
        asked = self.codes.pop(str(body["code"]), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(str(body.get("code_verifier", "")).encode()).digest()).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != challenge or asked["redirect_uri"] != body["redirect_uri"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        return self._tokens(asked["nonce"])

    async def discovery(self, _: web.Request) -> web.Response:
        self.asked.append("discovery")
        found = {
            "issuer": self.issuer,
            "jwks_uri": f"{self.issuer}/keys",
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "end_session_endpoint": f"{self.issuer}/logout",
            "revocation_endpoint": f"{self.issuer}/revoke",
        }
        return web.json_response({**found, **self.metadata})

    async def published(self, _: web.Request) -> web.Response:
        self.asked.append("keys")
        return web.json_response({"keys": self.keys})

    async def take_back(self, request: web.Request) -> web.Response:
        self.revoked.append(str((await request.post())["token"]))
        return web.Response()


def sign(claims: dict[str, Any], key: str = "rsa", algorithm: str = "RS256", **headers: Any) -> str:
    """A signed token, whatever its claims are."""
    return jwt.PyJWS().encode(json.dumps(claims).encode(), private_key(key), algorithm=algorithm, headers={"kid": key, **headers})


@asynccontextmanager
async def providing() -> AsyncIterator[Provider]:
    """A provider on a free port."""
    provider = Provider()
    app = web.Application()
    app.add_routes(
        [
            web.get("/.well-known/openid-configuration", provider.discovery),
            web.get("/keys", provider.published),
            web.post("/token", provider.token),
            web.post("/revoke", provider.take_back),
        ]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server = site._server
    assert server is not None and hasattr(server, "sockets")
    provider.issuer = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield provider
    finally:
        await runner.cleanup()
