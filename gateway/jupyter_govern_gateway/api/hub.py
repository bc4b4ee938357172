"""POST hub/tokens: a notebook server under JupyterHub shows its hub token and gets a short-lived one of ours; DELETE gives it back.

The hub token comes as JupyterHub's own clients send it: `Authorization: token …`. What it is worth is decided in identity/hub/.
"""

from __future__ import annotations

from aiohttp import web

from jupyter_govern_gateway.api.access import MAX_TOKEN, peer, visitor
from jupyter_govern_gateway.api.bodies import Text, read_json
from jupyter_govern_gateway.api.bounds import HUB_EXCHANGES_PER_MINUTE
from jupyter_govern_gateway.api.login import token_answer
from jupyter_govern_gateway.api.problems import ApiProblem, too_many, unauthorized
from jupyter_govern_gateway.api.rates import Rate
from jupyter_govern_gateway.api.services import ApiServices
from jupyter_govern_gateway.identity.hub.exchange import Asked, HubLogins
from jupyter_govern_gateway.identity.hub.presented import HubRefused

STATUS = {"hub-token-unknown": 401, "login-again": 401, "hub-unreachable": 503, "provider-unreachable": 503}
FIELDS = {"server": Text(longest=256, optional=True), "kernel_id": Text(longest=128, optional=True)}


class HubRoutes:
    """The exchange, as far as HTTP is concerned."""

    def __init__(self, services: ApiServices) -> None:
        self._services = services
        self._rate = Rate(HUB_EXCHANGES_PER_MINUTE, services.clock)

    def routes(self) -> list[web.RouteDef]:
        """Paths and handlers."""
        return [web.post("/api/v1/hub/tokens", self.exchange), web.delete("/api/v1/hub/tokens", self.end)]

    async def exchange(self, request: web.Request) -> web.Response:
        """A token for the server (no kernel_id) or for one of its kernels."""
        logins = self._logins()
        asked = await self._asked(request)
        try:
            return web.json_response(token_answer(*await logins.exchange(asked)))
        except HubRefused as refused:
            raise _problem(refused) from None

    async def end(self, request: web.Request) -> web.Response:
        """End the login that hangs on this hub token, with all that was opened under it."""
        logins = self._logins()
        try:
            ended = await logins.end(await self._asked(request))
        except HubRefused as refused:
            raise _problem(refused) from None
        return web.json_response({"ended": ended})

    def _logins(self) -> HubLogins:
        if self._services.hub is None:
            raise ApiProblem(404, "no-hub", "this gateway is no service of a JupyterHub.", "[identity.jupyterhub] is not configured.")
        return self._services.hub

    async def _asked(self, request: web.Request) -> Asked:
        if not self._rate.allows(visitor(request)):
            raise too_many("too many requests with hub tokens from this address.")
        scheme, _, text = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() not in ("token", "bearer") or not text or len(text) > MAX_TOKEN:
            raise unauthorized("this needs a hub token: Authorization: token ….")
        body = await read_json(request, FIELDS)
        return Asked(hub_token=text.strip(), server=body["server"], kernel_id=body["kernel_id"], address=peer(request))


def _problem(refused: HubRefused) -> ApiProblem:
    return ApiProblem(STATUS.get(refused.code, 403), refused.code, refused.message, refused.hint)
