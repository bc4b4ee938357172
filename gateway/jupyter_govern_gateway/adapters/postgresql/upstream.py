"""The dialogue with a target, from TLS to its first ReadyForQuery, as a generator of steps. All it writes goes under the
session's connect permit. Knows the target's credential while it runs, and never says it.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jupyter_govern.errors import TargetProtocolError, TargetUnavailable
from jupyter_govern_gateway.adapters.steps import (
    AnswerChallenge,
    DialogueStep,
    Permitted,
    ReadBytes,
    ReadChannel,
    ReadMessage,
    StartTLS,
    WriteToTarget,
)
from jupyter_govern_gateway.codecs.postgresql import backend, fields, frames, frontend
from jupyter_govern_gateway.codecs.postgresql.frames import int32
from jupyter_govern_gateway.codecs.postgresql.md5 import md5_answer
from jupyter_govern_gateway.codecs.postgresql.scram import ClientExchange
from jupyter_govern_gateway.codecs.postgresql.startup import PROTOCOL_3_0, PROTOCOL_3_2, ssl_request, startup_message
from jupyter_govern_gateway.net.bounds import MAX_HELD

if TYPE_CHECKING:
    from jupyter_govern_gateway.gate import Permit


class TargetRefused(TargetUnavailable):
    """The target does not let the gateway in; `code` and the message are for the client."""

    def __init__(self, code: str, message: str, *, hint: str = "") -> None:
        self.code, self.hint = code, hint
        super().__init__(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """How the gateway logs in. The password stays out of every representation."""

    target: str
    user: str
    database: str
    uses_tls: bool
    password: str = field(repr=False)
    settings: dict[str, str] = field(repr=False)
    version: int = PROTOCOL_3_2
    """The newest protocol to ask for; a server that speaks an older one says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """What the target said of the session."""

    parameters: dict[bytes, bytes]
    pid: int
    key: bytes
    is_encrypted: bool


def target_dialogue(login: Login, permit: Permit, nonce: bytes) -> Generator[DialogueStep, Any, Welcome]:
    """Raises TargetRefused, TargetProtocolError."""
    if login.uses_tls:
        yield WriteToTarget(permitted=Permitted(ssl_request(), (permit,)))
        answer = yield ReadBytes(count=1)
        if answer != b"S":
            # no fallback: the credential and the data would go in clear
            raise TargetRefused("08006", f'target "{login.target}" does not offer TLS', hint="Tell the operator of the gateway.")
        yield StartTLS()
    settings = {"user": login.user, "database": login.database, **login.settings}
    yield WriteToTarget(permitted=Permitted(startup_message(settings, login.version), (permit,)))
    yield from _authenticate(login, permit, nonce)
    return (yield from _settle(login))


def _authenticate(login: Login, permit: Permit, nonce: bytes) -> Generator[DialogueStep, Any, None]:
    exchange: ClientExchange | None = None
    is_proven = True
    while True:
        kind, body = yield ReadMessage(most=MAX_HELD)
        if kind == frames.NOTICE_RESPONSE:
            continue
        if kind == frames.NEGOTIATE_PROTOCOL_VERSION:
            _check_version(login, backend.read_negotiate_protocol_version(body, 0, len(body)))
            continue
        if kind == frames.ERROR_RESPONSE:
            raise _refused(login, fields.read_fields(body, 0, len(body)))
        if kind != frames.AUTHENTICATION:
            raise TargetProtocolError("the target does not authenticate")
        request, rest = int32(body, 0, len(body)), body[4:]
        answer = b""
        match request:
            case 0 if is_proven:
                return
            case 3 if login.uses_tls:
                answer = frontend.password(login.password.encode() + b"\0")
            case 5:
                answer = frontend.password(md5_answer(login.user.encode(), login.password.encode(), rest[:4]))
            case 10 if backend.SCRAM_SHA_256 in (offered := backend.read_sasl_mechanisms(rest, 0, len(rest))):
                channel = yield ReadChannel()
                is_bound = bool(channel) and backend.SCRAM_SHA_256_PLUS in offered
                exchange = ClientExchange(
                    password=login.password, nonce=nonce, channel=channel if is_bound else b"", could_bind=bool(channel) and not is_bound
                )
                is_proven = False
                answer = frontend.sasl_initial(backend.SCRAM_SHA_256_PLUS if is_bound else backend.SCRAM_SHA_256, exchange.first())
            case 11 if exchange is not None:
                answer = frontend.password((yield AnswerChallenge(exchange=exchange, challenge=rest)))
            case 12 if exchange is not None:
                is_proven = exchange.verify(rest)
                continue
            case _:
                raise TargetRefused(
                    "08006",
                    f'target "{login.target}" wants an authentication that the gateway does not do (request {request})',
                    hint="Tell the operator of the gateway: SCRAM-SHA-256 is the one to configure.",
                )
        yield WriteToTarget(permitted=Permitted(answer, (permit,)))


def _check_version(login: Login, spoken: int) -> None:
    # documented as the minor number, sent as the whole version by every server that sends it
    if not PROTOCOL_3_0 <= (spoken if spoken >> 16 else PROTOCOL_3_0 | spoken) <= login.version:
        raise TargetProtocolError(f"the target speaks version {spoken >> 16}.{spoken & 0xFFFF} of the protocol")


def _settle(login: Login) -> Generator[DialogueStep, Any, Welcome]:
    parameters: dict[bytes, bytes] = {}
    pid, key = 0, b""
    while True:
        kind, body = yield ReadMessage(most=MAX_HELD)
        match kind:
            case frames.PARAMETER_STATUS:
                name, value = backend.read_parameter_status(body, 0, len(body))
                parameters[name] = value
            case frames.BACKEND_KEY_DATA:
                pid, key = backend.read_backend_key_data(body, 0, len(body))
            case frames.NOTICE_RESPONSE:
                pass
            case frames.ERROR_RESPONSE:
                raise _refused(login, fields.read_fields(body, 0, len(body)))
            case frames.READY_FOR_QUERY:
                return Welcome(parameters=parameters, pid=pid, key=key, is_encrypted=login.uses_tls)
            case _:
                raise TargetProtocolError("the target does not begin the session")


def _refused(login: Login, found: fields.Fields) -> TargetRefused:
    """What the client is told. The target's own words only where they are about the client's own settings."""
    code = found.get(fields.CODE, b"08006").decode("ascii", "replace")
    said = found.get(fields.MESSAGE, b"").decode("utf-8", "replace")
    tell = "Tell the operator of the gateway."
    if code in ("0A000", "08P01") and login.version > PROTOCOL_3_0:
        hint = f'Tell the operator of the gateway: where a pooler knows only protocol 3.0, set protocol = "3.0" for the target. {said}'
        return TargetRefused("08006", f'target "{login.target}" does not take protocol 3.2', hint=hint)
    if code[:2] == "28":
        return TargetRefused("28000", f'the gateway\'s own credential was refused by target "{login.target}"', hint=tell)
    if code == "3D000":
        return TargetRefused(code, f'the database of target "{login.target}" does not exist', hint=tell)
    if code[:2] in ("22", "42"):
        return TargetRefused(code, said)
    if code[:2] in ("53", "57"):
        return TargetRefused(code, f'target "{login.target}" takes no connection now: {said}')
    return TargetRefused("08006", f'target "{login.target}" refused the connection ({code})', hint=tell)
