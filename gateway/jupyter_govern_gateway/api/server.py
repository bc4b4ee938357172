"""ApiServer: the HTTP listener of the gateway. Wires routes to services; decides nothing.

    services = ApiServices(identity=…, approvals=…, recorder=…, directory=PolicyDirectory(policy, listening=…))
    api = ApiServer(services, host="127.0.0.1", port=8600, public_url="", tls=None)
    await api.start()      # api.port is the real port, api.url the address, api.decision_url(7) a link to approval 7
    await api.stop()

`Approvals(url=…)` is made before the server is; give it `lambda number: api.decision_url(number)`.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from jupyter_govern_gateway.api.approvals import ApprovalRoutes
from jupyter_govern_gateway.api.bounds import KEEPALIVE_SECONDS, MAX_BODY, MAX_LINE
from jupyter_govern_gateway.api.credentials import CredentialRoutes
from jupyter_govern_gateway.api.device import DeviceRoutes
from jupyter_govern_gateway.api.devices import Devices
from jupyter_govern_gateway.api.door import Door
from jupyter_govern_gateway.api.events import EventRoutes
from jupyter_govern_gateway.api.hub import HubRoutes
from jupyter_govern_gateway.api.login import LoginRoutes, Passwords
from jupyter_govern_gateway.api.metrics import MetricsRoute
from jupyter_govern_gateway.api.operations import OperationRoutes
from jupyter_govern_gateway.api.overseeing import Overseeing
from jupyter_govern_gateway.api.pages.browser import SECURE
from jupyter_govern_gateway.api.pages.decision import DecisionPages
from jupyter_govern_gateway.api.pages.device import DevicePages
from jupyter_govern_gateway.api.pages.home import HomePage
from jupyter_govern_gateway.api.pages.login import LoginPages
from jupyter_govern_gateway.api.pages.logout import LogoutPage
from jupyter_govern_gateway.api.pages.oidc import OidcPages
from jupyter_govern_gateway.api.pages.site import Site
from jupyter_govern_gateway.api.proxies import behind
from jupyter_govern_gateway.api.safety import add_headers, host_check, speak_plainly
from jupyter_govern_gateway.api.services import ApiServices
from jupyter_govern_gateway.api.sessions import SessionRoutes
from jupyter_govern_gateway.api.targets import ANYWHERE, TargetRoutes
from jupyter_govern_gateway.api.workload import WorkloadRoute
from jupyter_govern_gateway.identity.oidc.logout import Logout
from jupyter_govern_gateway.net.listening import Inherited, leave, listen

STOP_SECONDS = 3.0


class ApiServer:
    """host, port: where to listen (port 0: any free one). public_url: how browsers reach it, if not by that address.

    It answers under loopback names, `host` and the name in `public_url`, and under no other.
    """

    def __init__(
        self,
        services: ApiServices,
        *,
        host: str,
        port: int,
        public_url: str = "",
        tls: ssl.SSLContext | None = None,
        proxies: Sequence[str] = (),
    ) -> None:
        self._services, self._host, self._tls, self._proxies = services, host, tls, proxies
        self._public_url = public_url.rstrip("/")
        self.port = port
        self._door = Door()
        self._events = EventRoutes(services)
        self._servers: list[asyncio.Server] = []
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """How people and programs reach it."""
        if self._public_url:
            return self._public_url
        host = "localhost" if self._host in ANYWHERE else self._host
        return f"{'https' if self._tls else 'http'}://{f'[{host}]' if ':' in host else host}:{self.port}"

    def decision_url(self, number: int) -> str:
        """The page of one approval."""
        return f"{self.url}/approvals/{number}"

    async def start(self, inherited: Inherited = ()) -> None:
        """Listen, on the sockets that a process before us left if there are any. Raises OSError where the port is taken."""
        self._runner = web.AppRunner(
            self._application(),
            access_log=None,
            handle_signals=False,
            handler_cancellation=True,
            keepalive_timeout=KEEPALIVE_SECONDS,
            max_line_size=MAX_LINE,
            max_field_size=MAX_LINE,
            shutdown_timeout=STOP_SECONDS,
        )
        await self._runner.setup()
        self._door.server = self._runner.server
        self._servers = await listen(self._door, self._host, self.port, inherited, tls=self._tls)
        self.port = self._servers[0].sockets[0].getsockname()[1]

    def leave(self) -> Inherited:
        """The listening sockets for the process after us."""
        return leave(self._servers)

    async def stop(self) -> None:
        """Stop listening, end the event streams, let running requests finish for a moment."""
        for server in self._servers:
            server.close()
        self._door.close()
        self._events.stop()
        if self._runner is not None:
            await self._runner.cleanup()

    def _application(self) -> web.Application:
        names = {self._host.lower(), (urlsplit(self._public_url).hostname or "").lower()} - ANYWHERE
        before = [self._hearing(), host_check(frozenset(names)), *([behind(self._proxies)] if self._proxies else [])]
        app = web.Application(middlewares=[*before, speak_plainly], client_max_size=MAX_BODY)
        app[SECURE] = self._public_url.startswith("https:")
        app.on_response_prepare.append(add_headers)
        app.add_routes([web.get("/healthz", _healthy, allow_head=False), *self._routes()])
        return app

    def _routes(self) -> list[web.RouteDef]:
        services = self._services
        passwords, devices, site = Passwords(services), Devices(services.clock), Site(services)
        return [
            *LoginRoutes(services, passwords).routes(),
            *DeviceRoutes(services, devices, self._public_url).routes(),
            *TargetRoutes(services).routes(),
            *ApprovalRoutes(services).routes(),
            *SessionRoutes(services).routes(),
            *Overseeing(services).routes(),
            *CredentialRoutes(services).routes(),
            *HubRoutes(services).routes(),
            *WorkloadRoute(services).routes(),
            *OperationRoutes(services).routes(),
            *MetricsRoute(services).routes(),
            *self._events.routes(),
            *LoginPages(site, passwords).routes(),
            *self._provider_routes(site),
            *HomePage(site).routes(),
            *DevicePages(site, devices).routes(),
            *DecisionPages(site).routes(),
        ]

    def _provider_routes(self, site: Site) -> list[web.RouteDef]:
        """Logins at identity providers, and the way out, which may lead to theirs."""
        oidc = self._services.oidc
        logout = Logout(oidc) if oidc is not None else None
        pages = [] if oidc is None or logout is None else OidcPages(site, oidc, logout, self._public_url).routes()
        if self._services.saml is not None:
            from jupyter_govern_gateway.api.pages.saml import SamlPages  # pysaml2 is an optional extra

            pages += SamlPages(site, self._services.saml, lambda: self.url).routes()
        return [*pages, *LogoutPage(site, logout, self._public_url).routes()]

    def _hearing(self) -> Middleware:
        """Tell the door which connections have asked something."""

        @web.middleware
        async def hear(request: web.Request, handler: Handler) -> web.StreamResponse:
            self._door.heard(request)
            return await handler(request)

        return hear


async def _healthy(_: web.Request) -> web.Response:
    return web.json_response({"ok": True})
