"""A real JupyterHub with the example's configuration, an identity provider whose key a test holds, the gateway, and people's servers.

`tester` is a service that only this Hub has: it writes what a test wants the Hub to believe.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from jupyter_govern.demo.hub import HUB_CLIENT, HubStack
from jupyter_govern.demo.hub_person import HubPerson
from jupyter_govern.demo.remote_kernel import CellRun, RemoteKernel
from jupyter_govern.demo.stack import examples

TESTER = "tester-token-0123456789abcdef"
Result = TypeVar("Result")


def new_key() -> str:
    """An RSA key as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    form, encoding, cover = serialization.PrivateFormat.PKCS8, serialization.Encoding.PEM, serialization.NoEncryption()
    return key.private_bytes(encoding, form, cover).decode()


def hub_config(folder: Path) -> Path:
    """The example's file, and a service that may do anything."""
    example = (examples() / "jupyterhub" / "jupyterhub_config.py").read_text()
    more = f"""
c.JupyterHub.services = [*c.JupyterHub.services, {{"name": "tester", "api_token": {TESTER!r}, "admin": True}}]
c.JupyterHub.allow_named_servers = True
"""
    file = folder / "jupyterhub_config.py"
    file.write_text(example + more)
    return file


@dataclass
class Seat:
    """A person's running server, with what any code in its kernel can read."""

    name: str
    url: str
    person_token: str
    hub_token: str
    kernel_id: str


class HubRig:
    """Starts everything; close it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.key = new_key()
        self.stack = HubStack(folder / "demo", hub_config=hub_config(folder), provider={"signing_key": self.key})
        self.loop = asyncio.new_event_loop()
        self.kernels: list[RemoteKernel] = []
        self.http = httpx.Client(timeout=30)

    def start(self) -> None:
        self.stack.start(lambda line: None)
        discovered = self.http.get(f"{self.stack.issuer}/.well-known/openid-configuration").json()
        self.kid = self.http.get(discovered["jwks_uri"]).json()["keys"][0]["kid"]

    def close(self) -> None:
        for kernel in self.kernels:
            self.run(kernel.__aexit__())
        self.loop.close()
        self.http.close()
        self.stack.stop()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self.loop.run_until_complete(work)

    def seat(self, name: str, server: str = "") -> tuple[Seat, RemoteKernel]:
        """Log in at the provider, start a server and a kernel."""

        async def sit() -> tuple[Seat, RemoteKernel]:
            async with HubPerson(self.stack.hub_url, name, self.stack.people[name][0]) as person:
                url = await person.start_server(server)
                kernel = await RemoteKernel(url, person.token, f"{name}.ipynb").__aenter__()
                self.kernels.append(kernel)
                said = await kernel.run("import os; print(os.environ['JUPYTERHUB_API_TOKEN'])", "c0")
                token = person.token
            return Seat(name, url, token, said.text.strip(), kernel.kernel_id), kernel

        return self.run(sit())

    def open_kernel(self, seat: Seat, notebook: str) -> RemoteKernel:
        """Another kernel on somebody's server; close it."""

        async def begin() -> RemoteKernel:
            return await RemoteKernel(seat.url, seat.person_token, notebook).__aenter__()

        return self.run(begin())

    def cell(self, kernel: RemoteKernel, source: str) -> CellRun:
        return self.run(kernel.run(source, "c1"))

    # -- the gateway ------------------------------------------------------------------------------------------------------------------

    def exchange(self, hub_token: str, *, server: str = "", kernel_id: str = "") -> httpx.Response:
        """What a notebook server asks, or whoever has its token."""
        body = {"server": server, "kernel_id": kernel_id}
        headers = {"Authorization": f"token {hub_token}"}
        return self.http.post(f"{self.stack.gateway_url}/api/v1/hub/tokens", json=body, headers=headers)

    def gateway(self, method: str, path: str, token: str, **options: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}"} | options.pop("headers", {})
        return self.http.request(method, f"{self.stack.gateway_url}/api/v1/{path}", headers=headers, **options)

    def log(self) -> list[dict[str, Any]]:
        """The gateway's log."""
        files = sorted((self.stack.directory / "state").rglob("gateway*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]

    # -- what the Hub believes -----------------------------------------------------------------------------------------------------------

    def hub(self, method: str, path: str, body: Any = None, token: str = TESTER) -> httpx.Response:
        url = f"{self.stack.hub_url}/hub/api/{path}"
        return self.http.request(method, url, json=body, headers={"Authorization": f"token {token}"})

    def auth_state(self, name: str) -> dict[str, Any]:
        return dict(self.hub("GET", f"users/{name}").json()["auth_state"])

    def set_id_token(self, name: str, id_token: str) -> None:
        """Have the Hub keep another id_token."""
        state = self.auth_state(name) | {"id_token": id_token}
        answer = self.hub("PATCH", f"users/{name}", {"auth_state": state})
        assert answer.status_code == 200, answer.text

    def id_token(self, *, key: str = "", **claims: Any) -> str:
        """As the provider signs them, or with another key."""
        now = int(time.time())
        told = {"iss": self.stack.issuer, "aud": [HUB_CLIENT], "sub": "ana", "iat": now - 5, "exp": now + 3600, "groups": ["analysts"]}
        return jwt.encode(told | claims, key or self.key, algorithm="RS256", headers={"kid": self.kid})
