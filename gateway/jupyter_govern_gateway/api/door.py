"""The listening socket's guard: how many connections may be open, and how long one may say nothing.

aiohttp gives each connection all the time in the world for its first request; a silent client must not hold our
descriptors. Knows no routes.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from jupyter_govern_gateway.api.bounds import FIRST_REQUEST_SECONDS, MAX_CONNECTIONS


class Door:
    """A protocol factory around aiohttp's own."""

    def __init__(self, *, connections: int = MAX_CONNECTIONS, seconds: float = FIRST_REQUEST_SECONDS) -> None:
        self._most, self._seconds = connections, seconds
        self._silent: dict[asyncio.BaseProtocol, asyncio.TimerHandle] = {}
        self.server: web.Server | None = None

    def __call__(self) -> asyncio.BaseProtocol:
        """A protocol for a connection that was just accepted."""
        if self.server is None or len(self.server.connections) >= self._most:
            return _Refused()
        handler = self.server()
        self._silent[handler] = asyncio.get_running_loop().call_later(self._seconds, self._give_up, handler)
        return handler

    def heard(self, request: web.BaseRequest) -> None:
        """A whole request head came over this connection."""
        timer = self._silent.pop(request.protocol, None)
        if timer is not None:
            timer.cancel()

    def _give_up(self, handler: web.RequestHandler) -> None:
        self._silent.pop(handler, None)
        if handler.transport is not None:
            handler.transport.abort()

    def close(self) -> None:
        """Give up nobody any more: the server stops."""
        for timer in self._silent.values():
            timer.cancel()
        self._silent.clear()


class _Refused(asyncio.Protocol):
    """One connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Close it."""
        transport.close()
