"""sessions list with filters, export, replay."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from api.world import World, allowed

from jupyter_govern.export import line, ocsf
from jupyter_govern.model import Decision, RuleRef
from jupyter_govern.recording import read_entries
from jupyter_govern.replay import replay
from jupyter_govern_gateway.gate import Permit

from .conftest import Run
from .test_commands import LogIn

NEVER = Decision(effect="block", rules=(RuleRef(name="no drops", because="dear"),), reason="tables are dear")


class Column:
    name, type_oid, format = "email", 25, 0


def filled(world: World) -> str:
    session = world.session("ana")
    session.read_rows = lambda columns, data: ([["x@y\x1b[2J"]], False)
    permit = world.put(session, "select email\nfrom customers", allowed())
    assert isinstance(permit, Permit)
    permit.describe([Column()])
    permit.deliver(b"row")
    permit.finish(tag="SELECT 1", rows=1, bytes_=3, error=None)
    with pytest.raises(Exception, match="dear"):
        world.put(session, "=drop table orders", NEVER)
    world.gate.close_session(session, "done")
    return session.id


async def test_search(world: World, run: Run, log_in: LogIn) -> None:
    await log_in("ana")
    filled(world)
    listed = await run("sessions", "list", "--since", "1d", "--user", "ana", "--target", "shop", "--text", "email")
    assert listed.code == 0 and "select email" in listed.out and "drop table" not in listed.out, listed.err
    blocked = await run("sessions", "list", "--decision", "block", "--rule", "no drops", "--json")
    assert [each["statement"] for each in json.loads(blocked.out)] == ["=drop table orders"]
    assert "Nothing" in (await run("sessions", "list", "--touched", "nothing.here")).out
    with pytest.raises(SystemExit):
        await run("sessions", "list", "--since", "soon")
    assert (await run("sessions", "list", "--user", "ben")).code == 1
    assert "statements" in (await run("sessions", "list")).out, "without a filter: sessions"


async def test_export(world: World, run: Run, log_in: LogIn) -> None:
    await log_in("ana")
    session = filled(world)
    lines = (await run("sessions", "export", session[:2])).out.splitlines()
    assert [json.loads(each)["effect"] for each in lines] == ["block", "allow"]
    rows = list(csv.DictReader(io.StringIO((await run("sessions", "export", "--since", "1d", "--format", "csv")).out)))
    assert rows[0]["statement"] == "'=drop table orders" and rows[0]["rules"] == "no drops" and rows[1]["rows"] == "1"
    assert "read public.customers" in rows[1]["touched"] or rows[1]["touched"]
    events = [json.loads(each) for each in (await run("sessions", "export", session, "--format", "ocsf")).out.splitlines()]
    assert [event["class_uid"] for event in events] == [6005, 6005]
    assert events[0]["action"] == "Denied" and events[0]["status_id"] == 2 and events[0]["firewall_rule"]["name"] == "no drops"
    assert events[1]["status_id"] == 1 and events[1]["type_uid"] == 600500 + events[1]["activity_id"]
    assert (await run("sessions", "export")).code == 1
    said = [entry for entry in read_entries(world.recorder.log.path) if entry["type"] == "watch"]
    assert [(each["event"], each["by"], each["whom"]) for each in said] == [("export", "ana", ["ana"])] * 3


async def test_replay(world: World, run: Run, log_in: LogIn) -> None:
    await log_in("kim")
    session = filled(world)
    shown = await run("sessions", "replay", session, "--speed", "100")
    assert shown.code == 0, shown.err
    assert "ana → shop" in shown.out
    for part in ("select email", "x@y<U+001B>", "SELECT 1 (1 rows)", "BLOCKED:  tables are dear ('no drops')", "closed: done"):
        assert part in shown.out, part
    assert "\x1b" not in shown.out
    said = [entry for entry in read_entries(world.recorder.log.path) if entry["type"] == "watch"]
    assert [(each["event"], each["by"], each["whom"]) for each in said] == [("replay", "kim", ["ana"])]


def test_pauses_are_divided_and_cut() -> None:
    at = "2026-11-24T08:{}Z"
    entries: list[dict[str, Any]] = [
        {"type": "session-open", "actor": {"subject": "ana"}, "target": "t", "client": "c", "at": at.format("00:00.000000")},
        {"type": "operation", "statement": "select 1", "outcome": "permitted", "at": at.format("00:03.000000")},
        {"type": "end", "tag": "SELECT 1", "rows": 1, "ms": 1.0, "at": at.format("59:00.000000")},
        {"type": "end", "tag": "x", "at": "nonsense"},
    ]
    assert [pause for pause, _ in replay(entries, speed=2, max_pause=2)] == [0.0, 1.5, 2.0, 0.0]


def operation(**more: Any) -> dict[str, Any]:
    base = {
        "session": "s", "seq": 2, "operation": "s.1", "at": "2026-11-24T08:00:00.123000Z", "actor": "ana", "target": "shop",
        "statement": "delete from t", "statement_cut": False, "outcome": "permitted", "effect": "allow", "reason": "", "policy": "",
        "rules": [], "kinds": ["delete", "select"], "accesses": [], "notebook": "", "cell": None, "approval": None, "tag": "DELETE 1",
        "rows": 1, "bytes": 0, "ms": 1.4, "error": None,
    }  # fmt: skip
    return base | more


def test_ocsf() -> None:
    event = ocsf(operation())
    assert (event["activity_name"], event["type_uid"], event["time"], event["duration"]) == ("Delete", 600507, 1795507200123, 1)
    assert ocsf(operation(kinds=["select"]))["activity_id"] == 4
    assert ocsf(operation(kinds=["create-table", "select"]))["activity_id"] == 6
    assert ocsf(operation(kinds=["vacuum"]))["activity_id"] == 99 and ocsf(operation(kinds=[]))["activity_id"] == 0
    assert ocsf(operation(error="boom"))["status"] == "Failure" and ocsf(operation(tag=None, rows=None))["status"] == "Unknown"
    denied = ocsf(operation(outcome="pending", approval={"number": 1, "state": "denied", "by": "ben"}))
    assert denied["action"] == "Denied" and denied["status_id"] == 2
    assert "\n" not in line("jsonl", operation(statement="a\nb"))[:-1]
