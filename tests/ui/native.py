"""A native PostgreSQL client of a person, beside JupyterLab: its own login at the gateway, statements in threads."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psycopg

from jupyter_govern.demo.stack import Stack


class Native:
    """One person's login by password and the connections made with it. Close it: what waits is withdrawn."""

    def __init__(self, stack: Stack, person: str) -> None:
        self._stack, self._person = stack, person
        self.api = stack.login(person)
        self._pool = ThreadPoolExecutor(max_workers=4)
        self._connections: list[psycopg.Connection[Any]] = []

    def start(self, statement: str) -> Future[str]:
        """Run a statement in a thread; its result is the command tag, or the error."""
        connection = psycopg.connect(self._stack.conninfo(self._person), autocommit=True)
        self._connections.append(connection)
        return self._pool.submit(lambda: connection.execute(statement.encode()).statusmessage or "")

    def pending(self, statement: str, seconds: float = 20.0) -> dict[str, Any]:
        """The approval that this statement waits for."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for approval in self.api.approvals():
                if approval["statement"] == statement:
                    return dict(approval)
            time.sleep(0.1)
        raise AssertionError(f"nothing waits for {statement!r}")

    def close(self) -> None:
        """Hang up; a statement that still waits is cancelled, as psql does at Ctrl-C."""
        for connection in self._connections:
            connection.cancel_safe(timeout=5)
        self._pool.shutdown(wait=True, cancel_futures=True)
        for connection in self._connections:
            connection.close()
