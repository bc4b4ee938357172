"""The listener for PostgreSQL clients: accepts, bounds, hands each connection to an Arrival, and stops in good order."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import cast

from jupyter_govern_gateway.adapters.postgresql.refusals import fatal
from jupyter_govern_gateway.net.arrival import Arrival, House
from jupyter_govern_gateway.net.bounds import MAX_CONNECTIONS, MAX_STATEMENT
from jupyter_govern_gateway.net.cancel import CancelKeys
from jupyter_govern_gateway.net.listening import Inherited, leave, listen
from jupyter_govern_gateway.net.peer import Peer
from jupyter_govern_gateway.net.services import Services
from jupyter_govern_gateway.net.session import GOING_DOWN, Session
from jupyter_govern_gateway.net.tasks import Tasks


class PostgresqlListener:
    """tls None: clients that ask for TLS are told there is none. takes_cleartext: ask for the token in clear inside TLS.

    channel: what log-ins inside TLS can be bound to (tls-server-end-point); empty: nothing."""

    def __init__(
        self,
        *,
        services: Services,
        host: str,
        port: int,
        tls: ssl.SSLContext | None,
        channel: Callable[[], bytes] = bytes,
        takes_cleartext: bool = False,
        max_statement: int = MAX_STATEMENT,
    ) -> None:
        self.host, self.port = host, port
        self._servers: list[asyncio.Server] = []
        self._sessions: set[Session] = set()
        self._arrivals = Tasks(self._failed)
        self._background = Tasks(self._failed)
        self._open = 0
        self._empty = asyncio.Event()
        self._house = House(
            services=services,
            tls=tls,
            channel=channel,
            takes_cleartext=takes_cleartext,
            max_statement=max_statement,
            keys=CancelKeys(),
            tasks=self._background,
            opened=self._sessions.add,
            closed=self._closed,
        )

    async def start(self, inherited: Inherited = ()) -> None:
        """Listen, on the sockets that a process before us left if there are any; `port` is the real one then."""
        self._servers = await listen(lambda: cast(asyncio.Protocol, Peer(self._accepted)), self.host, self.port, inherited)
        self.port = self._servers[0].sockets[0].getsockname()[1]

    def leave(self) -> tuple[int, ...]:
        """The listening sockets for the process after us: clients that come meanwhile wait in their queue."""
        return leave(self._servers)

    def _accepted(self, peer: Peer) -> None:
        if self._open >= MAX_CONNECTIONS:
            peer.write(fatal("53300", "the gateway has too many connections"))
            peer.close()
            return
        self._open += 1
        self._arrivals.start(Arrival(self._house, peer).run())
        peer.gone = self._gone

    def _closed(self, session: Session) -> None:
        self._sessions.discard(session)
        if not self._sessions:
            self._empty.set()

    def _gone(self) -> None:
        self._open -= 1

    def _failed(self, problem: BaseException) -> None:
        asyncio.get_running_loop().call_exception_handler({"message": "a connection failed", "exception": problem})

    async def stop(self, drain_seconds: float) -> None:
        """Accept no more, let what runs end for so long, then end it; returns when the last session is closed."""
        if not self._servers:
            return
        for server in self._servers:
            server.close()
        self._arrivals.cancel()
        for session in tuple(self._sessions):
            session.drain()
        if self._sessions:
            self._empty.clear()
            try:
                async with asyncio.timeout(drain_seconds):
                    await self._empty.wait()
            except TimeoutError:
                for session in tuple(self._sessions):
                    session.close(GOING_DOWN)
                if self._sessions:
                    await self._empty.wait()  # bounded: each ends within LINGER_SECONDS
        await self._arrivals.wait()
        await self._background.wait()
        self._servers = []
