"""The recording of one session. Turns Operations and Decisions into entries; knows no protocol and no policy evaluation."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, Final, Protocol

from jupyter_govern.model import Actor, Cell, Decision, Facts, Operation
from jupyter_govern_gateway.recorder.chain import Chain
from jupyter_govern_gateway.recorder.encoding import Encoded, Kept, encode, text_of
from jupyter_govern_gateway.recorder.signer import Signer
from jupyter_govern_gateway.recorder.tally import Tally

PARAMETER_LIMIT = 4096
"""Bytes of one bound parameter that are recorded; the digest covers all of it."""


class IndexSink(Protocol):
    """Where the index learns of entries; must not block and must not fail."""

    def put(self, kind: str, row: dict[str, Any]) -> None: ...


def actor_fields(actor: Actor) -> dict[str, Any]:
    return {"subject": actor.subject, "groups": sorted(actor.groups)}


def cell_fields(cell: Cell) -> dict[str, Any]:
    """What the kernel reported; `reported` says that nobody proved it."""
    return {
        "notebook": cell.notebook,
        "cell_id": cell.cell_id,
        "execution_count": cell.execution_count,
        "source_sha256": cell.source_sha256,
        "kernel_id": cell.kernel_id,
        "proof": "reported",
    }


def decision_fields(decision: Decision) -> dict[str, Any]:
    return {
        "effect": decision.effect,
        "reason": decision.reason,
        "policy": decision.policy_version,
        "rules": [{"name": rule.name, "because": rule.because} for rule in decision.rules],
        "limits": [
            {"rule": limit.rule.name, "rows": limit.rows, "seconds": limit.seconds} | ({"bytes": limit.bytes} if limit.bytes else {})
            for limit in decision.limits
        ],
    }


def facts_fields(facts: Facts) -> dict[str, Any]:
    estimate = {} if facts.estimated_rows is None else {"estimated_rows": facts.estimated_rows}
    return estimate | {
        "kinds": sorted(facts.kinds),
        "traits": sorted(facts.traits),
        "unjudged": facts.unjudged or facts.unread,
        "accesses": [
            {
                "verb": access.verb,
                "resource": access.resource,
                "columns": None if access.columns is None else sorted(access.columns),
            }
            for access in facts.accesses
        ],
    }


_decisions: Final = Kept(decision_fields)
_facts: Final = Kept(facts_fields)


def parameter_field(value: bytes | None, form: int) -> Any:
    """Text as it is, binary and undecodable bytes as {"b64": ...}, cut at PARAMETER_LIMIT."""
    if value is None:
        return None
    cut = value[:PARAMETER_LIMIT]
    if form == 0:
        text = cut.decode("utf-8", "replace")
        return text if len(value) <= PARAMETER_LIMIT else {"text": text, "bytes": len(value)}
    return {"b64": base64.b64encode(cut).decode(), "bytes": len(value)}


def stream_text(data: bytes) -> Any:
    """UTF-8 as it is, other bytes as {"b64": ...}: exactly what was delivered can be had back."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return {"b64": base64.b64encode(data).decode()}


class SessionRecording:
    """One session's chain and its line in the index. Every method raises RecordingFailed if nothing could be written."""

    def __init__(self, *, session: str, chain: Chain, index: IndexSink, signer: Signer | None = None, tally: Tally | None = None) -> None:
        self.session, self.chain, self._index, self._signer = session, chain, index, signer
        self._tally = tally or Tally()
        self._operations = self._indexed = 0
        self._notebook = ""

    def open(self, *, actor: Actor, target: str, protocol: str, client: str, token: str) -> None:
        fields = {
            "session": self.session,
            "actor": actor_fields(actor),
            "target": target,
            "protocol": protocol,
            "client": client,
            "token": token,
        }
        at = self.chain.append("session-open", fields)
        row = {
            "id": self.session,
            "actor": actor.subject,
            "target": target,
            "protocol": protocol,
            "client": client,
            "opened_at": at,
            "path": str(self.chain.path),
        }
        self._index.put("session", row)

    def operation(self, op: Operation, decision: Decision, outcome: str, *, at: float | None = None) -> None:
        """Write what is asked and what was decided; `outcome`: permitted, blocked or pending. at: None means now."""
        chain = self.chain
        cell = f',"cell":{encode(cell_fields(op.cell))}' if op.cell is not None else ""
        parameters = ""
        if op.parameters:
            values = [parameter_field(v, f) for v, f in zip(op.parameters, op.all_formats(), strict=True)]
            parameters = f'"parameters":{encode(values)},'
        sent = f',"sent":{text_of(op.rewritten)}' if op.rewritten and op.rewritten != op.statement else ""
        chain.append_parts(
            "operation",
            f'{cell},"decision":{_decisions.of(decision)},"digest":"{op.digest()}","facts":{_facts.of(op.facts)}',
            f'"operation":{text_of(op.id)},"outcome":"{outcome}",{parameters}',
            sent,
            f',"statement":{text_of(op.statement)}',
            at=chain.now() if at is None else at,
            defer=False,
        )
        self._operations += 1
        if op.cell is not None:
            self._notebook = op.cell.notebook
        chain.soon()

    def approval(self, op: Operation, **fields: Any) -> None:
        self.chain.append("approval", {"operation": op.id, **fields})

    def result(self, op: Operation, *, columns: Encoded, rows: Sequence[Any], truncated: bool, at: float | None = None) -> None:
        """A sample of the rows as they were delivered."""
        chain = self.chain
        chain.append_parts(
            "result",
            f',"columns":{columns}',
            f'"operation":{text_of(op.id)},',
            f',"rows":{encode(rows)}',
            ',"truncated":true' if truncated else ',"truncated":false',
            at=chain.now() if at is None else at,
            defer=True,
        )

    def output(self, op: Operation, stream: str, data: bytes, *, ms: float) -> None:
        """What a client was given of a stream, `ms` after the operation was permitted."""
        self.chain.append("output", {"operation": op.id, "stream": stream, "ms": ms, "data": stream_text(data)}, defer=True)

    def end(
        self, op: Operation, *, tag: str | None, rows: int, bytes: int, error: str | None, ms: float, at: float | None = None
    ) -> None:
        """How it ended."""
        chain = self.chain
        chain.append_parts(
            "end",
            f',"bytes":{bytes},"error":{"null" if error is None else text_of(error)}',
            f'"ms":{ms!r},"operation":{text_of(op.id)},',
            f',"rows":{rows}',
            f',"tag":{"null" if tag is None else text_of(tag)}',
            at=chain.now() if at is None else at,
            defer=True,
        )

    def note(self, kind: str, detail: dict[str, Any]) -> None:
        """Something that is no operation: `wire-check`, or a `note` about the client, the target, the session."""
        self.chain.append(kind if kind == "wire-check" else "note", {"about": kind, **detail})

    def progress(self) -> None:
        """Tell the index how many operations there are by now."""
        new = self._operations - self._indexed
        if new:
            self._indexed = self._operations
            self._tally.operations += new
            self._index.put("progress", {"id": self.session, "operations": self._operations, "notebook": self._notebook})

    def close(self, reason: str) -> None:
        self.progress()
        at = self.chain.append("session-close", {"reason": reason, "operations": self._operations})
        if self._signer is not None:
            self.chain.append("signature", self._signer.fields(self.session, self.chain.seq, self.chain.head))
        self._index.put("close", {"id": self.session, "closed_at": at, "reason": reason, "head": self.chain.head})
        self.chain.close()
