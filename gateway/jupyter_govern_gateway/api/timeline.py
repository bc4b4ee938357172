"""A recording's entries as the operations of a session, each with its decision, approval, result and end. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Entry = dict[str, Any]
NOTED = frozenset({"wire-check", "note"})
FRAME = frozenset({"v", "seq", "type", "prev", "hash"})


def operations(entries: Iterable[Entry]) -> list[Entry]:
    """In the order in which they were asked."""
    found: dict[str, Entry] = {}
    for entry in entries:
        kind, identifier = entry.get("type"), str(entry.get("operation", ""))
        if kind == "operation":
            found[identifier] = _asked(entry)
        elif identifier in found:
            _add(found[identifier], kind, entry)
    return list(found.values())


def notes(entries: Iterable[Entry]) -> list[Entry]:
    """What is no operation: wire checks, torn tails, the connection's own decision."""
    return [
        {key: value for key, value in entry.items() if key not in FRAME} | {"kind": entry["type"]}
        for entry in entries
        if entry.get("type") in NOTED
    ]


def _asked(entry: Entry) -> Entry:
    decision, facts = entry.get("decision") or {}, entry.get("facts") or {}
    return {
        "id": entry["operation"],
        "statement": entry.get("statement", ""),
        "sent": entry.get("sent", ""),
        "parameters": entry.get("parameters", []),
        "kinds": facts.get("kinds", []),
        "accesses": facts.get("accesses", []),
        "decision": {key: decision.get(key) for key in ("effect", "rules", "reason", "limits", "policy")},
        "outcome": entry.get("outcome", ""),
        "cell": entry.get("cell"),
        "started_at": entry.get("at", ""),
        "ms": None,
        "tag": None,
        "rows": None,
        "bytes": None,
        "error": None,
        "approval": None,
        "columns": [],
        "sample": [],
        "truncated": False,
    }


def _add(operation: Entry, kind: object, entry: Entry) -> None:
    match kind:
        case "approval":
            told = {key: entry[key] for key in ("number", "state", "by", "reason", "approvers") if key in entry}
            operation["approval"] = {**(operation["approval"] or {}), **told}
        case "result":
            operation["columns"], operation["sample"] = entry.get("columns", []), entry.get("rows", [])
            operation["truncated"] = bool(entry.get("truncated"))
        case "end":
            operation.update({key: entry.get(key) for key in ("ms", "tag", "rows", "bytes", "error")})
