"""A recording's entries as the newest operations of a session, each with its decision, approval, result and end. Pure.

Reads entry by entry and keeps no more than it was asked for: a session may be longer than memory.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from jupyter_govern_gateway.api.views import statement_cut

Entry = dict[str, Any]
NOTED = frozenset({"wire-check", "note"})
FRAME = frozenset({"v", "seq", "type", "prev", "hash"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The newest `operations` and `notes` in the order in which they came; `asked` counts all operations."""

    operations: list[Entry]
    notes: list[Entry]
    asked: int


def timeline(entries: Iterable[Entry], keep: int) -> Timeline:
    """Put together what belongs together."""
    found: OrderedDict[str, Entry] = OrderedDict()
    notes: deque[Entry] = deque(maxlen=keep)
    asked = 0
    for entry in entries:
        kind, identifier = entry.get("type"), str(entry.get("operation", ""))
        if kind == "operation":
            asked += 1
            found[identifier] = _asked(entry)
            if len(found) > keep:
                found.popitem(last=False)
        elif kind in NOTED:
            notes.append(_note(entry))
        elif identifier in found:
            _add(found[identifier], kind, entry)
    return Timeline(operations=list(found.values()), notes=list(notes), asked=asked)


def _note(entry: Entry) -> Entry:
    """What is no operation: wire checks, torn tails, the connection's own decision."""
    return {key: value for key, value in entry.items() if key not in FRAME} | {"kind": entry["type"]}


def _asked(entry: Entry) -> Entry:
    decision, facts = entry.get("decision") or {}, entry.get("facts") or {}
    return {
        "id": entry["operation"],
        **statement_cut(str(entry.get("statement", ""))),
        "sent": statement_cut(str(entry.get("sent", "")))["statement"],
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
