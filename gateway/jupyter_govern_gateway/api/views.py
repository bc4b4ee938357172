"""Approvals and sessions as the API shows them: values in, JSON-ready dictionaries out. Knows no HTTP and decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyter_govern.model import Actor, Operation
from jupyter_govern_gateway.api.bounds import MAX_LISTED_STATEMENT, MAX_SHOWN_PARAMETER
from jupyter_govern_gateway.approvals import Approval
from jupyter_govern_gateway.recorder.chain import timestamp

SESSION_FIELDS = ("id", "actor", "target", "protocol", "client", "opened_at", "closed_at", "operations", "notebook")


def may_see(approval: Approval, actor: Actor) -> bool:
    """The one who asked, and those who may answer, by their groups now."""
    return approval.operation.actor.subject == actor.subject or approval.may_decide(actor)


def approval_line(approval: Approval, actor: Actor) -> dict[str, Any]:
    """An approval in a list: a long statement is cut, and says so."""
    return approval_view(approval, actor) | statement_cut(approval.operation.statement)


def statement_cut(statement: str) -> dict[str, Any]:
    """A statement for a list."""
    return {"statement": statement[:MAX_LISTED_STATEMENT], "statement_cut": len(statement) > MAX_LISTED_STATEMENT}


def approval_view(approval: Approval, actor: Actor) -> dict[str, Any]:
    """An approval with everything that an answer should rest on."""
    operation, decision = approval.operation, approval.decision
    rule = decision.rules[0] if decision.rules else None
    return {
        "number": approval.number,
        "state": approval.state,
        "actor": {"subject": operation.actor.subject, "groups": sorted(operation.actor.groups)},
        "target": operation.target,
        "protocol": operation.protocol,
        "session": operation.session,
        "statement": operation.statement,
        "parameters": parameters_view(operation),
        "rule": rule.name if rule else "",
        "because": rule.because if rule else "",
        "rules": [{"name": each.name, "because": each.because} for each in decision.rules],
        "reason_asked": decision.reason,
        "approvers": approval.approvers_text(),
        "kinds": sorted(operation.facts.kinds),
        "traits": sorted(operation.facts.traits),
        "accesses": [
            {"verb": each.verb, "resource": each.resource, "columns": None if each.columns is None else sorted(each.columns)}
            for each in operation.facts.accesses
        ],
        "cell": cell_view(operation),
        "created_at": timestamp(approval.created_at),
        "expires_at": timestamp(approval.expires_at),
        "url": approval.url,
        "digest": approval.digest,
        "may_decide": approval.state == "pending" and approval.may_decide(actor),
        "decided_by": approval.decided_by,
        "decided_at": timestamp(approval.decided_at) if approval.decided_at else None,
        "reason": approval.reason,
    }


def cell_view(operation: Operation) -> dict[str, Any] | None:
    """Where it came from, as the kernel says; `proof` tells that nobody checked."""
    cell = operation.cell
    if cell is None:
        return None
    return {
        "notebook": cell.notebook,
        "cell_id": cell.cell_id,
        "execution_count": cell.execution_count,
        "source_sha256": cell.source_sha256,
        "kernel_id": cell.kernel_id,
        "proof": "reported",
    }


def parameters_view(operation: Operation) -> list[str | None]:
    """Bound values to look at: text as it is, binary in PostgreSQL's hex form, each cut where it is too long to show."""
    return [
        None if value is None else _shown(value, form) for value, form in zip(operation.parameters, operation.all_formats(), strict=True)
    ]


def _shown(value: bytes, form: int) -> str:
    # cut before it is decoded: a parameter may be a gigabyte
    head = value[: MAX_SHOWN_PARAMETER * 4]
    text = head.decode("utf-8", "backslashreplace") if form == 0 else "\\x" + head.hex()
    if len(text) <= MAX_SHOWN_PARAMETER and len(head) == len(value):
        return text
    return f"{text[:MAX_SHOWN_PARAMETER]}… (cut: {len(value)} bytes in all)"


def session_view(row: Mapping[str, Any]) -> dict[str, Any]:
    """A session's line in the index."""
    return {key: row[key] for key in SESSION_FIELDS}
