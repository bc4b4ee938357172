"""Logins by password, kernel tokens, `me`, and giving a token back."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from jupyter_govern.errors import AuthenticationFailed
from jupyter_govern_gateway.api.access import HOLDING, LOOKING, bearer, peer
from jupyter_govern_gateway.api.bodies import Text, read_json
from jupyter_govern_gateway.api.bounds import LOGINS_PER_MINUTE, PASSWORD_CHECKS, PASSWORD_CHECKS_WAITING
from jupyter_govern_gateway.api.problems import ApiProblem, not_found, too_many
from jupyter_govern_gateway.api.rates import Rate
from jupyter_govern_gateway.api.services import ApiServices
from jupyter_govern_gateway.identity.backoff import address_key
from jupyter_govern_gateway.identity.service import TooManyFailures
from jupyter_govern_gateway.identity.tokens import Token
from jupyter_govern_gateway.recorder.chain import timestamp

NAME = Text(shortest=1, longest=256)
PASSWORD = Text(shortest=1, longest=1024)
KERNEL_ID = Text(shortest=1, longest=128)
SERVER = Text(longest=256, optional=True)
TARGET = Text(longest=63, optional=True)


class Passwords:
    """Checks passwords in threads: few at a time, few waiting, and not too often from one address."""

    def __init__(self, services: ApiServices) -> None:
        self._services = services
        self._rate = Rate(LOGINS_PER_MINUTE, services.clock)
        self._turns = asyncio.Semaphore(PASSWORD_CHECKS)
        self._waiting = 0

    async def check(self, username: str, password: str, address: str) -> frozenset[str]:
        """The person's groups; raises ApiProblem 401 or 429, saying the same of an unknown name as of a wrong password."""
        if not self._rate.allows(address_key(address)) or self._waiting >= PASSWORD_CHECKS_WAITING:
            raise too_many("too many logins from this address.")
        checking = asyncio.get_running_loop().create_task(self._in_turn(username, password, address))
        checking.add_done_callback(_seen)
        try:
            return await asyncio.shield(checking)  # who hangs up does not end the thread, so it must not give the turn away
        except TooManyFailures as problem:
            raise too_many(f"{problem}.", "") from None
        except AuthenticationFailed:
            raise ApiProblem(401, "wrong-login", "the name or the password is wrong.") from None

    async def _in_turn(self, username: str, password: str, address: str) -> frozenset[str]:
        self._waiting += 1
        try:
            async with self._turns:
                return await asyncio.to_thread(self._services.identity.check_password, username, password, address)
        finally:
            self._waiting -= 1


def _seen(checking: asyncio.Future[frozenset[str]]) -> None:
    """Somebody hung up while the password was checked: nobody else will look at how it ended."""
    if not checking.cancelled():
        checking.exception()


def bound_target(services: ApiServices, token: Token, name: str) -> tuple[str, ...]:
    """What a token for that target is bound to ("" for no bond); raises ApiProblem 404."""
    if name and name not in {target.name for target in services.directory.targets(token.actor)}:
        raise not_found(f"target '{name}'")
    return (name,) if name else token.targets


def token_answer(text: str, token: Token) -> dict[str, Any]:
    """A new token as its owner gets it, once."""
    return {"token": text, **token_fields(token)}


def token_fields(token: Token) -> dict[str, Any]:
    """What a token stands for."""
    return {"kind": token.kind, "subject": token.subject, "groups": sorted(token.groups), "expires_at": timestamp(token.expires_at)} | (
        {"targets": list(token.targets)} if token.targets else {}
    )


class LoginRoutes:
    """POST login, POST tokens, DELETE tokens/self, GET me."""

    def __init__(self, services: ApiServices, passwords: Passwords) -> None:
        self._services, self._passwords = services, passwords

    def routes(self) -> list[web.RouteDef]:
        """Paths and handlers."""
        return [
            web.post("/api/v1/login", self.log_in),
            web.post("/api/v1/tokens", self.issue),
            web.delete("/api/v1/tokens/self", self.drop),
            web.get("/api/v1/me", self.me, allow_head=False),
        ]

    async def log_in(self, request: web.Request) -> web.Response:
        """A person token for a password."""
        body = await read_json(request, {"username": NAME, "password": PASSWORD})
        groups = await self._passwords.check(body["username"], body["password"], peer(request))
        text, token = self._services.identity.issue(subject=body["username"], groups=groups, kind="person", address=peer(request))
        return web.json_response(token_answer(text, token))

    async def issue(self, request: web.Request) -> web.Response:
        """A kernel token that hangs on the token that asks: it dies with it, and can neither decide nor issue."""
        asking = bearer(request, self._services, LOOKING)
        body = await read_json(request, {"kernel_id": KERNEL_ID, "server": SERVER, "target": TARGET})
        text, token = self._services.identity.issue(
            subject=asking.subject,
            groups=asking.groups,
            kind="kernel",
            kernel_id=body["kernel_id"],
            server=body["server"],
            parent=asking.id,
            address=peer(request),
            targets=bound_target(self._services, asking, body["target"]),
            networks=asking.networks,
        )
        return web.json_response(token_answer(text, token))

    async def drop(self, request: web.Request) -> web.Response:
        """Revoke the token that asks, with everything that hangs on it."""
        token = bearer(request, self._services, HOLDING)
        ended = self._services.identity.revoke(token.id, by=token.subject, reason="logged out")
        return web.json_response({"sessions": list(ended.sessions)})

    async def me(self, request: web.Request) -> web.Response:
        """Whose token it is."""
        return web.json_response(token_fields(bearer(request, self._services, HOLDING)))
