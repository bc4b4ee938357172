"""The gateway goes down, or restarts: what runs may end, nobody is refused at the port of one that restarts."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from kernel_rig import wait_until
from pgwire_rig import Rig

from jupyter_govern.demo.stack import Stack
from jupyter_govern.recording import verify
from tests.crash.load import recordings


class Running:
    """A statement in a thread."""

    def __init__(self, connection: psycopg.Connection[Any], statement: str) -> None:
        self.row: Any = None
        self.problem: BaseException | None = None
        self._connection, self._statement = connection, statement
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.row = self._connection.execute(self._statement).fetchone()  # type: ignore[arg-type]
        except psycopg.Error as problem:
            self.problem = problem


def test_what_runs_may_end_and_nothing_new_begins() -> None:
    with Rig() as rig:
        idle, busy = rig.connect("ben"), rig.connect("ben")
        running = Running(busy, "select 7 from pg_sleep(1.5)")
        wait_until(lambda: rig.run(lambda: any(s.is_busy for s in rig.app.postgresql._sessions)), 5)
        port, began = rig.port, time.monotonic()
        stopping = threading.Thread(target=lambda: rig.call(rig.app.postgresql.stop(10.0)), daemon=True)
        stopping.start()
        with pytest.raises(psycopg.errors.AdminShutdown, match="going down") as told:
            idle.execute("select 1")
        assert told.value.diag.message_hint == "Reconnect, and run again what was not answered."
        assert time.monotonic() - began < 1.4, "an idle session does not wait for others"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))
        running.thread.join(10)
        assert running.problem is None
        assert running.row == (7,)
        with pytest.raises(psycopg.errors.AdminShutdown):
            busy.execute("select 1")
        stopping.join(10)
        assert not stopping.is_alive()
        assert time.monotonic() - began < 8
        for connection in (idle, busy):
            connection.close()


def test_what_takes_too_long_is_ended() -> None:
    with Rig() as rig:
        slow = rig.connect("ben")
        running = Running(slow, "select pg_sleep(60)")
        wait_until(lambda: rig.run(lambda: any(s.is_busy for s in rig.app.postgresql._sessions)), 5)
        began = time.monotonic()
        rig.call(rig.app.postgresql.stop(0.5))
        running.thread.join(10)
        slow.close()
        assert isinstance(running.problem, psycopg.errors.AdminShutdown)
        assert time.monotonic() - began < 8


def test_a_copy_that_runs_gets_its_data() -> None:
    with Rig() as rig, rig.connect("ben") as connection:
        connection.execute("create temp table copied (id int)")
        cursor = connection.cursor()
        with cursor.copy("copy copied from stdin") as into:
            into.write(b"1\n")
            wait_until(lambda: rig.run(lambda: any(s.is_busy for s in rig.app.postgresql._sessions)), 5)
            stopping = threading.Thread(target=lambda: rig.call(rig.app.postgresql.stop(10.0)), daemon=True)
            stopping.start()
            time.sleep(0.3)
            into.write(b"2\n")
        assert cursor.statusmessage == "COPY 2"
        stopping.join(10)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("restart") / "demo", lab=False) as running:
        yield running


def test_a_restart_refuses_nobody(stack: Stack) -> None:
    """SIGUSR2: a statement runs through, clients that come meanwhile wait and are served, under the same pid and port."""
    assert stack.gateway is not None
    pid = stack.gateway.pid
    conninfo = stack.conninfo("ana")
    slow = psycopg.connect(conninfo, autocommit=True)
    running = Running(slow, "select 7 from pg_sleep(1.5)")
    time.sleep(0.5)
    os.kill(pid, signal.SIGUSR2)
    served, deadline = 0, time.monotonic() + 30
    wait_until(lambda: running.row is not None or running.problem is not None, 20)
    while served < 3:
        assert time.monotonic() < deadline
        try:
            with psycopg.connect(conninfo, autocommit=True, connect_timeout=20) as connection:
                assert connection.execute("select 1").fetchone() == (1,)
            served += 1
        except psycopg.errors.AdminShutdown:
            continue  # accepted in the instant before: told to reconnect
    slow.close()
    assert (running.row, running.problem) == ((7,), None)
    assert stack.gateway.is_running
    assert stack.gateway.pid == pid
    ended = [verify(path) for path in recordings(stack)]
    assert all(verdict.ok for verdict in ended)


def test_a_broken_configuration_does_not_restart(stack: Stack) -> None:
    assert stack.gateway is not None
    config = stack.config
    text = config.read_text()
    try:
        config.write_text(text + "\nnonsense = 1\n")
        os.kill(stack.gateway.pid, signal.SIGUSR2)
        time.sleep(1.0)
        with psycopg.connect(stack.conninfo("ana")) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
    finally:
        config.write_text(text)
