"""GET targets: what may be reached, what is hidden there, and how to connect."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from aiohttp import web

from jupyter_govern_gateway.api.access import ANY, bearer
from jupyter_govern_gateway.api.services import ApiServices, TargetSeen

ANYWHERE = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 (compared with, never bound)


class TargetRoutes:
    """The list of targets."""

    def __init__(self, services: ApiServices) -> None:
        self._services = services

    def routes(self) -> list[web.RouteDef]:
        """Paths and handlers."""
        return [web.get("/api/v1/targets", self.list, allow_head=False)]

    async def list(self, request: web.Request) -> web.Response:
        """Every target as the caller sees it."""
        token = bearer(request, self._services, ANY)
        seen = self._services.directory.targets(token.actor)
        where = self._services.directory.listening()
        authority = await asyncio.to_thread(_pem, where.ca_file) if where is not None else ""
        reachable = await asyncio.gather(*(self._services.directory.is_reachable(target.name) for target in seen))
        return web.json_response(
            [
                _fields(target, answers) | {"connect": self._connect(request, target.name, token.subject, authority)}
                for target, answers in zip(seen, reachable, strict=True)
            ]
        )

    def _connect(self, request: web.Request, target: str, subject: str, authority: str) -> dict[str, Any] | None:
        where = self._services.directory.listening()
        if where is None:
            return None
        # listening everywhere has no name of its own: the name that brought the caller here brings a client too
        host = (request.url.host or "localhost") if where.host in ANYWHERE else where.host
        return {
            "host": host, "port": where.port, "dbname": target, "user": subject, "sslmode": where.sslmode, "ca_file": where.ca_file,
            "ca": authority,
        }  # fmt: skip


def _pem(path: str) -> str:
    """The authority itself, for clients on other machines."""
    try:
        return Path(path).read_text(encoding="ascii") if path else ""
    except (OSError, ValueError):
        return ""


def _fields(target: TargetSeen, reachable: bool) -> dict[str, Any]:
    return {
        "name": target.name,
        "kind": target.kind,
        "reachable": reachable,
        "verbs": list(target.verbs),
        "why": target.why,
        "masks": [{"column": m.column, "format": m.format, "rule": m.rule, "because": m.because} for m in target.masks],
        "rules": [{"name": r.name, "because": r.because, "effect": r.effect} for r in target.rules],
    }
