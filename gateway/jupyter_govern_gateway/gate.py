"""The gate: decide → record → (wait for people) → Permit. The only maker of Permits; knows no protocol.

`ask_now` is the hot path and never awaits: the record is written by one `os.write` before it returns. Whatever cannot be
recorded does not happen (fail closed).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from jupyter_govern.errors import Blocked, RecordingFailed
from jupyter_govern.model import Actor, Decision, Limit, Operation
from jupyter_govern_gateway.approvals import Approval, Approvals
from jupyter_govern_gateway.identity.tokens import Token
from jupyter_govern_gateway.recorder.encoding import Kept
from jupyter_govern_gateway.recorder.recorder import Recorder
from jupyter_govern_gateway.recorder.session import SessionRecording

_GATE_ONLY: Final = object()
DEFAULT_ROWS_BUDGET: Final = 65_536
"""Bytes of delivered rows kept per operation where the configuration says nothing."""


class Column(Protocol):
    """One result column as a wire describes it: PostgreSQL's type OID, format 0 text or 1 binary."""

    @property
    def name(self) -> str: ...
    @property
    def type_oid(self) -> int: ...
    @property
    def format(self) -> int: ...


RowReader = Callable[[Sequence[Column], bytes], tuple[list[Any], bool]]
"""Reads sampled wire bytes into rows for the record; says whether the last row was cut. Given by the adapter."""


def _no_rows(columns: Sequence[Column], data: bytes) -> tuple[list[Any], bool]:
    return [], bool(data)


def _column_fields(columns: Sequence[Column]) -> list[dict[str, Any]]:
    return [{"name": column.name, "type_oid": column.type_oid, "format": column.format} for column in columns]


_columns: Final = Kept(_column_fields)


class SessionRecord:
    """A session that is on record. Where its recording failed, every later question fails too."""

    __slots__ = ("actor", "id", "protocol", "read_rows", "recording", "settling", "target", "token", "waiting")

    def __init__(
        self,
        *,
        identifier: str,
        actor: Actor,
        target: str,
        protocol: str,
        token: Token,
        recording: SessionRecording,
        read_rows: RowReader,
    ) -> None:
        self.id, self.actor, self.target, self.protocol = identifier, actor, target, protocol
        self.token, self.recording, self.read_rows = token, recording, read_rows
        self.waiting: set[Pending] = set()
        self.settling: set[Settling] = set()

    def note(self, kind: str, detail: dict[str, Any]) -> None:
        """Put something into the record that is no operation; raises RecordingFailed."""
        self.recording.note(kind, detail)


class Permit:
    """Proof that one Operation (or the session itself) was decided, recorded and, where needed, approved.

    `deliver` and `describe` take what goes to the client, `finish` writes how it ended. After `finish` a permit is spent.
    """

    __slots__ = ("_budget", "_clock", "_columns", "_sample", "_sampled", "_session", "_started", "limits", "operation", "spent")

    def __init__(
        self,
        key: object,
        *,
        session: SessionRecord,
        operation: Operation | None,
        limits: tuple[Limit, ...],
        budget: int,
        clock: Callable[[], float],
    ) -> None:
        if key is not _GATE_ONLY:
            raise PermissionError("only the gate makes a Permit")
        self._session, self.operation, self.limits = session, operation, limits
        self._budget, self._clock, self._started = budget, clock, clock()
        self._columns: Sequence[Column] = ()
        self._sample: list[bytes] = []
        self._sampled = 0
        self.spent = False

    @property
    def wants_rows(self) -> bool:
        """Whether the record still has room for delivered rows."""
        return self._sampled < self._budget

    def describe(self, columns: Sequence[Column]) -> None:
        """The columns of the result that follows."""
        self._columns = columns

    def deliver(self, part: bytes) -> bytes:
        """Rows as they go to the client, in the wire's own form (whole messages); keeps what the budget has room for."""
        if self._sampled < self._budget:
            kept = part[: self._budget - self._sampled]
            self._sample.append(bytes(kept))
            self._sampled += len(part)
        return part

    def output(self, stream: str, data: bytes, *, whole: bool = False) -> None:
        """Bytes as they went to the client, for wires without rows; kept with their time, as far as the budget goes or `whole`.

        stream: `o` standard output, `e` standard error, `r` a terminal's new size. Raises RecordingFailed.
        """
        if self.operation is None or self.spent:
            return
        if not whole:
            data = data[: max(0, self._budget - self._sampled)]
        self._sampled += len(data)
        if data:
            seconds = self._clock() - self._started
            self._session.recording.output(self.operation, stream, data, ms=round(seconds * 1000, 3))

    def finish(self, *, tag: str | None, rows: int, bytes_: int, error: str | None) -> None:
        """Write the sample and the end. Raises RecordingFailed; calling it again does nothing."""
        if self.spent or self.operation is None:
            return
        self.spent = True
        recording, now = self._session.recording, self._clock()
        if self._columns or self._sample:
            sampled, cut = self._session.read_rows(self._columns, b"".join(self._sample))
            truncated = cut or self._sampled > self._budget
            recording.result(self.operation, columns=_columns.of(tuple(self._columns)), rows=sampled, truncated=truncated, at=now)
        ms = round((now - self._started) * 1000, 3)
        recording.end(self.operation, tag=tag, rows=rows, bytes=bytes_, error=error, ms=ms, at=now)


@dataclass(eq=False, slots=True, kw_only=True)
class Pending:
    """An Operation that waits for people. `future` gives the Permit or raises Declined, Expired, Withdrawn."""

    number: int
    url: str
    approvers: str
    expires_at: float
    rule: str
    because: str
    future: asyncio.Future[Permit]
    approval: Approval
    _approvals: Approvals

    def withdraw(self, reason: str) -> None:
        """The person who asked cancelled or went away."""
        self._approvals.withdraw(self.number, reason)


@dataclass(eq=False, slots=True, kw_only=True)
class Settling:
    """A permitted Operation whose record is on its way to the disk. `future` gives the Permit or raises RecordingFailed."""

    future: asyncio.Future[Permit]
    permit: Permit


Answer = Permit | Pending | Settling


class Gate:
    """decision_url: where people decide approval number N, as a format string with {number}."""

    def __init__(
        self, *, recorder: Recorder, approvals: Approvals, clock: Callable[[], float], rows_budget: int = DEFAULT_ROWS_BUDGET
    ) -> None:
        self._recorder, self._approvals, self._clock = recorder, approvals, clock
        self._budget = rows_budget
        self.sessions_open = self.blocked = self.asked = 0
        self._granted: Callable[[Operation, Decision, SessionRecord], Permit | Settling] = (
            self._settling if recorder.durable else self._permit
        )

    def open_session(
        self,
        *,
        identifier: str,
        actor: Actor,
        target: str,
        protocol: str,
        client: str,
        token: Token,
        read_rows: RowReader = _no_rows,
    ) -> SessionRecord:
        """Write session-open. Raises RecordingFailed: no record, no session."""
        recording = self._recorder.open(identifier)
        recording.open(actor=actor, target=target, protocol=protocol, client=client, token=token.id)
        self._recorder.log.write("session", event="open", session=identifier, subject=actor.subject, target=target)
        self.sessions_open += 1
        return SessionRecord(
            identifier=identifier,
            actor=actor,
            target=target,
            protocol=protocol,
            token=token,
            recording=recording,
            read_rows=read_rows,
        )

    def permit_connection(self, session: SessionRecord, decision: Decision) -> Permit:
        """The session's own Permit, for control messages; raises Blocked where policy does not let this actor connect."""
        session.note(
            "connect", {"effect": decision.effect, "rules": [rule.name for rule in decision.rules], "reason": decision.reason}
        )
        if decision.effect != "allow":
            raise Blocked(decision.reason, rules=decision.rules, hint=decision.hint)
        return Permit(_GATE_ONLY, session=session, operation=None, limits=(), budget=0, clock=self._clock)

    def close_session(self, session: SessionRecord, reason: str) -> None:
        """Withdraw what waits, write session-close and the head into the gateway log. Never raises: the session is over."""
        self.sessions_open -= 1
        for pending in tuple(session.waiting):
            pending.withdraw(reason)
        for settling in tuple(session.settling):
            settling.future.cancel()
        try:
            for settling in tuple(session.settling):
                settling.permit.finish(tag=None, rows=0, bytes_=0, error="not run: the session ended")
            session.recording.close(reason)
            self._recorder.log.write(
                "session", event="close", session=session.id, reason=reason, head=session.recording.chain.head
            )
        except RecordingFailed:
            session.recording.chain.close()

    def ask_now(self, op: Operation, decision: Decision, session: SessionRecord) -> Answer:
        """Record the operation and its decision, then let it pass (durable: once the disk has it), refuse it (Blocked), or ask people."""
        if op.session != session.id or op.actor != session.actor:
            raise PermissionError("an operation belongs to the session and the actor that asked it")
        match decision.effect:
            case "allow":
                session.recording.operation(op, decision, "permitted")
                return self._granted(op, decision, session)
            case "approve":
                session.recording.operation(op, decision, "pending")
                self.asked += 1
                return self._put_to_people(op, decision, session)
            case _:  # whatever is not an allow is a refusal
                session.recording.operation(op, decision, "blocked")
                self.blocked += 1
                raise Blocked(decision.reason, rules=decision.rules, hint=decision.hint)

    async def ask(self, op: Operation, decision: Decision, session: SessionRecord) -> Permit:
        """`ask_now`, and the wait where people must answer."""
        answer = self.ask_now(op, decision, session)
        return answer if isinstance(answer, Permit) else await answer.future

    def _permit(self, op: Operation, decision: Decision, session: SessionRecord) -> Permit:
        return Permit(_GATE_ONLY, session=session, operation=op, limits=decision.limits, budget=self._budget, clock=self._clock)

    def _settling(self, op: Operation, decision: Decision, session: SessionRecord) -> Settling:
        """The Permit as soon as the disk has the record: one pass of the flusher for all sessions that wait."""
        future: asyncio.Future[Permit] = asyncio.get_running_loop().create_future()
        future.add_done_callback(_retrieved)
        settling = Settling(future=future, permit=self._permit(op, decision, session))
        session.settling.add(settling)

        def done(problem: RecordingFailed | None) -> None:
            session.settling.discard(settling)
            if future.done():
                return
            if problem is not None:
                future.set_exception(problem)
            else:
                future.set_result(settling.permit)

        self._recorder.committed(session.recording, done)
        return settling

    def _put_to_people(self, op: Operation, decision: Decision, session: SessionRecord) -> Pending:
        future: asyncio.Future[Permit] = asyncio.get_running_loop().create_future()
        future.add_done_callback(_retrieved)

        def settled(approval: Approval, refusal: Blocked | None) -> None:
            session.waiting.discard(pending)
            if future.done():
                return
            try:
                session.recording.approval(op, **approval.outcome_fields())
            except RecordingFailed as failed:  # an approval that is not on record permits nothing
                future.set_exception(failed)
                return
            if refusal is not None:
                session.recording.end(op, tag=None, rows=0, bytes=0, error=refusal.reason, ms=0.0)
                future.set_exception(refusal)
                return
            granted = self._granted(op, decision, session)
            if isinstance(granted, Permit):
                future.set_result(granted)
            else:
                granted.future.add_done_callback(lambda settled: _pass_on(settled, future))

        approval = self._approvals.open(op, decision, settled)
        session.recording.approval(op, number=approval.number, state="pending", approvers=approval.approvers_text())
        rule = decision.rules[0] if decision.rules else None
        pending = Pending(
            number=approval.number,
            url=approval.url,
            approvers=approval.approvers_text(),
            expires_at=approval.expires_at,
            rule=rule.name if rule else "",
            because=rule.because if rule else "",
            future=future,
            approval=approval,
            _approvals=self._approvals,
        )
        session.waiting.add(pending)
        return pending


def _pass_on(settled: asyncio.Future[Permit], future: asyncio.Future[Permit]) -> None:
    if future.done():
        return
    if settled.cancelled():
        future.cancel()
    elif (problem := settled.exception()) is not None:
        future.set_exception(problem)
    else:
        future.set_result(settled.result())


def _retrieved(future: asyncio.Future[Permit]) -> None:
    if not future.cancelled():
        future.exception()
