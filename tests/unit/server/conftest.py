"""A real Jupyter server in this process, with our extension, against a small gateway that speaks the contract's API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiohttp import web
from jupyter_server.serverapp import ServerApp
from traitlets.config import Config

from jupyter_govern_server.app import GovernApp

TOKEN = "lab-token"


@dataclass
class FakeGateway:
    """Answers like the gateway; what it was asked is in `asked`."""

    url: str = ""
    confirmed: bool = False
    denied: bool = False
    refuse_tokens: bool = False
    asked: list[tuple[str, str, str, Any]] = field(default_factory=list)
    events: asyncio.Queue[tuple[str, dict[str, Any]]] = field(default_factory=asyncio.Queue)
    hub: Callable[[web.Request], Awaitable[web.Response]] | None = None
    listeners: int = 0
    issued: int = 0

    def paths(self, method: str) -> list[str]:
        return [path for verb, path, _, _ in self.asked if verb == method]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        self.asked.append((request.method, request.path_qs, bearer, json.loads(raw) if raw else None))
        path = request.path
        if path == "/api/v1/hub/tokens" and self.hub is not None:
            return await self.hub(request)
        if path == "/healthz":
            return web.json_response({"ok": True})
        if path == "/api/v1/device":
            return web.json_response(
                {
                    "device_code": "dc",
                    "user_code": "ABCD-EFGH",
                    "verification_uri": f"{self.url}/device",
                    "interval": 0.1,
                    "verification_uri_complete": f"{self.url}/device?user_code=ABCD-EFGH",
                    "expires_in": 600,
                }
            )
        if path == "/api/v1/device/token":
            code = "access_denied" if self.denied else "authorization_pending"
            return web.json_response({"token": "gov_server_x"}) if self.confirmed else problem(400, code)
        if self.refuse_tokens or not bearer.startswith("gov_"):
            return problem(401, "unauthorized")
        if path == "/api/v1/me":
            return web.json_response(
                {"subject": "ana", "groups": ["analysts"], "kind": "server", "expires_at": "2099-01-01T00:00:00+00:00"}
            )
        if path == "/api/v1/tokens" and request.method == "POST":
            self.issued += 1
            return web.json_response({"token": f"gov_kernel_{self.issued}", "expires_at": "2099-01-01T00:00:00+00:00"})
        if path == "/api/v1/tokens/self" and request.method == "DELETE":
            return web.json_response({})
        if path == "/api/v1/events":
            return await self.stream(request)
        if path == "/api/v1/approvals":
            return web.json_response([{"number": 1, "statement": "delete from orders"}])
        return problem(404, "not-found")

    async def stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        self.listeners += 1
        try:
            while True:
                name, data = await self.events.get()
                await response.write(f"event: {name}\ndata: {json.dumps(data)}\n\n".encode())
        finally:
            self.listeners -= 1


def problem(status: int, code: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": f"fake says {code}", "hint": ""}}, status=status)


@pytest_asyncio.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    fake = FakeGateway()
    app = web.Application()
    app.router.add_route("*", "/{any:.*}", fake.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.5, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield fake
    await runner.cleanup()


@dataclass
class Lab:
    """A running Jupyter server."""

    server: ServerApp
    http: httpx.AsyncClient
    emitted: list[dict[str, Any]]

    @property
    def govern(self) -> GovernApp:
        app: GovernApp = self.server.web_app.settings["jupyter_govern_app"]
        return app

    async def get(self, path: str) -> httpx.Response:
        return await self.http.get(f"/jupyter-govern/{path}", headers={"Authorization": f"token {TOKEN}"})

    async def post(self, path: str, body: Any = None, *, anonymous: bool = False) -> httpx.Response:
        headers = {} if anonymous else {"Authorization": f"token {TOKEN}"}
        return await self.http.post(f"/jupyter-govern/{path}", json=body, headers=headers)


StartLab = Callable[..., Awaitable[Lab]]


@pytest_asyncio.fixture
async def start_lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StartLab]:
    """A factory of one Jupyter server; traits of GovernApp come as arguments."""
    for name in ("config", "data", "runtime"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(f"JUPYTER_{name.upper()}_DIR", str(tmp_path / name))
    monkeypatch.delenv("JUPYTER_GOVERN_URL", raising=False)
    monkeypatch.delenv("JUPYTERHUB_API_TOKEN", raising=False)
    started: list[Lab] = []

    async def start(**traits: Any) -> Lab:
        ServerApp.clear_instance()
        config = Config({"GovernApp": traits, "IdentityProvider": {"token": TOKEN}, "NotebookNotary": {"db_file": ":memory:"}})
        server = ServerApp.instance(
            config=config,
            ip="127.0.0.1",
            port=0,
            open_browser=False,
            allow_root=True,
            root_dir=str(tmp_path),
            jpserver_extensions={"jupyter_govern": True},
            allow_unauthenticated_access=False,  # a handler without a decision about who may call it fails at start
            reraise_server_extension_failures=True,
            log_level="ERROR",
        )
        server.init_signal = lambda: None  # type: ignore[method-assign]
        server.initialize(argv=[], find_extensions=False)
        await server.extension_manager.start_all_extensions()  # type: ignore[no-untyped-call]
        port = next(iter(server.http_server._sockets.values())).getsockname()[1]
        emitted: list[dict[str, Any]] = []

        async def hear(logger: Any, schema_id: str, data: dict[str, Any]) -> None:
            emitted.append(data)

        assert server.event_logger is not None
        server.event_logger.add_listener(schema_id="https://schema.jupyter-govern.dev/govern/v1", listener=hear)
        lab = Lab(server=server, http=httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10), emitted=emitted)
        started.append(lab)
        return lab

    yield start
    for lab in started:
        await lab.http.aclose()
        await lab.server._cleanup()
        lab.server.kernel_manager.context.destroy()
    ServerApp.clear_instance()


async def until(claim: Callable[[], Any], seconds: float = 5.0) -> None:
    """Poll until `claim` holds."""
    for _ in range(int(seconds / 0.02)):
        if claim():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it did not come about in time")
