"""A psycopg connection to a governed target: it reports the notebook cell before each statement, in whatever way it is used.

One place for the magic, `connect()` and the SQLAlchemy engine, so that none of them can forget the cell. Knows psycopg
and where to connect, no IPython display and no SQL of its own but the report.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import psycopg
from psycopg import rows

from jupyter_govern.model import Cell
from jupyter_govern_kernel.provenance import report_statement

CONNECT_SECONDS = 15
APPLICATION_NAME = "jupyter-govern"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where and as whom a target is reached, as the gateway's API says (`connect` of GET targets)."""

    host: str
    port: int
    dbname: str
    user: str
    sslmode: str = "verify-full"
    ca_file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedColumn:
    """A result column that a rule hides, as the gateway announced it."""

    name: str
    rule: str
    format: str


class _Reporting:
    """The statements of a cursor, each after the cell report. Mixed in before psycopg's own cursors."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        self.connection.report_cell()  # type: ignore[attr-defined]
        return super().execute(query, params, **options)  # type: ignore[misc]

    def executemany(self, query: Any, params_seq: Any, **options: Any) -> Any:
        self.connection.report_cell()  # type: ignore[attr-defined]
        return super().executemany(query, params_seq, **options)  # type: ignore[misc]

    def stream(self, query: Any, params: Any = None, **options: Any) -> Iterator[Any]:
        self.connection.report_cell()  # type: ignore[attr-defined]
        return cast(Iterator[Any], super().stream(query, params, **options))  # type: ignore[misc]

    def copy(self, statement: Any, params: Any = None, **options: Any) -> Any:
        self.connection.report_cell()  # type: ignore[attr-defined]
        return super().copy(statement, params, **options)  # type: ignore[misc]


class GovernedCursor(_Reporting, psycopg.Cursor[Any]):
    """psycopg's cursor, reporting."""


class GovernedRawCursor(_Reporting, psycopg.RawCursor[Any]):
    """psycopg's cursor with PostgreSQL's own `$1` parameters, so that `%` is just a percent sign; reporting."""


class GovernedServerCursor(_Reporting, psycopg.ServerCursor[Any]):
    """psycopg's named cursor, reporting."""


class GovernedConnection(psycopg.Connection[Any]):
    """A connection through the gateway."""

    def __init__(self, pgconn: Any, row_factory: Any = rows.tuple_row) -> None:
        super().__init__(pgconn, row_factory)
        self.cursor_factory = GovernedCursor
        self.server_cursor_factory = GovernedServerCursor
        self.where_from: Callable[[], Cell | None] = lambda: None
        self._reported: Cell | None = None

    def report_cell(self) -> None:
        """Tell the gateway which cell the next statement comes from, if that changed."""
        cell = self.where_from()
        if cell is None or cell == self._reported:
            return
        try:
            psycopg.Cursor(self).execute(report_statement(cell).encode())
        except psycopg.errors.InFailedSqlTransaction:
            return  # nothing but ROLLBACK can run now, and that must stay possible
        self._reported = cell

    def rollback(self) -> None:
        """Roll back; a report made inside the transaction is made again, whoever holds such settings to be part of it."""
        self._reported = None
        super().rollback()

    def masked_columns(self) -> tuple[MaskedColumn, ...]:
        """What the gateway said it hid in the last result; names only, so a guess where two columns share one."""
        said = self.info.parameter_status("govern.masked")
        try:
            listed = json.loads(said or "[]")
            return tuple(MaskedColumn(name=str(m["name"]), rule=str(m["rule"]), format=str(m["format"])) for m in listed)
        except (ValueError, KeyError, TypeError):
            return ()


def authority(endpoint: Endpoint) -> str | None:
    """libpq's `sslrootcert`: the gateway's own file where it is on this machine, else the person's, else the system's."""
    if endpoint.ca_file and Path(endpoint.ca_file).is_file():
        return endpoint.ca_file
    if (
        endpoint.sslmode != "verify-full"
        or os.environ.get("PGSSLROOTCERT")
        or (Path.home() / ".postgresql" / "root.crt").is_file()
    ):
        return None  # libpq finds these by itself, and takes "system" for full verification only
    return "system"


def open_connection(
    endpoint: Endpoint, token: str, *, where_from: Callable[[], Cell | None], autocommit: bool = False
) -> GovernedConnection:
    """Connect; raises psycopg.OperationalError. The token is the password, and lives in this process only."""
    connection = GovernedConnection.connect(
        host=endpoint.host,
        port=endpoint.port,
        dbname=endpoint.dbname,
        user=endpoint.user,
        password=token,
        sslmode=endpoint.sslmode,
        sslrootcert=authority(endpoint),
        application_name=APPLICATION_NAME,
        options="-c govern.client=kernel",
        connect_timeout=CONNECT_SECONDS,
        autocommit=True,  # until the cell is told: else psycopg's own BEGIN would come before it
        prepare_threshold=None,  # a policy may change between two runs of one statement
    )
    try:
        connection.where_from = where_from
        connection.report_cell()
        connection.autocommit = autocommit
    except BaseException:
        connection.close()
        raise
    return connection
