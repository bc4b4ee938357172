"""`kill -9` of a real gateway while statements run: what the target executed is on record, and the record is mended at the next start.

The tests tell one story of one gateway, in order.
"""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator

import psycopg
import pytest
from kernel_rig import wait_until

from jupyter_govern.demo.stack import Stack
from jupyter_govern.recording import read_entries, verify
from tests.crash.load import SETTINGS, backends, closing, executed, permitted, recordings, started

ENOUGH = 150
"""Statements on record before the gateway is killed."""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("crash") / "demo", lab=False, settings=SETTINGS) as running:
        yield running


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_nothing_ran_that_is_not_on_record(stack: Stack, turn: int) -> None:
    before, closed_before = len(permitted(recordings(stack))), set(recordings(stack))
    threads = started(stack, f"turn{turn}")
    wait_until(lambda: len(permitted(recordings(stack))) > before + ENOUGH * turn, 30)
    assert stack.gateway is not None
    stack.gateway.kill()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive()
    wait_until(lambda: backends(stack) == 0, 30)  # the server ends what it was still at

    ran, recorded = Counter(executed(stack)), Counter(permitted(recordings(stack)))
    assert not ran - recorded, f"executed and not recorded: {list((ran - recorded).elements())[:5]}"
    marks = {mark for text in ran for mark in re.findall(rf"turn{turn}-(\w+?)-\d", text)}
    assert marks == {"simple", "several", "extended", "pipelined", "copying", "slow", "writing", "asyncpg"}

    with psycopg.connect(stack.postgres.conninfo("shop")) as direct:
        notes = direct.execute("select note from order_drafts where note like 'turn%'").fetchall()
    assert notes and all(any(f"'{note}'" in text for text in recorded) for (note,) in notes[-50:])

    left = [path for path in recordings(stack) if path not in closed_before]
    assert len(left) == len(threads)
    assert not any(closing(path)[0] == "session-close" for path in left)
    stack.start_gateway()
    assert [closing(path) for path in left] == [("session-close", "interrupted")] * len(left)
    verdicts = [verify(path) for path in recordings(stack)]
    assert all(verdict.ok and verdict.complete for verdict in verdicts), verdicts
    noted = {entry["session"] for entry in read_entries(recordings(stack)[0].parents[3] / "gateway.jsonl") if entry["type"] == "note"}
    assert {path.stem for path in left} <= noted


def test_what_was_interrupted_is_told_by_the_api_and_the_cli(stack: Stack) -> None:
    ben = stack.login("ben")
    sessions = ben.sessions(limit=500)
    assert {session["id"] for session in sessions} == {path.stem for path in recordings(stack)}
    assert all(session["closed_at"] for session in sessions)
    for session in sessions[:5]:
        assert ben.verify(session["id"])["ok"]
    command = [sys.executable, "-m", "jupyter_govern.cli", "sessions", "verify", "--file", str(recordings(stack)[0])]
    told = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, env=stack.environment())
    assert told.returncode == 0, told.stderr
    assert "whole" in told.stdout and "complete" in told.stdout


def test_what_the_api_tells_of_a_session_has_its_last_statement(stack: Stack) -> None:
    """The index is rebuilt from the files: what ran last before the kill is there, with an end where the file has one."""
    ben = stack.login("ben")
    slow_ones = [path for path in recordings(stack) if any("-slow-" in str(entry.get("statement")) for entry in read_entries(path))]
    last_ends = []
    for path in slow_ones:
        entries = list(read_entries(path))
        statements = [entry["statement"] for entry in entries if entry["type"] == "operation"]
        ends = [entry["ms"] for entry in entries if entry["type"] == "end"]
        told = ben.session(path.stem)
        assert [operation["statement"] for operation in told["operations"]] == statements
        assert told["session"]["operations"] == len(statements)
        assert [operation["ms"] for operation in told["operations"]] == ends + [None] * (len(statements) - len(ends))
        last_ends.append(told["operations"][-1]["ms"])
    assert None in last_ends, "each kill falls into a statement of 0.4 s, but for one in a hundred"


def test_a_torn_last_line_is_cut_and_said(stack: Stack) -> None:
    """As after a power cut in the middle of a write."""
    with psycopg.connect(stack.conninfo("ana"), autocommit=True) as connection:
        connection.execute("select 'before the cut'")
        (path,) = (each for each in recordings(stack) if closing(each)[0] != "session-close")
        assert stack.gateway is not None
        stack.gateway.kill()
    with path.open("ab") as file:
        file.write(b'{"at":"2026-')
    assert not verify(path).ok
    stack.start_gateway()
    assert verify(path).ok
    assert [entry["about"] for entry in read_entries(path) if entry["type"] == "note"][-1] == "torn tail cut"
    assert closing(path) == ("session-close", "interrupted")


def test_a_statement_that_waits_for_approval_does_not_run(stack: Stack) -> None:
    ben = stack.login("ben")
    results: list[object] = []

    def ask() -> None:
        try:
            with psycopg.connect(stack.conninfo("ana"), autocommit=True) as connection:
                results.append(connection.execute("delete from order_drafts"))
        except psycopg.Error as problem:
            results.append(problem)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    wait_until(ben.approvals, 30)
    asked = ben.approvals()[0]
    assert stack.gateway is not None
    stack.gateway.kill()
    thread.join(30)
    assert isinstance(results[0], psycopg.OperationalError)
    assert not any("delete from order_drafts" in text for text in executed(stack))
    stack.start_gateway()
    ben = stack.login("ben")
    assert ben.approvals() == []
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    wait_until(ben.approvals, 30)
    assert ben.approvals()[0]["number"] > asked["number"]  # an old link never decides a new question
    ben.decide(ben.approvals()[0]["number"], "deny", digest=ben.approvals()[0]["digest"], reason="test")
    asking.join(30)
    assert not any("delete from order_drafts" in text for text in executed(stack))


def test_it_goes_on_as_if_nothing_had_been(stack: Stack) -> None:
    with psycopg.connect(stack.conninfo("ana"), autocommit=True) as connection:
        assert connection.execute("select count(*) from customers").fetchone() == (600,)
    wait_until(lambda: all(verify(path).complete for path in recordings(stack)), 30)
    assert all(verify(path).ok for path in recordings(stack))
