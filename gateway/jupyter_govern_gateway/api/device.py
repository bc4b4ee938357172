"""POST device and POST device/token: a program's side of a device login. The person's side is a page (pages/device.py)."""

from __future__ import annotations

from typing import cast

from aiohttp import web

from jupyter_govern.errors import AuthenticationFailed
from jupyter_govern.model import TokenKind
from jupyter_govern_gateway.api.access import peer, visitor
from jupyter_govern_gateway.api.bodies import Text, read_json
from jupyter_govern_gateway.api.bounds import DEVICE_INTERVAL_SECONDS, DEVICE_POLLS_PER_MINUTE, DEVICE_SECONDS, DEVICES_PER_MINUTE
from jupyter_govern_gateway.api.devices import CLIENTS, Client, Device, Devices, Waiting
from jupyter_govern_gateway.api.login import token_answer
from jupyter_govern_gateway.api.problems import ApiProblem, too_many
from jupyter_govern_gateway.api.rates import Rate
from jupyter_govern_gateway.api.services import ApiServices

CLIENT = Text(longest=32, among=CLIENTS)
DEVICE_CODE = Text(shortest=1, longest=128)
KIND_OF: dict[Client, TokenKind] = {"jupyter-server": "server", "cli": "person"}
SAYS = {
    "authorization_pending": "nobody has confirmed the code yet.",
    "slow_down": "this asks too often: wait longer between polls.",
    "access_denied": "the login was denied on the gateway's page.",
    "expired_token": "the code is unknown, used or too old: start the login again.",
}


class DeviceRoutes:
    """`own_url`: how browsers reach this gateway, where that is configured; else the name that brought the program here."""

    def __init__(self, services: ApiServices, devices: Devices, own_url: str = "") -> None:
        self._services, self._devices, self._own_url = services, devices, own_url
        self._starts = Rate(DEVICES_PER_MINUTE, services.clock)
        self._polls = Rate(DEVICE_POLLS_PER_MINUTE, services.clock)

    def routes(self) -> list[web.RouteDef]:
        """Paths and handlers."""
        return [web.post("/api/v1/device", self.start), web.post("/api/v1/device/token", self.poll)]

    async def start(self, request: web.Request) -> web.Response:
        """Begin: a device code for the program, a user code for the person."""
        body = await read_json(request, {"client": CLIENT})
        started = self._devices.start(cast(Client, body["client"]), peer(request)) if self._starts.allows(visitor(request)) else None
        if started is None:
            raise too_many("too many logins were started.")
        device_code, device = started
        page = f"{self._own_url or f'{request.scheme}://{request.host}'}/device"
        return web.json_response(
            {
                "device_code": device_code,
                "user_code": device.user_code,
                "verification_uri": page,
                "verification_uri_complete": f"{page}?user_code={device.user_code}",
                "interval": DEVICE_INTERVAL_SECONDS,
                "expires_in": int(DEVICE_SECONDS),
            }
        )

    async def poll(self, request: web.Request) -> web.Response:
        """The token, once, or why there is none."""
        body = await read_json(request, {"device_code": DEVICE_CODE})
        if not self._polls.allows(visitor(request)):
            raise ApiProblem(400, "slow_down", SAYS["slow_down"])
        answer = self._devices.poll(body["device_code"])
        if isinstance(answer, Waiting):
            raise ApiProblem(400, answer.code, SAYS[answer.code])
        return self._issue(answer, peer(request))

    def _issue(self, device: Device, address: str) -> web.Response:
        try:
            confirmer = self._services.identity.token_actor(device.confirmed_by)
        except AuthenticationFailed:
            # who confirmed has logged out or lost the account since: no token comes of it
            raise ApiProblem(400, "access_denied", SAYS["access_denied"]) from None
        text, token = self._services.identity.issue(
            subject=confirmer.subject,
            groups=confirmer.groups,
            kind=KIND_OF[device.client],
            # a login at an identity provider is checked again there and may end there: then this ends too
            parent=confirmer.parent,
            address=address,
        )
        return web.json_response(token_answer(text, token))
