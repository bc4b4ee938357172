"""Approvals: questions to humans, each bound to the digest of exactly one Operation. Knows no protocol and no web.

Two people means two people: the one who asked never decides; whoever decides must be an approver of that rule at that moment,
with a login of their own (a person's or a browser's, never a kernel's or a notebook server's).
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from jupyter_govern.errors import Blocked, Declined, Expired, GovernError, RecordingFailed, Withdrawn
from jupyter_govern.model import Actor, Decision, Operation, TokenKind
from jupyter_govern_gateway.recorder.chain import timestamp
from jupyter_govern_gateway.recorder.log import GatewayLog

State = Literal["pending", "approved", "denied", "expired", "withdrawn"]
DECIDING_KINDS: frozenset[TokenKind] = frozenset({"person", "browser"})
KEPT_DECIDED = 500
"""Decided approvals that stay in the list; the recordings keep all of them."""
MAX_PENDING = 1_000
MAX_PENDING_PER_ACTOR = 20
MAX_REASON = 1_000


class DecisionRefused(GovernError):
    """This person may not decide this approval, or not any more. `code` is for programs."""

    def __init__(self, code: str, message: str) -> None:
        self.code, self.message = code, message
        super().__init__(message)


Settled = Callable[["Approval", Blocked | None], None]


@dataclass(eq=False, slots=True, kw_only=True)
class Approval:
    number: int
    operation: Operation
    decision: Decision
    digest: str
    url: str
    created_at: float
    expires_at: float
    state: State = "pending"
    decided_by: str = ""
    decided_at: float = 0.0
    reason: str = ""
    settled: Settled | None = field(default=None, repr=False)
    timer: asyncio.TimerHandle | None = field(default=None, repr=False)

    def approvers_text(self) -> str:
        """Who may answer, for a message."""
        return " or ".join([*sorted(self.decision.approver_groups), *sorted(self.decision.approver_users)]) or "nobody"

    def may_decide(self, actor: Actor) -> bool:
        """Whether this actor is an approver of it, by live groups; the one who asked never is."""
        if actor.subject == self.operation.actor.subject:
            return False
        return bool(actor.groups & self.decision.approver_groups) or actor.subject in self.decision.approver_users

    def outcome_fields(self) -> dict[str, Any]:
        return {"number": self.number, "state": self.state, "by": self.decided_by, "reason": self.reason, "digest": self.digest}


class Approvals:
    """Numbers go on across restarts; what was pending when a gateway ended is over with its session."""

    def __init__(self, *, log: GatewayLog, clock: Callable[[], float], number_file: Path, url: Callable[[int], str]) -> None:
        self._log, self._clock, self._url, self._number_file = log, clock, url, number_file
        self._all: dict[int, Approval] = {}
        self._listeners: set[Callable[[Approval], None]] = set()
        self._last = int(number_file.read_text()) if number_file.exists() else 0

    def open(self, op: Operation, decision: Decision, settled: Settled) -> Approval:
        """Put a question. Raises Blocked where too many wait already, RecordingFailed where it cannot be written down."""
        waiting = [a for a in self._all.values() if a.state == "pending"]
        mine = sum(a.operation.actor.subject == op.actor.subject for a in waiting)
        if len(waiting) >= MAX_PENDING or mine >= MAX_PENDING_PER_ACTOR:
            raise Blocked(
                "too many statements wait for approval already",
                rules=decision.rules,
                hint="wait for an answer, or cancel some of them",
            )
        number = self._last + 1
        now = self._clock()
        approval = Approval(
            number=number,
            operation=op,
            decision=decision,
            digest=op.digest(),
            url=self._url(number),
            created_at=now,
            expires_at=now + decision.approval_seconds,
            settled=settled,
        )
        self._write(approval)
        self._last = number
        self._number_file.write_text(str(number))
        approval.timer = asyncio.get_running_loop().call_later(decision.approval_seconds, self._expire, number)
        self._all[number] = approval
        self._forget_old()
        self._tell(approval)
        return approval

    def get(self, number: int) -> Approval | None:
        return self._all.get(number)

    def list(self, *, pending_only: bool = False) -> list[Approval]:
        """The newest first."""
        return [a for a in reversed(self._all.values()) if a.state == "pending" or not pending_only]

    def subscribe(self, listener: Callable[[Approval], None]) -> Callable[[], None]:
        """Call `listener` after every change; returns how to stop that."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def decide(
        self, number: int, actor: Actor, token_kind: TokenKind, decision: Literal["approve", "deny"], *, reason: str, digest: str
    ) -> Approval:
        """Answer it. Raises DecisionRefused with a code: not-found, wrong-login, self-approval, not-an-approver, decided, changed."""
        approval = self._all.get(number)
        if approval is None:
            raise DecisionRefused("not-found", f"there is no approval #{number}")
        self._check(approval, actor, token_kind, digest)
        approval.decided_by, approval.decided_at, approval.reason = actor.subject, self._clock(), reason[:MAX_REASON]
        if decision == "approve":
            self._settle(approval, "approved", None)
        else:
            why = f": {approval.reason}" if approval.reason else ""
            self._settle(
                approval, "denied", Declined(f"{actor.subject} denied approval #{number}{why}", rules=approval.decision.rules)
            )
        return approval

    def withdraw(self, number: int, reason: str) -> None:
        approval = self._all.get(number)
        if approval is not None and approval.state == "pending":
            approval.reason = reason[:MAX_REASON]
            self._settle(
                approval, "withdrawn", Withdrawn(f"approval #{number} was withdrawn: {reason}", rules=approval.decision.rules)
            )

    def _check(self, approval: Approval, actor: Actor, token_kind: TokenKind, digest: str) -> None:
        refusal: tuple[str, str] | None = None
        if token_kind not in DECIDING_KINDS:
            refusal = (
                "wrong-login",
                f"a {token_kind} login cannot decide: use the gateway's page, or `jupyter govern approvals` after `jupyter govern login`",
            )
        elif actor.subject == approval.operation.actor.subject:
            refusal = ("self-approval", "nobody decides on their own request")
        elif not approval.may_decide(actor):
            refusal = ("not-an-approver", f"this needs {approval.approvers_text()}")
        elif approval.state != "pending":
            refusal = ("decided", f"approval #{approval.number} is {approval.state} already")
        elif not hmac.compare_digest(digest.encode(), approval.digest.encode()):
            refusal = ("changed", "the digest does not fit this operation: look at it again")
        if refusal is not None:
            self._log.write(
                "approval", number=approval.number, event="refused", code=refusal[0], by=actor.subject, login=token_kind
            )
            raise DecisionRefused(*refusal)

    def _expire(self, number: int) -> None:
        approval = self._all[number]
        if approval.state == "pending":
            seconds = round(approval.decision.approval_seconds)
            self._settle(
                approval,
                "expired",
                Expired(
                    f"nobody answered approval #{number} within {seconds} seconds",
                    rules=approval.decision.rules,
                    hint="run the statement again to ask again",
                ),
            )

    def _settle(self, approval: Approval, state: State, refusal: Blocked | None) -> None:
        if approval.timer is not None:
            approval.timer.cancel()
        approval.state = state
        settled, approval.settled = approval.settled, None
        try:
            self._write(approval)
        except RecordingFailed as failed:  # an answer that cannot be written down permits nothing
            approval.state, refusal = "withdrawn", Withdrawn(f"approval #{approval.number} could not be recorded: {failed}")
        if settled is not None:
            settled(approval, refusal)
        self._tell(approval)

    def _write(self, approval: Approval) -> None:
        op = approval.operation
        self._log.write(
            "approval",
            event=approval.state,
            number=approval.number,
            session=op.session,
            operation=op.id,
            actor=op.actor.subject,
            target=op.target,
            digest=approval.digest,
            by=approval.decided_by,
            reason=approval.reason,
            expires_at=timestamp(approval.expires_at),
            rules=[rule.name for rule in approval.decision.rules],
        )

    def _tell(self, approval: Approval) -> None:
        for listener in tuple(self._listeners):
            listener(approval)

    def _forget_old(self) -> None:
        decided = [number for number, a in self._all.items() if a.state != "pending"]
        for number in decided[: max(0, len(decided) - KEPT_DECIDED)]:
            del self._all[number]
