"""Listening sockets that outlive a process: left by one that restarts itself, taken by what it becomes. Between the two nobody
accepts, but nobody is refused either: clients wait in the socket's queue.

Knows no protocol. The descriptors travel in one environment variable, which is taken out when it is read.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
from collections.abc import Callable, Mapping
from typing import Final

VARIABLE: Final = "JUPYTER_GOVERN_LISTENING"
BACKLOG: Final = 1024
"""Clients that may wait to be accepted."""
Inherited = tuple[int, ...]


def inherited() -> dict[str, Inherited]:
    """What the process before us left, by the listener's name. Read once."""
    try:
        said = json.loads(os.environ.pop(VARIABLE, "{}"))
        return {str(name): tuple(int(number) for number in numbers) for name, numbers in said.items()}
    except (ValueError, AttributeError, TypeError):
        return {}


def leave(servers: list[asyncio.Server]) -> Inherited:
    """Descriptors of the same sockets, which stay open when the servers are closed."""
    return tuple(os.dup(each.fileno()) for server in servers for each in server.sockets)


def pass_on(left: Mapping[str, Inherited]) -> None:
    """For the process that this one becomes by exec."""
    for numbers in left.values():
        for number in numbers:
            os.set_inheritable(number, True)
    os.environ[VARIABLE] = json.dumps(left)


async def listen(
    protocol: Callable[[], asyncio.BaseProtocol], host: str, port: int, left: Inherited = (), *, tls: ssl.SSLContext | None = None
) -> list[asyncio.Server]:
    """Servers on these sockets where they are still what is wanted, else on new ones. Raises OSError."""
    loop = asyncio.get_running_loop()
    fitting: list[socket.socket] = []
    for number in left:
        try:
            known = socket.socket(fileno=number)
        except OSError:
            continue
        os.set_inheritable(number, False)
        if _fits(known, host, port):
            fitting.append(known)
        else:
            known.close()  # the configuration wants another address by now
    if fitting:
        return [await loop.create_server(protocol, sock=known, ssl=tls, backlog=BACKLOG) for known in fitting]
    return [await loop.create_server(protocol, host, port, ssl=tls, backlog=BACKLOG)]


def _fits(known: socket.socket, host: str, port: int) -> bool:
    try:
        if not known.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            return False
        wanted = {entry[4][0] for entry in socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)}
        address = known.getsockname()
    except OSError:
        return False
    return address[0] in wanted and port in (0, address[1])
