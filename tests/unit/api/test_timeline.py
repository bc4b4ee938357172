"""A recording's entries told as operations."""

from __future__ import annotations

from typing import Any

from jupyter_govern_gateway.api.timeline import timeline


def test_an_operation_with_everything() -> None:
    decision = {"effect": "approve", "reason": "r", "rules": [{"name": "n", "because": "b"}], "policy": "v", "limits": []}
    entries: list[dict[str, Any]] = [
        {"type": "session-open"},
        {
            "type": "operation",
            "operation": "o1",
            "at": "t1",
            "statement": "s",
            "outcome": "pending",
            "decision": decision,
            "facts": {"kinds": ["delete"]},
        },
        {"type": "approval", "operation": "o1", "number": 4, "state": "pending", "approvers": "dba"},
        {"type": "approval", "operation": "o1", "number": 4, "state": "approved", "by": "ben", "reason": "fine"},
        {"type": "result", "operation": "o1", "columns": [{"name": "a"}], "rows": [["1"]], "truncated": True},
        {"type": "end", "operation": "o1", "tag": "DELETE 1", "rows": 1, "bytes": 3, "error": None, "ms": 2.5},
        {"type": "end", "operation": "unknown", "tag": "X"},
    ]
    (told,) = timeline(entries, 10).operations
    assert told["approval"] == {"number": 4, "state": "approved", "by": "ben", "reason": "fine", "approvers": "dba"}
    assert told["sample"] == [["1"]] and told["truncated"] is True
    assert (told["tag"], told["rows"], told["ms"]) == ("DELETE 1", 1, 2.5)
    assert told["decision"]["effect"] == "approve" and told["kinds"] == ["delete"]


def test_one_that_never_ended_says_so_by_its_gaps() -> None:
    (told,) = timeline([{"type": "operation", "operation": "o1", "statement": "s", "outcome": "permitted"}], 10).operations
    assert told["tag"] is None and told["ms"] is None and told["error"] is None and told["approval"] is None


def test_notes_are_what_is_no_operation() -> None:
    entries: list[dict[str, Any]] = [
        {"type": "note", "about": "torn tail cut", "bytes": 9, "hash": "h", "prev": "p", "seq": 3, "v": 1},
        {"type": "operation", "operation": "o"},
    ]
    assert timeline(entries, 10).notes == [{"kind": "note", "about": "torn tail cut", "bytes": 9}]


def test_only_the_newest_are_kept() -> None:
    asked: list[dict[str, Any]] = [{"type": "operation", "operation": f"o{n}", "statement": "x" * 20_000} for n in range(50)]
    more: list[dict[str, Any]] = [{"type": "end", "operation": "o3", "tag": "LATE"}, *({"type": "note", "about": n} for n in range(9))]
    told = timeline(asked + more, 5)
    assert [each["id"] for each in told.operations] == ["o45", "o46", "o47", "o48", "o49"]
    assert [each["about"] for each in told.notes] == [4, 5, 6, 7, 8]
    assert told.asked == 50
    assert all(len(each["statement"]) == 16_384 and each["statement_cut"] for each in told.operations)
