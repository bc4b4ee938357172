"""TLS handshakes in memory: a client's context against a server's, without sockets."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


class Served(Protocol):
    """Where certificate and key are."""

    certificate: Path
    key: Path


@dataclass(frozen=True, kw_only=True)
class Shaken:
    """What came of it: problem "" for a handshake that was finished; certificate: what the server showed, DER."""

    problem: str
    version: str = ""
    certificate: bytes = b""


def shake(served: Served, *, ca: Path, name: str) -> Shaken:
    """A verifying client against a plain server with that certificate."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(served.certificate, served.key)
    return meet(server, ssl.create_default_context(cafile=str(ca)), name)


def meet(server: ssl.SSLContext, client: ssl.SSLContext, name: str) -> Shaken:
    """Both sides' handshake."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.wrap_bio(to_server, to_client, server_side=True)
    theirs = client.wrap_bio(to_client, to_server, server_hostname=name)
    done: set[ssl.SSLObject] = set()
    for _ in range(20):
        for side in (theirs, ours):
            try:
                side.do_handshake()
                done.add(side)
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLError as problem:
                return Shaken(problem=str(problem))
        if len(done) == 2:
            return Shaken(problem="", version=theirs.version() or "", certificate=theirs.getpeercert(True) or b"")
    return Shaken(problem="the handshake does not end")
