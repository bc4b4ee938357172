"""POST revocations, POST credentials, and static keys of services. Who may: see docs/credentials.md."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from jupyter_govern_gateway.api.access import DECIDING, administrator, bearer, peer
from jupyter_govern_gateway.api.bodies import Declared, Number, Text, Texts, read_json
from jupyter_govern_gateway.api.login import NAME, bound_target, token_answer, token_fields
from jupyter_govern_gateway.api.problems import ApiProblem, bad_request, not_found
from jupyter_govern_gateway.api.services import ApiServices
from jupyter_govern_gateway.identity.binding import network
from jupyter_govern_gateway.identity.service import Ended
from jupyter_govern_gateway.identity.tokens import SERVICE, Token
from jupyter_govern_gateway.recorder.chain import timestamp

REASON = Text(longest=500, optional=True)
SECONDS = Number(least=10, most=12 * 3600, default=3600)
PUBLIC_KEY = Text(longest=4_096, optional=True)
DAYS = Number(least=1, most=366, default=90)
NETWORKS = Texts(most=8, longest=64)
MAX_KEYS_EACH = 16
"""Living keys of one service."""


class CredentialRoutes:
    """What ends logins and what goes without one."""

    def __init__(self, services: ApiServices) -> None:
        self._services = services

    def routes(self) -> list[web.RouteDef]:
        """Paths and handlers."""
        return [
            web.post("/api/v1/revocations", self.revoke),
            web.post("/api/v1/credentials", self.lend),
            web.get("/api/v1/keys", self.list_keys, allow_head=False),
            web.post("/api/v1/keys", self.make_key),
            web.delete("/api/v1/keys/{id:[0-9a-f]{1,64}}", self.revoke_key),
        ]

    async def revoke(self, request: web.Request) -> web.Response:
        """End everything that somebody has open, and all their tokens."""
        admin = administrator(request, self._services, "revoke")
        body = await read_json(request, {"user": NAME, "reason": REASON})
        ended = self._services.identity.revoke_person(body["user"], by=admin.subject, reason=body["reason"])
        return web.json_response({"user": body["user"], **_ended(ended)})

    async def lend(self, request: web.Request) -> web.Response:
        """A short-lived credential of the caller's own, for one target."""
        asking = bearer(request, self._services, DECIDING)
        target = Text(shortest=1, longest=63)
        body = await read_json(request, {"target": target, "seconds": SECONDS, "networks": NETWORKS, "public_key": PUBLIC_KEY})
        if body["public_key"] and self._services.ssh is None:
            raise ApiProblem(404, "no-ssh", "the gateway does not listen for SSH clients.", "[gateway.ssh] is for that.")
        text, token = self._services.identity.issue(
            subject=asking.subject,
            groups=asking.groups,
            kind="client",
            parent=asking.id,
            address=peer(request),
            seconds=body["seconds"],
            targets=bound_target(self._services, asking, body["target"]),
            networks=_networks(body["networks"], peer(request)),
        )
        if not body["public_key"] or self._services.ssh is None:
            return web.json_response(token_answer(text, token))
        try:  # the token itself is told to nobody: whoever has the private key has what it opens
            made = self._services.ssh.certificate(body["public_key"], token)
        except ValueError as problem:
            self._services.identity.revoke(token.id, by=asking.subject, reason="no certificate came of it")
            raise bad_request(f"the field 'public_key': {problem}.") from None
        return web.json_response(made | token_fields(token))

    async def list_keys(self, request: web.Request) -> web.Response:
        """The living keys, without what opens anything."""
        administrator(request, self._services, "keys list")
        return web.json_response([_key(token) for token in self._services.identity.service_keys()])

    async def make_key(self, request: web.Request) -> web.Response:
        """A key for a configured service; its text is in this answer and nowhere else."""
        admin = administrator(request, self._services, "keys create")
        fields: dict[str, Declared] = {"service": NAME, "days": DAYS, "targets": Texts(most=64, longest=63), "networks": NETWORKS}
        body = await read_json(request, fields)
        service = self._services.directory.services().get(body["service"])
        if service is None:
            hint = "`identity.static_keys` must be true and [[identity.service]] must name it."
            raise ApiProblem(404, "no-such-service", f"no service '{body['service']}' may have keys.", hint)
        targets = tuple(body["targets"]) or service.targets
        for name in targets:
            bound_target(self._services, admin, name)
        if service.targets and not set(targets) <= set(service.targets):
            raise bad_request(f"keys of '{body['service']}' open {', '.join(service.targets)} at most.")
        subject = f"{SERVICE}{body['service']}"
        if sum(key.subject == subject for key in self._services.identity.service_keys()) >= MAX_KEYS_EACH:
            raise ApiProblem(409, "too-many-keys", f"'{body['service']}' has {MAX_KEYS_EACH} keys already.", "Revoke one of them.")
        text, token = self._services.identity.issue(
            subject=subject,
            groups=service.groups,
            kind="service",
            address=peer(request),
            seconds=body["days"] * 86400.0,
            targets=targets,
            networks=_networks(body["networks"], peer(request)),
            issued_by=admin.subject,
        )
        return web.json_response({"token": text, **_key(token)})

    async def revoke_key(self, request: web.Request) -> web.Response:
        """End a key and the sessions that were opened with it."""
        admin = administrator(request, self._services, "keys revoke")
        identifier = request.match_info["id"]
        if identifier not in {token.id for token in self._services.identity.service_keys()}:
            raise not_found(f"key {identifier}")
        return web.json_response(_ended(self._services.identity.revoke(identifier, by=admin.subject, reason="key revoked")))


def _networks(texts: list[str], own: str) -> tuple[str, ...]:
    """CIDRs; `here` is the address that asks."""
    try:
        return tuple(network(own if text == "here" else text) for text in texts)
    except ValueError as problem:
        raise bad_request(f"the field 'networks': {problem}.") from None


def _ended(ended: Ended) -> dict[str, Any]:
    return {"tokens": len(ended.tokens), "sessions": list(ended.sessions), "streams": ended.streams}


def _key(token: Token) -> dict[str, Any]:
    return token_fields(token) | {
        "id": token.id,
        "service": token.subject.removeprefix(SERVICE),
        "issued_at": timestamp(token.issued_at),
        "issued_by": token.issued_by,
        "targets": list(token.targets),
        "networks": list(token.networks),
    }
