"""A small Hub that answers as JupyterHub 6 was seen to, on a loopback socket, and the exchange beside it with a clock that a test moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web

from jupyter_govern.errors import AuthenticationFailed
from jupyter_govern_gateway.identity.hub.api import Hub
from jupyter_govern_gateway.identity.hub.exchange import Asked, HubLogins, HubSettings
from jupyter_govern_gateway.identity.hub.proof import IdTokenRefused, Proven
from jupyter_govern_gateway.identity.hub.recheck import Recheck
from jupyter_govern_gateway.identity.people import People
from jupyter_govern_gateway.identity.service import Ended
from jupyter_govern_gateway.identity.ties import Ties
from jupyter_govern_gateway.identity.tokens import Token, TokenStore
from jupyter_govern_gateway.recorder.log import GatewayLog

ANA = "ana-server-token-0001"
SERVICE = "service-token-0000001"
SCOPES = ["access:servers!server=ana/", "access:services!service=govern", "read:users:name!user=ana", "users:activity!user=ana"]
NOW = 1_800_000_000.0
HOUR = 3600.0
ISSUER = "https://login.example.org"


def presented(user: str = "ana", **more: Any) -> dict[str, Any]:
    """What GET /hub/api/user says of a server's token."""
    return {"name": user, "kind": "user", "admin": False, "token_id": "a2", "session_id": None, "scopes": SCOPES} | more


@dataclass
class SmallHub:
    """tokens: what each hub token is. users: what the gateway's service is told. kernels: of ana's server."""

    tokens: dict[str, dict[str, Any]] = field(default_factory=lambda: {ANA: presented()})
    users: dict[str, dict[str, Any]] = field(default_factory=dict)
    known_ids: set[str] = field(default_factory=lambda: {"a2"})
    kernels: set[str] = field(default_factory=lambda: {"k1", "k2"})
    asked: list[str] = field(default_factory=list)
    broken: int = 0
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        if self.broken:
            return web.Response(status=self.broken, text="out of order")
        token = request.headers.get("Authorization", "").removeprefix("token ")
        parts = request.path.strip("/").split("/")
        if request.path == "/hub/api/user":
            return web.json_response(self.tokens[token]) if token in self.tokens else web.Response(status=403)
        if parts[:2] == ["user", "ana"]:
            found = token == ANA and parts[-1] in self.kernels
            return web.json_response({"id": parts[-1]}) if found else web.Response(status=404)
        if token != SERVICE:
            return web.Response(status=403)
        if len(parts) == 6:
            return web.json_response({"id": parts[5]}) if parts[5] in self.known_ids else web.Response(status=404)
        return web.json_response(self.users[parts[3]]) if parts[3] in self.users else web.Response(status=404)


def user(name: str = "ana", **more: Any) -> dict[str, Any]:
    """What GET /hub/api/users/NAME says to the gateway's service."""
    server = {"name": "", "ready": True, "pending": None, "url": f"/user/{name}/"}
    return {"name": name, "groups": ["on-call"], "servers": {"": server}, "auth_state": {"id_token": "good"}} | more


@dataclass
class Proofs:
    """Verifies the id_tokens it is given; whatever else is said to have a wrong signature."""

    known: dict[str, Proven] = field(default_factory=dict)
    over: set[str] = field(default_factory=set)

    async def verify(self, text: str) -> Proven:
        if text in self.over:
            raise IdTokenRefused("it has expired", expired=True)
        if text not in self.known:
            raise IdTokenRefused("its signature is wrong")
        return self.known[text]


def proven(sub: str = "ana", *, issued_at: float = NOW - 60, expires_at: float = NOW + HOUR) -> Proven:
    return Proven(
        subject=sub,
        issuer=ISSUER,
        groups=frozenset({"analysts"}),
        attributes=(),
        claims={"sub": sub},
        issued_at=issued_at,
        expires_at=expires_at,
    )


class Tokens:
    """The gateway's token store with its ties, as far as the exchange needs them."""

    def __init__(self, folder: Path, clock: Any) -> None:
        self.store = TokenStore(folder / "tokens.json", secret=b"s", clock=clock)
        self.ties = Ties(clock=clock, groups=lambda subject: None)
        self.revoked: list[tuple[str, str]] = []
        self.accounts: set[str] = set()
        self.people = People(folder / "people.json", clock=clock, is_local=lambda subject: subject in self.accounts)

    def issue(self, *, address: str = "", **fields: Any) -> tuple[str, Token]:
        return self.store.issue(**fields)

    def tokens_of(self, kind: Any) -> list[Token]:
        return self.store.of(kind=kind)

    def lineage(self, token: Token) -> tuple[Token, ...]:
        return self.store.lineage(token)

    def prolong(self, token_id: str, expires_at: float) -> Token:
        token = self.store.prolong(token_id, expires_at)
        if token is None:
            raise AuthenticationFailed("over")
        self.ties.prolong(token_id, token.expires_at)
        return token

    def revoke(self, token_id: str, *, by: str, reason: str = "") -> Ended:
        self.revoked.append((token_id, reason))
        self.ties.cut(reason, tokens=self.store.revoke(token_id))
        return Ended(tokens=(token_id,), sessions=(), streams=0)


class HubWorld:
    """All of it."""

    def __init__(self, folder: Path, small: SmallHub, **settings: Any) -> None:
        self.now = NOW
        self.small, self.proofs = small, Proofs({"good": proven()})
        small.users.setdefault("ana", user())
        self.tokens = Tokens(folder, lambda: self.now)
        self.folder = folder
        self.hub = Hub(api_url=f"{small.url}/hub/api", proxy_url=small.url, token=SERVICE, clock=lambda: self.now)
        given = {
            "service": "govern",
            "username_claim": "sub",
            "max_age_seconds": 12 * HOUR,
            "takes_hub_groups": True,
            "hub_group_prefix": "hub:",
            "binds_address": True,
        } | settings
        self.logins = HubLogins(
            hub=self.hub,
            id_tokens=self.proofs,
            identity=self.tokens,  # type: ignore[arg-type]
            settings=HubSettings(**given),
            log=GatewayLog(folder, lambda: self.now),
            clock=lambda: self.now,
        )
        self.recheck = Recheck(hub=self.hub, identity=self.tokens, seconds=15, clock=lambda: self.now)  # type: ignore[arg-type]

    async def ask(self, token: str = ANA, *, server: str = "", kernel: str = "k1", address: str = "127.0.0.1") -> tuple[str, Token]:
        return await self.logins.exchange(Asked(hub_token=token, server=server, kernel_id=kernel, address=address))

    @property
    def record(self) -> str:
        """The gateway log's text."""
        return (self.folder / "gateway.jsonl").read_text()
