"""What an attack holds in hand: connections down one road, what they said besides rows, and a clock that ends them all."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Sequence
from typing import Any

import psycopg

from .secrets import NAMED

LIMIT = 8.0  # seconds, for an attack as a whole
SESSION = "set statement_timeout to '5s'; set search_path to vault, public"
Rows = list[tuple[Any, ...]]
Connection = psycopg.Connection[tuple[Any, ...]]


class Attacker:
    """Use as a context manager. It knows the id and the name of the row that it is after."""

    id, name = NAMED, f"Person {NAMED}"

    def __init__(self, conninfo: str) -> None:
        self._conninfo, self._open = conninfo, list[Connection]()
        self._clock = threading.Timer(LIMIT, self._time_is_up)
        self.heard: list[str] = []
        """Notices and errors: whatever they hold was recovered too."""

    def __enter__(self) -> Attacker:
        self._clock.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._clock.cancel()
        for connection in self._open:
            with contextlib.suppress(psycopg.Error):
                connection.close()

    def connect(self) -> Connection:
        connection = psycopg.connect(self._conninfo, autocommit=True, connect_timeout=5)
        self._open.append(connection)
        connection.add_notice_handler(self.listen)
        connection.execute(SESSION)
        return connection

    def listen(self, said: psycopg.errors.Diagnostic) -> None:
        parts = (said.message_primary, said.message_detail, said.message_hint, said.context, said.internal_query)
        self.heard += [part for part in parts if part]

    def rows(self, *statements: str, on: Connection | None = None, params: Sequence[object] | None = None, binary: bool = False) -> Rows:
        """One statement after the other on one connection; the rows of the last, all its results."""
        found: Rows = []
        connection = on or self.connect()
        for statement in statements:
            with connection.cursor(binary=binary) as cursor:
                cursor.execute(self.fill(statement).encode(), params, prepare=None)
                found = []
                while True:
                    found += cursor.fetchall() if cursor.description else []
                    if not cursor.nextset():
                        break
        return found

    def value(self, statement: str, *, on: Connection | None = None) -> Any:
        found = self.rows(statement, on=on)
        return found[0][0] if found else None

    def fill(self, statement: str) -> str:
        return statement.replace("{id}", str(self.id))

    def try_each(self, *statements: str) -> None:
        """Goes on after errors, which are heard."""
        connection = self.connect()
        for statement in statements:
            try:
                self.rows(statement, on=connection)
            except psycopg.Error as error:
                self.fail(error)
                if connection.closed:
                    return

    def fail(self, error: psycopg.Error) -> None:
        self.listen(error.diag)
        self.heard.append(str(error))

    def _time_is_up(self) -> None:
        for connection in self._open:
            with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as wire:
                wire.shutdown(socket.SHUT_RDWR)
