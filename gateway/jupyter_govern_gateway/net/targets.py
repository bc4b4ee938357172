"""How targets are reached: addresses with their credential, TLS contexts, connecting, and CancelRequests.

The credential leaves this process towards its target only.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from jupyter_govern.errors import ConfigError, TargetProtocolError
from jupyter_govern_gateway.adapters.postgresql.upstream import Login, TargetRefused, Welcome, target_dialogue
from jupyter_govern_gateway.adapters.steps import Permitted
from jupyter_govern_gateway.codecs.postgresql.frames import Malformed
from jupyter_govern_gateway.codecs.postgresql.startup import PROTOCOL_3_0, PROTOCOL_3_2, cancel_request, ssl_request
from jupyter_govern_gateway.net.bounds import CANCEL_SECONDS, CONNECT_SECONDS
from jupyter_govern_gateway.net.dialogue import run_target_dialogue, send_to_target
from jupyter_govern_gateway.net.lost import Lost, Overlong
from jupyter_govern_gateway.net.peer import Peer

if TYPE_CHECKING:
    from jupyter_govern.config.model import Target
    from jupyter_govern_gateway.gate import Permit

_TELL: Final = "Tell the operator of the gateway."


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetAddress:
    """Where a target is and how the gateway logs in there. tls None: in clear (loopback, or said to be acceptable)."""

    name: str
    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False, default="")
    tls: ssl.SSLContext | None = None
    version: int = PROTOCOL_3_2


def target_address(target: Target, directory: Path, *, password: str, key: str) -> TargetAddress:
    """key: a file with the private key of our certificate, "" without one. Raises ConfigError where authorities or certificate cannot
    be used."""
    return TargetAddress(
        name=target.name,
        host=target.host,
        port=target.port,
        database=target.database,
        user=target.user,
        password=password,
        tls=_context(target, directory, key),
        version=PROTOCOL_3_2 if target.protocol == "3.2" else PROTOCOL_3_0,
    )


def _context(target: Target, directory: Path, key: str) -> ssl.SSLContext | None:
    if target.tls == "disable" or target.host.startswith("/"):
        return None
    try:
        context = ssl.create_default_context(cafile=str(directory / target.ca) if target.ca else None)
    except (OSError, ssl.SSLError) as problem:
        raise ConfigError(f"the authorities in {target.ca} cannot be used: {problem}", key=f"target.{target.name}.ca") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if key:
        _show_certificate(context, target, directory, key)
    if target.tls == "require":  # the configuration asked why, and logs it
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _show_certificate(context: ssl.SSLContext, target: Target, directory: Path, key: str) -> None:
    try:
        context.load_cert_chain(directory / target.tls_certificate, key, password="")  # never ask on a terminal
    except (OSError, ssl.SSLError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        what = f"the certificate {target.tls_certificate} or its key cannot be used: {reason}"
        raise ConfigError(what, key=f"target.{target.name}.tls_certificate") from None


async def connect(address: TargetAddress, permit: Permit, settings: dict[str, str]) -> tuple[Peer, Welcome]:
    """A session at the target; raises TargetRefused."""
    login = Login(
        target=address.name,
        user=address.user,
        database=address.database,
        uses_tls=address.tls is not None,
        password=address.password,
        settings=settings,
        version=address.version,
    )
    nonce = secrets.token_urlsafe(18).encode()
    peer: Peer | None = None
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            peer = await _open(address)
            dialogue = target_dialogue(login, permit, nonce)
            welcome = await run_target_dialogue(dialogue, peer, tls=address.tls, name=address.host)
            return peer, welcome
    except BaseException as problem:
        if peer is not None:
            peer.abort()
        raise _told(address, problem) from None


def _told(address: TargetAddress, problem: BaseException) -> BaseException:
    """What a client may know of why a target cannot be reached."""
    match problem:
        case TargetRefused():
            return problem
        case ssl.SSLCertVerificationError():
            why = f"its certificate is not accepted ({problem.verify_message})"
        case ssl.SSLError():
            why = "the TLS handshake failed"
        case TimeoutError():
            why = f"it did not answer within {CONNECT_SECONDS:g} seconds"
        case Malformed() | TargetProtocolError():
            return TargetRefused("08P01", f'target "{address.name}" does not speak the PostgreSQL protocol: {problem}', hint=_TELL)
        case Lost() | Overlong():
            why = str(problem)
        case OSError():
            why = os.strerror(problem.errno) if problem.errno else "no such host"
        case _:
            return problem
    return TargetRefused("08006", f'target "{address.name}" cannot be reached: {why}', hint=_TELL)


async def _open(address: TargetAddress) -> Peer:
    loop = asyncio.get_running_loop()
    peer = Peer()

    def make() -> asyncio.Protocol:
        return cast(asyncio.Protocol, peer)

    if address.host.startswith("/"):
        await loop.create_unix_connection(make, f"{address.host}/.s.PGSQL.{address.port}")
    else:
        await loop.create_connection(make, address.host, address.port)
    return peer


async def cancel(address: TargetAddress, permit: Permit, pid: int, key: bytes) -> None:
    """Ask the target to stop what that session runs. Best effort, as the protocol has it: there is no answer."""
    peer: Peer | None = None
    try:
        async with asyncio.timeout(CANCEL_SECONDS):
            peer = await _open(address)
            if address.tls is not None:
                send_to_target(peer, Permitted(ssl_request(), (permit,)))
                if await peer.exactly(1) != b"S":
                    return
                await peer.start_tls(address.tls, is_server=False, name=address.host)
            send_to_target(peer, Permitted(cancel_request(pid, key), (permit,)))
            await peer.exactly(1)  # the target closes when it has read it
    except (OSError, TimeoutError):
        return
    finally:
        if peer is not None:
            peer.close()
