"""Who is there: the dialogue with a client from its first packet to its proof of identity, as a generator of steps.

Says nothing about targets to somebody it does not know yet.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from jupyter_govern.errors import AuthenticationFailed, ClientProtocolError
from jupyter_govern_gateway.adapters.steps import (
    CheckPassword,
    CountFailure,
    DialogueStep,
    LookUpVerifiers,
    ReadFirstPacket,
    ReadMessage,
    SeesTLS,
    StartTLS,
    TakeToken,
    Write,
)
from jupyter_govern_gateway.codecs.postgresql import backend
from jupyter_govern_gateway.codecs.postgresql.frames import PASSWORD, Malformed, cstring, int32
from jupyter_govern_gateway.codecs.postgresql.scram import ServerExchange
from jupyter_govern_gateway.codecs.postgresql.startup import (
    PROTOCOL_3_2,
    CancelRequest,
    GSSENCRequest,
    SSLRequest,
    StartupMessage,
    negotiate_protocol_version,
    read_first_packet,
)
from jupyter_govern_gateway.net.bounds import MAX_MESSAGE_BEFORE_LOGIN, MAX_STARTUP_PACKET, MAX_STARTUP_PACKETS

if TYPE_CHECKING:
    from jupyter_govern_gateway.identity.tokens import Token

Dialogue = Generator[DialogueStep, Any, Any]
_WHAT_TO_SEND: Final = "The password is a gateway token: `jupyter govern connect` passes one to your client."


class Turned(ClientProtocolError):
    """The client cannot be let in; `code` and the message are for it, `hint` says what to do."""

    def __init__(self, code: str, message: str, *, hint: str = "") -> None:
        self.code, self.hint = code, hint
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """Somebody who proved who they are, and what they asked for."""

    token: Token
    version: int
    parameters: dict[str, str]
    is_encrypted: bool


def client_dialogue(
    *, has_tls: bool, takes_cleartext: bool, nonce: Callable[[], bytes], channel: bytes = b""
) -> Generator[DialogueStep, Any, Guest | CancelRequest]:
    """The steps of a client's arrival; raises Turned, Malformed.

    channel: what a log-in inside our TLS can be bound to (tls-server-end-point); empty: no binding is offered."""
    is_encrypted = False
    if has_tls and (yield SeesTLS()):
        # direct TLS of PostgreSQL 17 and newer: no SSLRequest, the protocol's name in the handshake instead
        yield StartTLS(is_direct=True)
        is_encrypted = True
    for _ in range(MAX_STARTUP_PACKETS):
        packet = read_first_packet((yield ReadFirstPacket(most=MAX_STARTUP_PACKET)))
        match packet:
            case GSSENCRequest():
                yield Write(data=b"N")
            case SSLRequest():
                if has_tls and not is_encrypted:
                    yield Write(data=b"S")
                    yield StartTLS()
                    is_encrypted = True
                else:
                    yield Write(data=b"N")
            case CancelRequest():
                return packet
            case StartupMessage():
                return (yield from _log_in(packet, is_encrypted, takes_cleartext and is_encrypted, nonce, channel if is_encrypted else b""))
    raise Malformed("a client that only asks for encryption")


def _log_in(
    packet: StartupMessage, is_encrypted: bool, takes_cleartext: bool, nonce: Callable[[], bytes], channel: bytes
) -> Generator[DialogueStep, Any, Guest]:
    if packet.major != 3:
        raise Turned("0A000", f"unsupported frontend protocol {packet.major}.{packet.minor}: the gateway speaks 3.0 to 3.2")
    unknown = [name for name in packet.parameters if name.startswith("_pq_.")]
    version = min(packet.version, PROTOCOL_3_2)
    if packet.version > PROTOCOL_3_2 or unknown:
        yield Write(data=negotiate_protocol_version(version, unknown))
    user = packet.parameters.get("user", "")
    if not user:
        raise Turned("28000", "no user name in the start-up packet")
    try:
        token = yield from (_cleartext(user) if takes_cleartext else _scram(user, nonce(), channel))
    except AuthenticationFailed:
        # the same words for every reason: a stranger learns nothing
        yield CountFailure(user=user)
        raise Turned("28P01", f'password authentication failed for user "{user}"', hint=_WHAT_TO_SEND) from None
    parameters = {name: value for name, value in packet.parameters.items() if name not in unknown}
    return Guest(token=token, version=version, parameters=parameters, is_encrypted=is_encrypted)


def _cleartext(user: str) -> Generator[DialogueStep, Any, Token]:
    yield Write(data=backend.AUTHENTICATION_CLEARTEXT)
    body = yield from _password_message()
    password, stop = cstring(body, 0, len(body))
    if stop != len(body):
        raise Malformed("a password with something behind it")
    try:
        text = password.decode("utf-8")
    except UnicodeDecodeError:
        raise AuthenticationFailed("not text") from None
    token: Token = yield CheckPassword(user=user, password=text)
    return token


def _scram(user: str, nonce: bytes, channel: bytes) -> Generator[DialogueStep, Any, Token]:
    verifiers = yield LookUpVerifiers(user=user)
    offered = (backend.SCRAM_SHA_256_PLUS, backend.SCRAM_SHA_256) if channel else (backend.SCRAM_SHA_256,)
    yield Write(data=backend.authentication_sasl(offered))
    body = yield from _password_message()
    mechanism, at = cstring(body, 0, len(body))
    if mechanism not in offered:
        raise Turned("28000", "the client chose an authentication that was not offered")
    if at + 4 + int32(body, at, len(body)) != len(body):
        raise Malformed("a SASL message of the wrong size")
    exchange = ServerExchange(
        salt=verifiers.salt,
        iterations=verifiers.iterations,
        nonce=nonce,
        channel=channel,
        is_bound=mechanism == backend.SCRAM_SHA_256_PLUS,
    )
    yield Write(data=backend.authentication_sasl_continue(exchange.answer(body[at + 4 :])))
    proof = yield from _password_message()
    found = exchange.check(proof, verifiers.candidates)
    if found is None:
        raise AuthenticationFailed("no token fits the proof")
    token: Token = yield TakeToken(token_id=found[0])
    yield Write(data=backend.authentication_sasl_final(found[1]))
    return token


def _password_message() -> Generator[DialogueStep, Any, bytes]:
    kind, body = yield ReadMessage(most=MAX_MESSAGE_BEFORE_LOGIN)
    if kind != PASSWORD:
        raise Malformed(f"a message of type {kind:#04x} where a password was due")
    return bytes(body)
