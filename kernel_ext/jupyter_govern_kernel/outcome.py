"""What one magic call's statements gave, read from psycopg into plain columns and rows.

Knows psycopg's cursor, neither pandas nor any display.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus
from psycopg.types.string import TextLoader

from jupyter_govern_kernel.connection import GovernedConnection, GovernedRawCursor, MaskedColumn

MAX_COPY_BYTES = 256 * 1024 * 1024
"""COPY … TO STDOUT is kept whole in memory by the magic; `connect()` streams it instead."""

# date, timestamp, timestamptz, interval: PostgreSQL's reach further than Python's ("infinity", years beyond 9999)
_TIME_OIDS = (1082, 1114, 1184, 1186)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultColumn:
    """Name and type of a result column; `masked` is how it is hidden, None where the gateway announced nothing."""

    name: str
    type_oid: int
    masked: MaskedColumn | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One statement's answer: rows under `columns`, or only a command tag, or what COPY sent."""

    tag: str
    columns: tuple[ResultColumn, ...] = ()
    rows: tuple[tuple[Any, ...], ...] = ()
    copied: bytes | None = None


class CopyNeedsInput(Exception):
    """COPY … FROM STDIN was asked for where there is nothing to read from."""


class CopyTooLarge(Exception):
    """COPY … TO STDOUT gave more than a cell may keep."""


def fetch_outcomes(connection: GovernedConnection, sql: str, values: list[object]) -> tuple[Outcome, ...]:
    """Run the text and fetch everything; raises psycopg.Error."""
    with GovernedRawCursor(connection) as cursor:
        cursor.execute(sql, values or None)
        outcomes = [_outcome(cursor)]
        while cursor.nextset():
            outcomes.append(_outcome(cursor))
    masked = {column.name: column for column in connection.masked_columns()}
    return tuple(_marked(outcome, masked) for outcome in outcomes)


def fetch_copy(connection: GovernedConnection, sql: str, values: list[object]) -> tuple[Outcome, ...]:
    """Run one COPY … TO STDOUT and keep what it sends; raises psycopg.Error, CopyNeedsInput, CopyTooLarge."""
    kept = bytearray()
    with GovernedRawCursor(connection) as cursor:
        with cursor.copy(sql, values or None) as copy:
            if cursor.pgresult is not None and cursor.pgresult.status == ExecStatus.COPY_IN:
                raise CopyNeedsInput
            for block in copy:
                kept += block
                if len(kept) > MAX_COPY_BYTES:
                    raise CopyTooLarge
        return (Outcome(tag=cursor.statusmessage or "COPY", copied=bytes(kept)),)


def _outcome(cursor: psycopg.RawCursor[Any]) -> Outcome:
    tag = cursor.statusmessage or ""
    if cursor.description is None:
        return Outcome(tag=tag)
    columns = tuple(ResultColumn(name=column.name, type_oid=column.type_code) for column in cursor.description)
    return Outcome(tag=tag, columns=columns, rows=tuple(_rows(cursor)))


def _rows(cursor: psycopg.RawCursor[Any]) -> list[tuple[Any, ...]]:
    try:
        return cursor.fetchall()
    except psycopg.DataError:  # a moment that Python's datetime cannot hold: keep those columns as text
        result = cursor.pgresult
        if result is None:
            raise
        for oid in _TIME_OIDS:
            cursor.adapters.register_loader(oid, TextLoader)
        reader = Transformer(cursor)
        reader.set_pgresult(result)
        return reader.load_rows(0, result.ntuples, tuple)


def _marked(outcome: Outcome, masked: dict[str, MaskedColumn]) -> Outcome:
    columns = tuple(ResultColumn(name=c.name, type_oid=c.type_oid, masked=masked.get(c.name)) for c in outcome.columns)
    return Outcome(tag=outcome.tag, columns=columns, rows=outcome.rows, copied=outcome.copied)
