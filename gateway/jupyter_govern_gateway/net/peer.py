"""One socket. During a dialogue it is read piece by piece; then it flows: each block goes to a sink, synchronously.

Knows no protocol. What arrives while nobody reads is held up to a bound, then the socket is paused.
"""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
from collections.abc import Callable, Coroutine
from typing import Any, Final, cast

from jupyter_govern_gateway.net.bounds import HIGH_WATER, LOW_WATER, MAX_WHOLE
from jupyter_govern_gateway.net.lost import Lost, Overlong

TURNS_TO_CONNECTED: Final = 2
"""Turns of the event loop until start_tls has put its own protocol in place, and until that has been told of its transport."""
_GONE: Final = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)


def _ignore(*_: Any) -> None:
    return None


class Peer:
    """A protocol object for asyncio and uvloop (duck-typed), and the reading side of a dialogue."""

    def __init__(self, accepted: Callable[[Peer], None] = _ignore) -> None:
        self.transport: asyncio.Transport | None = None
        self.is_lost = False
        self.lost: Callable[[], None] = _ignore
        self.gone: Callable[[], None] = _ignore
        self.paused: Callable[[], None] = _ignore
        self.resumed: Callable[[], None] = _ignore
        self._accepted = accepted
        self._sink: Callable[[bytes], None] | None = None
        self._buffer = bytearray()
        self._waiter: asyncio.Future[None] | None = None
        self._is_reading = True

    # -- what the event loop calls -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is there (again, inside TLS)."""
        first = self.transport is None
        self.transport = cast(asyncio.Transport, transport)
        self.transport.set_write_buffer_limits(high=HIGH_WATER, low=LOW_WATER)
        if first:
            raw = transport.get_extra_info("socket")
            if raw is not None and raw.family in (socket.AF_INET, socket.AF_INET6):
                raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            self._accepted(self)

    def data_received(self, data: bytes) -> None:
        """A block arrived."""
        sink = self._sink
        if sink is not None:
            sink(data)
            return
        self._buffer += data
        if len(self._buffer) > MAX_WHOLE:
            self.read(False)
        self._wake()

    def eof_received(self) -> bool:
        """The other end will not send more: for us it is gone."""
        return False

    def connection_lost(self, problem: Exception | None) -> None:
        """The socket is gone."""
        self.is_lost = True
        self._wake()
        self.lost()
        self.gone()

    def pause_writing(self) -> None:
        """The write buffer is at its high-water mark."""
        self.paused()

    def resume_writing(self) -> None:
        """The write buffer is empty enough."""
        self.resumed()

    # -- dialogue -----------------------------------------------------------------------------------

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def exactly(self, count: int) -> bytes:
        """So many bytes; raises Lost."""
        while len(self._buffer) < count:
            if self.is_lost:
                raise Lost("the connection was closed")
            self.read(True)
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    async def peek(self) -> int:
        """The next byte, which stays where it is; raises Lost."""
        if not self._buffer:
            self._buffer[:0] = await self.exactly(1)
        return self._buffer[0]

    async def start_tls(self, context: ssl.SSLContext, *, is_server: bool, name: str | None = None, is_direct: bool = False) -> None:
        """Go on inside TLS. Bytes that came before it were said to nobody: an attacker on the way could have put them there.
        is_direct: they are the beginning of the handshake."""
        began = b""
        if is_direct:
            began = bytes(self._buffer)
            self._buffer.clear()
        if self._buffer:
            raise Overlong("bytes in clear behind the request for TLS")
        assert self.transport is not None  # noqa: S101 - connection_made came first
        self.read(True)
        loop = asyncio.get_running_loop()
        raw = self.transport
        work = loop.start_tls(
            raw, cast(asyncio.Protocol, self), context, server_side=is_server, server_hostname=None if is_server else name
        )
        try:
            made = await (_begun(raw, work, began) if began else work)
        except BaseException:
            self.is_lost = True  # what it was before the handshake, it is no more
            raise
        if made is None:
            raise Lost("the connection was closed during the TLS handshake")
        self.transport = made
        made.set_write_buffer_limits(high=HIGH_WATER, low=LOW_WATER)

    def flow(self, sink: Callable[[bytes], None]) -> None:
        """The dialogue is over: blocks go to the sink, the ones that are here first."""
        self._sink = sink
        if self._buffer:
            data = bytes(self._buffer)
            self._buffer.clear()
            sink(data)

    # -- driving ------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Send; nothing happens where the other end is gone."""
        if self.transport is not None and not self.is_lost and not self.transport.is_closing():
            self.transport.write(data)

    @property
    def certificate(self) -> bytes:
        """The other end's certificate in DER; empty without TLS."""
        inside = self.transport.get_extra_info("ssl_object") if self.transport is not None else None
        return (inside.getpeercert(binary_form=True) or b"") if inside is not None else b""

    @property
    def spoken(self) -> str | None:
        """The protocol that was agreed on in the TLS handshake (ALPN)."""
        inside = self.transport.get_extra_info("ssl_object") if self.transport is not None else None
        return inside.selected_alpn_protocol() if inside is not None else None

    def read(self, on: bool) -> None:
        """Read the socket, or leave it alone."""
        if on == self._is_reading or self.transport is None or self.is_lost:
            return
        self._is_reading = on
        if on:
            self.transport.resume_reading()
        else:
            self.transport.pause_reading()

    def has_gone(self) -> bool:
        """Whether the other end hung up although we do not read it."""
        if self.is_lost or self.transport is None:
            return True
        raw = self.transport.get_extra_info("socket")
        descriptor = raw.fileno() if raw is not None else -1
        if descriptor < 0:
            return True
        poll = select.poll()
        poll.register(descriptor, _GONE)
        return any(events & _GONE for _, events in poll.poll(0))

    def close(self) -> None:
        """Send what is left, then hang up."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.close()

    def abort(self) -> None:
        """Hang up at once."""
        if self.transport is not None:
            self.transport.abort()

    @property
    def address(self) -> str:
        """Who this is, for the record."""
        host = self.host
        return f"{host[0]}:{host[1]}" if host is not None else "local"

    @property
    def host(self) -> tuple[str, int] | None:
        """Address and port at the other end; None for a socket of this machine."""
        name = self.transport.get_extra_info("peername") if self.transport is not None else None
        return (str(name[0]), int(name[1])) if isinstance(name, tuple) and len(name) > 1 else None


async def _begun(raw: asyncio.Transport, work: Coroutine[Any, Any, asyncio.Transport | None], began: bytes) -> asyncio.Transport | None:
    """A handshake whose first bytes are here already: the loop's TLS protocol is given them before what the socket brings."""
    handshake = asyncio.get_running_loop().create_task(work)
    try:
        for _ in range(TURNS_TO_CONNECTED):
            await asyncio.sleep(0)
        protocol = cast(asyncio.BufferedProtocol, raw.get_protocol())
        while began and not raw.is_closing():
            room = memoryview(protocol.get_buffer(len(began)))
            size = min(len(room), len(began))
            room[:size] = began[:size]
            protocol.buffer_updated(size)
            began = began[size:]
        return await handshake
    except BaseException:
        handshake.cancel()
        raise
