"""What an adapter asks its driver to do. An adapter does nothing itself: no socket, no clock, no task.

Bytes for a target exist as `Permitted` only, and `Permitted` cannot be built without the permits under which they go:
permission is a value you hold, not a check you remember.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_govern_gateway.gate import Permit

if TYPE_CHECKING:
    from jupyter_govern_gateway.gate import Pending, Settling


class Permitted:
    """Bytes for the target, with the permits they go under (the session's connect permit for control messages)."""

    __slots__ = ("data", "permits")

    def __init__(self, data: bytes, permits: Sequence[Permit]) -> None:
        if not permits:
            raise PermissionError("bytes for a target need a permit")
        for permit in permits:
            if type(permit) is not Permit:
                raise PermissionError(f"a {type(permit).__name__} is not a permit")
        self.data = data
        self.permits = permits


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedPlan:
    """Compile this statement (in a worker) and answer with `planned` or `not_planned`. The client is not read meanwhile."""

    text: str
    ticket: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedApproval:
    """Wait for people and answer with `approved` or `refused`. The client is not read meanwhile."""

    pending: Pending
    ticket: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedDisk:
    """Wait until the record of a permitted operation is on the disk, and answer with `answered`. The client is not read meanwhile."""

    settling: Settling
    ticket: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelTarget:
    """Ask the target to stop what it runs, under the permit of the session."""

    permit: Permit


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTimer:
    """Call `timed_out(run)` after so many seconds."""

    run: Any
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidateCatalog:
    """The target's schema changed through this session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseSession:
    """Everything is said: write what is left and close both sides. Behind a goodbye, the target may finish what it runs."""

    reason: str
    is_goodbye: bool = False


Step = NeedPlan | NeedApproval | NeedDisk | CancelTarget | StartTimer | InvalidateCatalog | CloseSession


# -- what the start-up dialogues ask for, one at a time ---------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBytes:
    """Exactly this many unframed bytes."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFirstPacket:
    """One packet with a length and no type byte; answered with its body."""

    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadMessage:
    """One framed message; answered with (type, body)."""

    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """Bytes for the client of this dialogue."""

    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteToTarget:
    """Bytes for the target of this dialogue."""

    permitted: Permitted


@dataclass(frozen=True, slots=True, kw_only=True)
class SeesTLS:
    """Whether the client's first byte begins a TLS handshake; it is left where it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTLS:
    """Go on inside TLS. What arrived before it is an error: it was said to nobody. is_direct: what arrived is its beginning."""

    is_direct: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadChannel:
    """What a log-in at the target can be bound to (tls-server-end-point of its certificate); answered with bytes, empty: nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUpVerifiers:
    """The SCRAM verifiers of this user; answered with `ScramVerifiers`."""

    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeToken:
    """The token that a SCRAM proof fitted; answered with `Token`, raises AuthenticationFailed."""

    token_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckPassword:
    """A password in clear; answered with `Token`, raises AuthenticationFailed."""

    user: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CountFailure:
    """A proof was wrong."""

    user: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerChallenge:
    """The SCRAM proof for a target: many hash rounds, so a worker does it; answered with the message."""

    exchange: Any
    challenge: bytes


DialogueStep = (
    ReadBytes
    | ReadFirstPacket
    | ReadMessage
    | Write
    | WriteToTarget
    | SeesTLS
    | StartTLS
    | ReadChannel
    | LookUpVerifiers
    | TakeToken
    | CheckPassword
    | CountFailure
    | AnswerChallenge
)
