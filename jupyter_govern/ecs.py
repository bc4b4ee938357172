"""An operation as an event of the Elastic Common Schema (ECS 8). Values in, values out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ECS_VERSION = "8.11.0"
_DELETES, _CHANGES = {"delete", "truncate", "drop"}, {"insert", "update", "merge", "create", "alter"}


def ecs(operation: Mapping[str, Any]) -> dict[str, Any]:
    """`event.outcome` is failure for what was refused or failed, unknown for what has not ended."""
    approval, cell = operation.get("approval") or {}, operation.get("cell") or {}
    refused = operation["outcome"] == "blocked" or approval.get("state") in {"denied", "expired", "withdrawn"}
    failed = refused or bool(operation.get("error"))
    kinds = set(operation.get("kinds") or [])
    types = ["denied" if refused else "allowed"]
    types += ["deletion"] if kinds & _DELETES else ["change"] if kinds & _CHANGES else ["access"]
    rules = [rule["name"] for rule in operation.get("rules") or []]
    event: dict[str, Any] = {
        "@timestamp": operation["at"],
        "ecs": {"version": ECS_VERSION},
        "event": {
            "kind": "event",
            "category": ["database"],
            "type": types,
            "action": " ".join(sorted(kinds)) or "statement",
            "outcome": "failure" if failed else "success" if operation.get("tag") is not None else "unknown",
            "id": operation["operation"],
            "sequence": operation["seq"],
            "provider": "jupyter-govern",
            "module": "jupyter_govern",
        },
        "user": {"name": operation["actor"]},
        "service": {"name": operation["target"], "type": "postgresql"},
        "message": operation["statement"],
        "labels": {"session": operation["session"], "decision": operation["effect"], "policy": operation.get("policy") or ""},
        "jupyter_govern": {
            "accesses": operation.get("accesses") or [],
            "rows": operation.get("rows"),
            "bytes": operation.get("bytes"),
            "approval": approval or None,
            "notebook": operation.get("notebook") or None,
            "cell_id": cell.get("cell_id"),
            "statement_cut": operation.get("statement_cut", False),
        },
    }
    if operation.get("ms") is not None:
        event["event"]["duration"] = round(operation["ms"] * 1e6)
    if rules:
        event["rule"] = {"name": rules[0], "description": operation["rules"][0].get("because", "")}
    if failed:
        event["error"] = {"message": operation.get("error") or operation.get("reason") or ""}
    return event
