"""The gateway's HTTP API as this server uses it: device login, kernel tokens, lists, and the stream of events.

Knows paths and errors; keeps no token. Nothing in here can send a decision on an approval.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlsplit

import httpx

from jupyter_govern.client import is_loopback

MAX_ANSWER = 16 * 1024 * 1024
MAX_EVENT = 64 * 1024
STREAM_IDLE_SECONDS = 90.0

READABLE = re.compile(r"me|targets|approvals(?:/\d{1,18})?|sessions(?:/[A-Za-z0-9_-]{1,128}(?:/verify)?)?")
"""The paths that a notebook's page may read through this server. All of them are lists; none of them acts."""


class GatewayProblem(Exception):
    """The gateway refused, or did not answer (`status` 502): what the notebook's page and the kernel are told."""

    def __init__(self, status: int, code: str, message: str, hint: str = "") -> None:
        self.status, self.code, self.message, self.hint = status, code, message, hint
        super().__init__(message)


class Gateway:
    """A gateway at an address that may change: `where` is asked for it each time."""

    def __init__(self, where: Callable[[], str], *, ca_file: Callable[[], str], seconds: float) -> None:
        self._where, self._ca_file, self._seconds = where, ca_file, seconds

    @property
    def ca_file(self) -> str:
        """The authority that vouches for an https address, "" for the system's."""
        return self._ca_file()

    @property
    def url(self) -> str:
        """The address in use now, "" where none is known."""
        return self._where().rstrip("/")

    async def health(self) -> str:
        """Why the gateway is not reachable, or "" where it is."""
        try:
            await self._ask("GET", "/healthz", seconds=min(self._seconds, 2.0))
        except GatewayProblem as problem:
            return problem.message
        return ""

    async def read(self, token: str, path: str, query: str = "") -> bytes:
        """One of the READABLE lists, as the gateway sent it."""
        if not READABLE.fullmatch(path):
            raise GatewayProblem(404, "not-found", f"{path!r} is not among what a notebook server reads.")
        return await self._ask("GET", f"/api/v1/{path}" + (f"?{query}" if query else ""), token=token)

    async def me(self, token: str) -> dict[str, Any]:
        """Whose token it is."""
        return _object(await self._ask("GET", "/api/v1/me", token=token))

    async def start_device(self) -> dict[str, Any]:
        """Begin a device login (RFC 8628)."""
        return _object(await self._ask("POST", "/api/v1/device", body={"client": "jupyter-server"}))

    async def device_token(self, device_code: str) -> dict[str, Any]:
        """The server token of a finished device login; GatewayProblem code `authorization_pending` until then."""
        return _object(await self._ask("POST", "/api/v1/device/token", body={"device_code": device_code}))

    async def kernel_token(self, token: str, kernel_id: str, server: str) -> dict[str, Any]:
        """A short-lived token for one kernel."""
        return _object(await self._ask("POST", "/api/v1/tokens", token=token, body={"kernel_id": kernel_id, "server": server}))

    async def hub_token(self, hub_token: str, server: str, kernel_id: str) -> dict[str, Any]:
        """A short-lived token for what JupyterHub gave this server: for one kernel, or (kernel_id "") for the server itself."""
        body = {"server": server, "kernel_id": kernel_id}
        return _object(await self._ask("POST", "/api/v1/hub/tokens", token=hub_token, body=body))

    async def end_hub_login(self, hub_token: str, server: str) -> None:
        """End what the hub token was exchanged for, with all that was opened under it."""
        await self._ask("DELETE", "/api/v1/hub/tokens", token=hub_token, body={"server": server})

    async def drop_token(self, token: str) -> None:
        """Revoke a token."""
        await self._ask("DELETE", "/api/v1/tokens/self", token=token)

    async def events(self, token: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """The gateway's events (name, data) until it ends the stream; raises GatewayProblem."""
        timeout = httpx.Timeout(self._seconds, read=STREAM_IDLE_SECONDS)
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        try:
            async with self._client(timeout) as client, client.stream("GET", "/api/v1/events", headers=headers) as answer:
                if answer.status_code != 200:
                    raise _problem(answer.status_code, await _bounded(answer))
                async for event in read_events(answer.aiter_bytes()):
                    yield event
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as problem:
            raise self._unreachable(problem) from None

    async def _ask(
        self, method: str, path: str, *, token: str = "", body: dict[str, Any] | None = None, seconds: float = 0.0
    ) -> bytes:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            async with (
                self._client(httpx.Timeout(seconds or self._seconds)) as client,
                client.stream(method, path, headers=headers, json=body) as answer,
            ):
                raw = await _bounded(answer)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as problem:
            raise self._unreachable(problem) from None
        if answer.status_code >= 300:
            raise _problem(answer.status_code, raw)
        return raw

    def _client(self, timeout: httpx.Timeout) -> httpx.AsyncClient:
        url = self.url
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise GatewayProblem(502, "gateway-unreachable", "no gateway was found.", "Start one, or set GovernApp.gateway_url.")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            # fail closed: a token in clear on the network is everybody's
            raise GatewayProblem(502, "gateway-unreachable", f"{url} would send tokens in clear over the network.", "Use https.")
        ca_file = self.ca_file
        verify: ssl.SSLContext | bool = (
            ssl.create_default_context(cafile=ca_file) if ca_file and parts.scheme == "https" else True
        )
        # a proxy from the environment never sees what goes to this very machine
        return httpx.AsyncClient(base_url=url, verify=verify, timeout=timeout, trust_env=not is_loopback(parts.hostname))

    def _unreachable(self, problem: Exception) -> GatewayProblem:
        why = str(problem) or type(problem).__name__
        return GatewayProblem(502, "gateway-unreachable", f"the gateway at {self.url} does not answer: {why}")


async def read_events(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Server-sent events out of a byte stream cut anywhere; what is not a JSON object under a name is passed over."""
    held = b""
    async for chunk in chunks:
        held = (held + chunk).replace(b"\r\n", b"\n")
        *complete, held = held.split(b"\n\n")
        if len(held) > MAX_EVENT:
            raise GatewayProblem(502, "gateway-unreachable", f"the gateway sent an event beyond {MAX_EVENT} bytes")
        for block in complete:
            if (event := _event(block)) is not None:
                yield event


def _event(block: bytes) -> tuple[str, dict[str, Any]] | None:
    name, data = "", []
    for line in block.decode("utf-8", "replace").split("\n"):
        field, _, value = line.partition(":")
        if field == "event":
            name = value.removeprefix(" ")
        elif field == "data":
            data.append(value.removeprefix(" "))
    try:
        body = json.loads("\n".join(data)) if name and data else None
    except ValueError:
        return None
    return (name, body) if isinstance(body, dict) else None


async def _bounded(answer: httpx.Response) -> bytes:
    kept = bytearray()
    async for block in answer.aiter_bytes():
        kept += block
        if len(kept) > MAX_ANSWER:
            raise GatewayProblem(502, "gateway-unreachable", f"the gateway's answer is beyond {MAX_ANSWER} bytes")
    return bytes(kept)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise GatewayProblem(502, "gateway-unreachable", "the gateway's answer could not be read.")
    return body


def _problem(status: int, raw: bytes) -> GatewayProblem:
    try:
        error = json.loads(raw)["error"]
        return GatewayProblem(status, str(error["code"]), str(error["message"]), str(error.get("hint") or ""))
    except (ValueError, KeyError, TypeError):
        return GatewayProblem(502, "gateway-unreachable", f"what answers as the gateway says HTTP {status}.")
