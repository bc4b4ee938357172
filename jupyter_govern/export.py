"""Operations as other programs take them: JSON lines, CSV, OCSF, ECS (ecs.py). Values in, text out; knows no HTTP and no files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from jupyter_govern.ecs import ecs

Json = dict[str, Any]
FORMATS = ("jsonl", "csv", "ocsf", "ecs")
COLUMNS = (
    "at", "actor", "target", "session", "operation", "effect", "outcome", "rules", "reason", "kinds", "touched", "tag", "rows", "bytes",
    "ms", "error", "approval", "notebook", "cell", "statement",
)  # fmt: skip

# OCSF 1.3, class 6005: what an activity is called
_ACTIVITIES = {0: "Unknown", 1: "Read", 2: "Update", 4: "Query", 5: "Write", 6: "Create", 7: "Delete", 99: "Other"}
_KINDS = {
    "select": 4, "values": 4, "table": 4, "explain": 4, "show": 4, "copy": 1, "fetch": 1, "insert": 5, "update": 2, "merge": 2,
    "delete": 7, "truncate": 7, "drop": 7,
}  # fmt: skip
_STRONGEST = (7, 6, 2, 5, 1, 4)
"""A statement of several kinds is named by the one that changes most."""


def heading(form: str) -> str:
    """What stands before the first record."""
    return _csv(COLUMNS) if form == "csv" else ""


def line(form: str, operation: Mapping[str, Any]) -> str:
    """One record with its line break."""
    match form:
        case "csv":
            return _csv(_row(operation))
        case "ecs":
            return json.dumps(ecs(operation), ensure_ascii=True) + "\n"
        case "ocsf":
            return json.dumps(ocsf(operation), ensure_ascii=True) + "\n"
        case _:
            return json.dumps(dict(operation), ensure_ascii=True) + "\n"


def ocsf(operation: Mapping[str, Any]) -> Json:
    """A Datastore Activity event (class 6005)."""
    activity = _activity(operation.get("kinds") or [])
    effect, error = operation["effect"], operation.get("error")
    refused = operation["outcome"] == "blocked" or (operation.get("approval") or {}).get("state") in {"denied", "expired", "withdrawn"}
    status = 2 if refused or error else 1 if operation.get("tag") is not None else 0
    rules = operation.get("rules") or []
    event: Json = {
        "class_uid": 6005,
        "class_name": "Datastore Activity",
        "category_uid": 6,
        "category_name": "Application Activity",
        "activity_id": activity,
        "activity_name": _ACTIVITIES[activity],
        "type_uid": 600500 + activity,
        "type_name": f"Datastore Activity: {_ACTIVITIES[activity]}",
        "type_id": 1,
        "type": "Database",
        "time": _milliseconds(operation["at"]),
        "severity_id": 2 if refused else 1,
        "severity": "Low" if refused else "Informational",
        "status_id": status,
        "status": {0: "Unknown", 1: "Success", 2: "Failure"}[status],
        "action_id": 2 if refused else 1,
        "action": "Denied" if refused else "Allowed",
        "actor": {"user": {"name": operation["actor"], "type_id": 1}, "session": {"uid": operation["session"]}},
        "src_endpoint": {"uid": operation["session"]},
        "database": {"name": operation["target"], "type_id": 1, "type": "Relational"},
        "query_info": {"query_string": operation["statement"], "uid": operation["operation"]},
        "metadata": {
            "version": "1.3.0",
            "uid": operation["operation"],
            "log_name": operation["session"],
            "sequence": operation["seq"],
            "profiles": ["security_control"],
            "product": {"name": "jupyter-govern", "vendor_name": "jupyter-govern contributors"},
        },
        "unmapped": {
            "effect": effect,
            "outcome": operation["outcome"],
            "accesses": operation.get("accesses") or [],
            "approval": operation.get("approval"),
            "cell": operation.get("cell"),
            "statement_cut": operation.get("statement_cut", False),
        },
    }
    if operation.get("rows") is not None:
        event["query_info"]["bytes"] = operation.get("bytes")
        event["count"] = 1
        event["unmapped"]["rows"] = operation["rows"]
    if operation.get("ms") is not None:
        event["duration"] = round(operation["ms"])
    if error or refused:
        event["status_detail"] = error or operation.get("reason") or ""
    if rules:
        event["firewall_rule"] = {"name": rules[0]["name"], "desc": rules[0]["because"]}
    return event


def _activity(kinds: list[str]) -> int:
    found = {_KINDS.get(kind, 6 if kind.startswith("create") else 99) for kind in kinds}
    return next((each for each in _STRONGEST if each in found), 99 if found else 0)


def _milliseconds(at: str) -> int:
    return round(datetime.fromisoformat(at).timestamp() * 1000)


def _row(operation: Mapping[str, Any]) -> list[Any]:
    approval, cell = operation.get("approval") or {}, operation.get("cell") or {}
    accesses = operation.get("accesses") or []
    shown = dict(operation) | {
        "rules": "; ".join(rule["name"] for rule in operation.get("rules") or []),
        "kinds": " ".join(operation.get("kinds") or []),
        "touched": "; ".join(
            f"{each['verb']} {each['resource']}({'*' if each['columns'] is None else ','.join(each['columns'])})" for each in accesses
        ),
        "approval": f"#{approval['number']} {approval.get('state')} {approval.get('by') or ''}".strip() if "number" in approval else "",
        "cell": cell.get("cell_id", ""),
    }
    return [shown.get(column) for column in COLUMNS]


def _csv(values: Any) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([_harmless(value) for value in values])
    return out.getvalue()


def _harmless(value: Any) -> Any:
    """A spreadsheet would run a text that begins like a formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"} else value
