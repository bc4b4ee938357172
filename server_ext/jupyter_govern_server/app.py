"""The Jupyter server extension: its settings, its parts, and what runs in the background between start and stop.

Knows Jupyter's ExtensionApp. The person's login is a device flow at the gateway: no password comes here.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_events import EventLogger
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import ServerApp
from traitlets import Dict, Enum, Float, Unicode

from jupyter_govern_server.gateway import Gateway, GatewayProblem
from jupyter_govern_server.handlers import SETTING, routes
from jupyter_govern_server.hub import HubLogin, hub_server
from jupyter_govern_server.hygiene import SAVINGS, pre_save_hook
from jupyter_govern_server.kernels import KernelTokens
from jupyter_govern_server.launch import OwnGateway, discovered
from jupyter_govern_server.login import Login
from jupyter_govern_server.relay import SCHEMA_FILE, SCHEMA_ID, relay
from jupyter_govern_server.tasks import Tasks

KERNEL_ACTIONS = "https://events.jupyter.org/jupyter_server/kernel_actions/v1"


class GovernApp(ExtensionApp):
    """Connects a notebook server to a governance gateway."""

    name = "jupyter_govern"
    extension_url = "/jupyter-govern/status"
    load_other_extensions = True

    gateway_url = Unicode(
        "",
        help="""Address of the gateway's HTTP API, such as "https://govern.example.org". Default "": $JUPYTER_GOVERN_URL,
        else the gateway that runs on this machine (it leaves its address in Jupyter's runtime directory).""",
    ).tag(config=True)
    gateway_ca = Unicode(
        "",
        help="""Path of a PEM file with the authority that signed the gateway's certificate. Default "": what a gateway on
        this machine names, else the system's authorities. Used for https addresses only.""",
    ).tag(config=True)
    gateway_config = Unicode(
        "",
        help="""Path of a govern.toml. If no gateway answers when the server starts, one is started with it, and stopped
        when the server stops. Default "": never start one.""",
    ).tag(config=True)
    gateway_start_seconds = Float(
        60.0, min=1.0, help="How long a gateway that was started may take to come up, in seconds. Default 60."
    ).tag(config=True)
    request_seconds = Float(
        10.0,
        min=0.1,
        help="How long one request to the gateway may take, in seconds. Default 10; there is no value for 'for ever'.",
    ).tag(config=True)

    saved_outputs = Dict(
        value_trait=Enum(SAVINGS),
        key_trait=Unicode(),
        help="""What saved notebooks keep of the outputs of governed cells, by target; "*" is every other target. "keep": all. "drop":
        nothing. "reference": a line that says where they are on record. Default {}: keep.""",
    ).tag(config=True)

    def initialize_settings(self) -> None:
        """Build the parts; nothing is asked of the gateway yet."""
        server = self._server
        self.own_gateway: OwnGateway | None = None
        self.start_problem = ""
        self.tasks = Tasks(self.log)
        self.gateway = Gateway(self._where, ca_file=self._ca_file, seconds=self.request_seconds)
        here = hub_server()
        parts = (self.gateway, self.tasks, self.log, self._login_changed)
        self.login = HubLogin(*parts, here=here) if here is not None else Login(*parts)
        self.kernels = KernelTokens(self.gateway, self.login, server.kernel_manager, server.session_manager, self.log)
        events = self._events
        events.register_event_schema(SCHEMA_FILE)
        events.add_listener(schema_id=KERNEL_ACTIONS, listener=self.kernels.on_kernel_action)
        self.settings[SETTING] = self
        if self.saved_outputs:
            register: Callable[..., None] = server.contents_manager.register_pre_save_hook
            register(pre_save_hook(self.saved_outputs))

    def initialize_handlers(self) -> None:
        """Add the handlers."""
        self.handlers.extend(routes())

    async def _start_jupyter_server_extension(self, serverapp: Any) -> None:
        """Jupyter's hook once the event loop runs."""
        self.tasks.start(self.login.watch(), "login")
        self.tasks.start(relay(self.gateway, self.login, self.emit, self.log), "events")
        if self.gateway_config:
            self.tasks.start(self._start_gateway(), "gateway")

    async def stop_extension(self) -> None:
        """Jupyter's hook before the server ends: nothing of ours stays."""
        await self.tasks.stop()
        await self.kernels.drop_all()
        await self.login.log_out()
        if self.own_gateway is not None:
            await self.own_gateway.stop()

    @property
    def server_name(self) -> str:
        """How this notebook server is called in the gateway's records."""
        server = self._server
        return f"{socket.gethostname()}:{server.port}{server.base_url}"

    def emit(self, data: dict[str, Any]) -> None:
        """Send one of our Jupyter events."""
        self._events.emit(schema_id=SCHEMA_ID, data=data)

    async def status(self) -> dict[str, Any]:
        """What GET status answers."""
        error = await self.gateway.health()
        current, pending = self.login.current, self.login.pending
        return {
            "gateway": {"url": self.gateway.url, "reachable": not error, "error": (self.start_problem or error) if error else ""},
            "login": current and {"subject": current.subject, "groups": list(current.groups), "expires_at": current.expires_at},
            "login_pending": pending
            and {"user_code": pending.user_code, "verification_uri_complete": pending.verification_uri_complete},
            "login_error": self.login.problem,
        }

    async def read(self, path: str, query: str) -> bytes:
        """One of the gateway's lists for the person at this server; raises GatewayProblem."""
        current = self.login.current
        if current is None:
            raise GatewayProblem(409, "login-required", "nobody is logged in to the gateway on this notebook server.")
        try:
            return await self.gateway.read(current.token, path, query)
        except GatewayProblem as problem:
            if problem.status != 401:
                raise
            self.login.lose("expired")
            raise GatewayProblem(409, "login-required", "the login at the gateway has ended. Log in again.") from None

    async def _start_gateway(self) -> None:
        if not await self.gateway.health():
            return
        config = self._own_config()
        if config is None:
            self.start_problem = f"GovernApp.gateway_config names {self.gateway_config}, which is not a file"
        else:
            self.own_gateway = OwnGateway(config, self.log)
            self.start_problem = await self.own_gateway.start(self.gateway_start_seconds)
        if self.start_problem:
            self.log.error("jupyter-govern: %s", self.start_problem)
        self._login_changed("gateway-started" if not self.start_problem else "gateway-failed")

    def _own_config(self) -> Path | None:
        config = Path(self.gateway_config).expanduser().absolute()
        return config if config.is_file() else None

    @property
    def _server(self) -> ServerApp:
        if self.serverapp is None:
            raise RuntimeError("used before Jupyter linked the extension to its server")
        return self.serverapp

    @property
    def _events(self) -> EventLogger:
        if self._server.event_logger is None:
            raise RuntimeError("used before Jupyter made its event logger")
        return self._server.event_logger

    def _login_changed(self, state: str) -> None:
        self.emit({"kind": "login", "state": state})

    def _where(self) -> str:
        return self.gateway_url or os.environ.get("JUPYTER_GOVERN_URL", "") or str(discovered().get("api_url") or "")

    def _ca_file(self) -> str:
        return self.gateway_ca or str(discovered().get("ca_file") or "")
