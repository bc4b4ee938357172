"""Runs a start-up dialogue: one `match` over the steps that the adapter's generator yields. The only place where they are done."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Generator
from typing import Any, Final, TypeVar

from jupyter_govern_gateway.adapters.steps import (
    AnswerChallenge,
    CheckPassword,
    CountFailure,
    DialogueStep,
    LookUpVerifiers,
    Permitted,
    ReadBytes,
    ReadChannel,
    ReadFirstPacket,
    ReadMessage,
    SeesTLS,
    StartTLS,
    TakeToken,
    Write,
    WriteToTarget,
)
from jupyter_govern_gateway.codecs.postgresql.frames import HEADER, Malformed
from jupyter_govern_gateway.net.peer import Peer
from jupyter_govern_gateway.net.services import Identity, Log
from jupyter_govern_gateway.tls import ALPN, end_point

R = TypeVar("R")
TLS_HANDSHAKE: Final = 0x16
"""The first byte of a TLS record that holds a handshake; no start-up packet begins so."""


async def run_client_dialogue(
    dialogue: Generator[DialogueStep, Any, R], peer: Peer, *, identity: Identity, log: Log, tls: ssl.SSLContext | None
) -> R:
    """Drive the client's arrival to its end; what the generator raises comes through."""

    async def do(step: DialogueStep) -> Any:
        match step:
            case ReadFirstPacket(most=most):
                return await _first_packet(peer, most)
            case ReadMessage(most=most):
                return await _message(peer, most)
            case Write(data=data):
                peer.write(data)
            case SeesTLS():
                return await peer.peek() == TLS_HANDSHAKE
            case StartTLS(is_direct=is_direct) if tls is not None:
                await peer.start_tls(tls, is_server=True, is_direct=is_direct)
                if is_direct and peer.spoken != ALPN:
                    # as the server does: another protocol's client may be talked into this by an attacker (ALPACA)
                    raise Malformed("direct TLS without the protocol's name in its handshake (ALPN postgresql)")
            case LookUpVerifiers(user=user):
                return identity.scram_verifiers(user)
            case TakeToken(token_id=token_id):
                return identity.token_actor(token_id)
            case CheckPassword(user=user, password=password):
                return identity.authenticate_password(user, password)
            case CountFailure(user=user):
                log.write("login", event="failed", subject=user[:200], address=peer.address, wire="postgresql")
            case _:
                raise NotImplementedError(f"{type(step).__name__} is no step of a client's dialogue")
        return None

    return await _drive(dialogue, do)


async def run_target_dialogue(dialogue: Generator[DialogueStep, Any, R], peer: Peer, *, tls: ssl.SSLContext | None, name: str) -> R:
    """Drive the log-in at a target to its end; what the generator raises comes through."""

    async def do(step: DialogueStep) -> Any:
        match step:
            case ReadBytes(count=count):
                return await peer.exactly(count)
            case ReadMessage(most=most):
                return await _message(peer, most)
            case WriteToTarget(permitted=permitted):
                send_to_target(peer, permitted)
            case StartTLS() if tls is not None:
                await peer.start_tls(tls, is_server=False, name=name)
            case ReadChannel():
                certificate = peer.certificate
                return end_point(certificate) if certificate else b""
            case AnswerChallenge(exchange=exchange, challenge=challenge):
                return await asyncio.to_thread(exchange.final, challenge)
            case _:
                raise NotImplementedError(f"{type(step).__name__} is no step of a target's dialogue")
        return None

    return await _drive(dialogue, do)


def send_to_target(peer: Peer, permitted: Permitted) -> None:
    """The only function that writes to a target."""
    if type(permitted) is not Permitted:
        raise PermissionError("bytes for a target need a permit")
    peer.write(permitted.data)


async def _drive(dialogue: Generator[DialogueStep, Any, R], do: Any) -> R:
    answer: Any = None
    problem: Exception | None = None
    try:
        while True:
            try:
                step = dialogue.throw(problem) if problem is not None else dialogue.send(answer)
            except StopIteration as over:
                result: R = over.value
                return result
            answer, problem = None, None
            try:
                answer = await do(step)
            except Exception as raised:
                problem = raised
    finally:
        dialogue.close()


async def _first_packet(peer: Peer, most: int) -> bytes:
    head = await peer.exactly(4)
    length = int.from_bytes(head, "big")
    if not 8 <= length <= most:
        raise Malformed("this is not a PostgreSQL start-up packet")
    return await peer.exactly(length - 4)


async def _message(peer: Peer, most: int) -> tuple[int, bytes]:
    head = await peer.exactly(HEADER)
    length = int.from_bytes(head[1:], "big")
    if not 4 <= length <= most:
        raise Malformed(f"a message of type {head[0]:#04x} and length {length}")
    return head[0], await peer.exactly(length - 4)
