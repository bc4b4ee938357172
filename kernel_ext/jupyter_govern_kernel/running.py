"""Run one statement for a cell: the connection works in a thread, the cell watches, and an interrupt cancels on the wire.

The thread is what lets the cell show live seconds while it waits, and lets it know what became of a cancelled statement.
Knows connection and watch, neither IPython nor SQL.
"""

from __future__ import annotations

import contextvars
import os
import socket
import threading
from collections.abc import Callable
from typing import TypeVar

import psycopg

from jupyter_govern_kernel.connection import GovernedConnection
from jupyter_govern_kernel.problems import Cancelled
from jupyter_govern_kernel.watch import Watch

TICK_SECONDS = 1.0
CANCEL_SECONDS = 5.0
SETTLE_SECONDS = 10.0
"""How long a cancelled statement may take to come back before its connection is cut."""

T = TypeVar("T")


class _Work:
    """A call in a thread of its own, with its result."""

    def __init__(self, call: Callable[[], T]) -> None:
        self.done = threading.Event()
        self.result: object = None
        self.error: BaseException | None = None
        context = contextvars.copy_context()  # ipykernel keeps the running cell's message in one
        self._thread = threading.Thread(target=context.run, args=(self._run, call), name="govsql", daemon=True)
        self._thread.start()

    def _run(self, call: Callable[[], object]) -> None:
        try:
            self.result = call()
        except BaseException as problem:  # carried to the cell's thread and raised there
            self.error = problem
        finally:
            self.done.set()


def run_watched(connection: GovernedConnection, call: Callable[[], T], watch: Watch, *, tick: float = TICK_SECONDS) -> T:
    """Run `call` (which uses `connection`) and watch it; raises what it raises, or Cancelled."""
    work = _Work(call)
    try:
        while not work.done.wait(tick):
            watch.tick()
    except KeyboardInterrupt:
        message = _cancel(connection, work)
        watch.finish("cancelled")
        raise Cancelled(message) from None
    watch.finish("refused or failed" if work.error else "approved, done")
    if work.error is not None:
        raise work.error
    return work.result  # type: ignore[return-value]


def _cancel(connection: GovernedConnection, work: _Work) -> str:
    """Cancel on the wire and say what became of the statement. A second interrupt cuts the connection."""
    problem: Exception | None = None
    try:
        try:
            connection.cancel_safe(timeout=CANCEL_SECONDS)
        except (psycopg.Error, OSError) as unreached:
            problem = unreached
        settled = work.done.wait(0 if problem else SETTLE_SECONDS)
    except KeyboardInterrupt:
        settled = False
    if not settled:
        cut(connection)
        work.done.wait(SETTLE_SECONDS)
        why = f" ({problem})" if problem else ""
        return f"the cancel request was not answered{why}: the connection was cut, which also ends the statement."
    match work.error:
        case None:
            return "the statement had finished before the cancel arrived. It was not undone."
        case psycopg.errors.QueryCanceled() if work.error.diag.source_function or not work.error.diag.message_primary:
            return "cancelled on the target."
        case psycopg.errors.QueryCanceled():  # the gateway's own words: no routine of PostgreSQL's raised it
            return f"{work.error.diag.message_primary}."
        case _:
            return f"the statement ended with an error before the cancel arrived: {work.error}"


def cut(connection: GovernedConnection) -> None:
    """End the socket under a connection that a thread waits on, so that the thread returns."""
    try:
        with socket.socket(fileno=os.dup(connection.fileno())) as end:
            end.shutdown(socket.SHUT_RDWR)
    except (OSError, psycopg.Error):
        return  # it is gone already
