"""Run watched: results, errors, and an interrupt that says what became of the statement."""

from __future__ import annotations

import _thread
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from jupyter_govern_kernel import running
from jupyter_govern_kernel.problems import Cancelled
from jupyter_govern_kernel.running import run_watched
from jupyter_govern_kernel.watch import Watch


class Connection:
    """Stands for a connection: what a cancel does is given."""

    def __init__(self, on_cancel: Callable[[], None]) -> None:
        self.on_cancel = on_cancel
        self.near, self.far = socket.socketpair()

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *exception: object) -> None:
        self.near.close()
        self.far.close()

    def cancel_safe(self, timeout: float) -> None:
        self.on_cancel()

    def fileno(self) -> int:
        return self.near.fileno()


def interrupt_soon() -> None:
    threading.Timer(0.15, _thread.interrupt_main).start()


def test_a_result_comes_through() -> None:
    with Connection(lambda: None) as connection:
        assert run_watched(connection, lambda: 5, Watch()) == 5  # type: ignore[arg-type]


def test_an_error_comes_through() -> None:
    def fail() -> None:
        raise psycopg.errors.UndefinedTable("no")

    with Connection(lambda: None) as connection, pytest.raises(psycopg.errors.UndefinedTable):
        run_watched(connection, fail, Watch())  # type: ignore[arg-type]


def run_and_interrupt(call: Callable[[Connection], Any], on_cancel: Callable[[], None]) -> str:
    with Connection(on_cancel) as connection, pytest.raises(Cancelled) as cancelled:
        interrupt_soon()
        run_watched(connection, lambda: call(connection), Watch(), tick=0.05)  # type: ignore[arg-type]
    return cancelled.value.message


def test_an_interrupt_cancels_on_the_target() -> None:
    cancelled = threading.Event()

    def sleep(connection: Connection) -> None:
        assert cancelled.wait(5)
        raise psycopg.errors.QueryCanceled("canceling statement due to user request")

    assert run_and_interrupt(sleep, cancelled.set).startswith("cancelled on the target.")


def test_a_statement_that_was_faster_is_not_called_cancelled() -> None:
    asked = threading.Event()

    def finish(connection: Connection) -> int:
        assert asked.wait(5)
        return 5

    assert "had finished before the cancel arrived" in run_and_interrupt(finish, asked.set)


def test_another_error_is_told() -> None:
    asked = threading.Event()

    def fail(connection: Connection) -> None:
        assert asked.wait(5)
        raise psycopg.errors.DivisionByZero("division by zero")

    assert "division by zero" in run_and_interrupt(fail, asked.set)


def read_until_cut(connection: Connection) -> None:
    if connection.near.recv(1) == b"":
        raise psycopg.OperationalError("server closed the connection unexpectedly")


def test_a_cancel_that_is_not_answered_cuts_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "SETTLE_SECONDS", 0.3)
    began = time.monotonic()
    assert "the connection was cut" in run_and_interrupt(read_until_cut, lambda: None)
    assert time.monotonic() - began < 2


def test_a_cancel_that_cannot_be_sent_cuts_the_connection() -> None:
    def refuse() -> None:
        raise psycopg.OperationalError("connection refused")

    said = run_and_interrupt(read_until_cut, refuse)
    assert "connection refused" in said
    assert "the connection was cut" in said
